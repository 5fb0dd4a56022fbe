"""Train: choose a recipe and a preset, check the settings, queue the run."""

import streamlit as st

from leafcore import devices
from leafcore.train.configs import RECIPES
from ui import cached, forms, live
from ui.places import path_of

TIMES = {
    "smoke": "Smoke: seconds, to see that everything works.",
    "draft": "Draft: minutes to an hour on a CPU, to see what can be learned.",
    "paper": "Paper: the publication's settings; hours on a GPU, days on a CPU.",
}

if not cached.dataset_names() and not live.sample_is_drawn():
    st.info("Training needs pictures first.", icon=":material/photo_library:")
    st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    st.stop()

recipe = st.segmented_control(
    "What to train",
    list(RECIPES),
    format_func=lambda name: RECIPES[name].title,
    default="leafgan",
    required=True,
    key="recipe",
    bind="query-params",
)
st.caption(RECIPES[str(recipe)].makes)
preset = st.segmented_control(
    "Preset",
    list(TIMES),
    format_func=str.capitalize,
    default="paper" if devices.gpus() else "draft",
    required=True,
    key="preset",
    bind="query-params",
)
st.caption(TIMES[str(preset)])

forms.fill_from_link(str(recipe), {"ds": "dataset", "a": "a", "b": "b"})
queued = forms.settings_form(str(recipe), str(preset), submit_label="Queue training")
if queued is not None:
    st.toast(f"{queued.record.title} is queued.", icon=":material/schedule:")
    st.switch_page(path_of("runs"), query_params={"run": queued.id})

for run in live.active_runs():
    live.progress_panel(run, key="train")
