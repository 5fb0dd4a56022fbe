"""Studio: translate train pictures, or make some from noise or a prompt; look at them, take them away as a ZIP."""

import streamlit as st

from leafcore.chain_steps import target_of
from leafcore.data.synthetic_sets import MAKERS
from ui import cached, live
from ui.adopting import adopt_generator_box, write_weights_box
from ui.choose import choose_run, choose_way
from ui.from_noise import noise_box
from ui.from_prompt import prompt_box
from ui.places import path_of
from ui.recipe import recipe_box
from ui.synthetic_set import set_box
from ui.translating import translate_box
from ui.usage import usage_box

TRANSLATE, NOISE, PROMPT = "Translate", "From noise", "From a prompt"

names = cached.dataset_names()
translators = cached.translators()
models = cached.noise_models()
drawing = cached.prompt_models()
if not names and not models and not drawing:
    if not live.sample_is_drawn():
        st.info("The Studio translates pictures of a dataset.", icon=":material/photo_library:")
        st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    st.stop()

way = choose_way(
    "How", [TRANSLATE, NOISE, PROMPT], "how", default=TRANSLATE if names else NOISE, label_visibility="collapsed"
)
if way == NOISE:
    noise_box(models)
elif way == PROMPT:
    prompt_box(drawing)
elif names:
    translate_box(names, {**translators, **{name: one for name, one in drawing.items() if target_of(one)}})
else:
    st.info("There is no dataset to translate pictures of.", icon=":material/photo_library:")
    st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")

working = live.active_runs(*MAKERS, "export")
for run in working:
    live.progress_panel(run, key="studio")
latest = st.session_state.get("studio_run")
sets = cached.runs_of(*MAKERS)
for run in cached.runs_of(*MAKERS, "export", state="failed")[:1]:
    if latest == run.id:
        live.progress_panel(run, key="studio-failed")
if sets:
    st.subheader("Synthetic sets")
    if any(latest == run.id for run in sets):  # what was just made is what one wants to see
        st.session_state["set"] = st.session_state.pop("studio_run")
    chosen = choose_run("Set", sets, "set")
    with st.container(border=True):
        set_box(chosen)

recipe_box()
if way == NOISE:
    usage_box()
elif way == TRANSLATE and names and translators:
    adopt_generator_box()
    write_weights_box(translators)
