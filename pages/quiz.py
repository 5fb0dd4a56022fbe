"""Real or fake? A blind session of photographs and synthetic pictures, with an honest score at the end."""

from pathlib import Path

import streamlit as st

from leafcore.data.labels import words
from leafcore.data.synthetic_sets import MAKERS
from leafcore.errors import LeafError
from leafcore.quiz import Kind, Quiz, answer_quiz, open_quiz, picture_of, start_quiz, undo_answer
from ui import cached
from ui.places import path_of
from ui.service import workspace

sets = {run.id: run for run in cached.runs_of(*MAKERS)}
if not sets:
    st.info("The quiz needs synthetic pictures.", icon=":material/quiz:")
    st.page_link(path_of("studio"), label="Make synthetic pictures", icon=":material/auto_awesome:")
    st.stop()

quiz_id = st.query_params.get("quiz")
quiz: Quiz | None = None
if quiz_id:
    try:
        quiz = open_quiz(workspace(), quiz_id)
    except LeafError as error:
        st.warning(str(error), icon=":material/info:")


def say(said: Kind) -> None:
    """Record an answer."""
    answer_quiz(workspace(), open_quiz(workspace(), st.query_params["quiz"]), said)


def undo() -> None:
    """Take the last answer back."""
    undo_answer(workspace(), open_quiz(workspace(), st.query_params["quiz"]))


def leave() -> None:
    """Forget the session's link."""
    del st.query_params["quiz"]


if quiz is None:
    st.caption(
        "You see one leaf at a time. Half are validation photographs, half are synthetic; both are shown at the same "
        "size and encoding. There is no timer."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Synthetic set",
            list(sets),
            format_func=lambda run_id: f"{sets[run_id].record.title} · {cached.when(sets[run_id])}",
            key="quiz_set",
            width=420,
        )
        count = st.segmented_control("Pictures", [20, 40], default=20, required=True, key="quiz_count")
        if st.button(f"Start {count}", type="primary", icon=":material/play_arrow:", key="quiz_start"):
            try:
                st.query_params["quiz"] = start_quiz(workspace(), chosen, int(count)).id
                st.rerun()
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
elif quiz.current is not None:
    done, total = len(quiz.answers), len(quiz.items)
    st.progress(done / total, text=f"{words(quiz.labels)}: picture {done + 1} of {total}")
    try:
        picture = picture_of(quiz, quiz.current)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        st.button("Start another", icon=":material/replay:", key="quiz_leave", on_click=leave)
        st.stop()
    with st.container(horizontal_alignment="center"):
        st.image(picture, alt=f"Leaf {done + 1} of {total}", width=420)
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "Photograph", shortcut="J", icon=":material/photo_camera:", key="say_real", on_click=say, args=("real",)
            )
            st.button(
                "Synthetic", shortcut="F", icon=":material/auto_awesome:", key="say_fake", on_click=say, args=("fake",)
            )
            st.button("Undo", shortcut="Z", icon=":material/undo:", key="say_undo", on_click=undo, disabled=done == 0)
else:
    score = quiz.score()
    st.metric("Right answers", f"{quiz.hits} of {len(quiz.items)}")
    low, high = score.low, score.high
    told = (
        "You cannot tell them apart better than by guessing"
        if low <= 0.5 <= high
        else ("You can tell them apart" if low > 0.5 else "They look more real to you than photographs do")
    )
    st.markdown(f"{score.value:.0%} right, exact 95% interval {low:.0%} to {high:.0%}; guessing gives 50%. **{told}.**")
    fooled = [item for item in quiz.fooled_by() if Path(item.path).exists()]
    if fooled:
        st.caption("Synthetic pictures that you took for photographs")
        st.image(
            [picture_of(quiz, item) for item in fooled], alt=[f"Synthetic {item.name}" for item in fooled], width=150
        )
    st.button("Start another", icon=":material/replay:", key="quiz_again", on_click=leave)
