"""Real or fake? A blind session of photographs and synthetic pictures, with an honest score at the end."""

import streamlit as st

from leafcore.data.synthetic_sets import MAKERS
from ui import cached
from ui.places import path_of
from ui.quiz import ask_box, current_quiz, score_box, start_box

sets = {run.id: run for run in cached.runs_of(*MAKERS)}
if not sets:
    st.info("The quiz needs synthetic pictures.", icon=":material/quiz:")
    st.page_link(path_of("studio"), label="Make synthetic pictures", icon=":material/auto_awesome:")
    st.stop()

quiz = current_quiz()
if quiz is None:
    start_box(sets)
elif quiz.current is not None:
    ask_box(quiz, quiz.current)
else:
    score_box(quiz)
