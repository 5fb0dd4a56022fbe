"""Train: choose a recipe and a preset, check the settings, queue the run."""

import streamlit as st

from leafcore import devices
from leafcore.train.configs import RECIPES
from leafcore.train.train_config import TrainConfig
from ui import cached, live
from ui.choose import choose_way
from ui.engines import recipe_facts
from ui.launching import launch_buttons, launch_form, source_run
from ui.places import path_of
from ui.presets import choose_preset
from ui.verdict import is_checking, verdicts_box

if not cached.dataset_names() and not live.sample_is_drawn():
    st.info("Training needs pictures first.", icon=":material/photo_library:")
    st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    st.stop()

applied = st.session_state.get("from_applied")
source = source_run()
recipe = choose_way(
    "What to train",
    list(RECIPES),
    "recipe",
    default="leafgan",
    is_set=st.session_state.get("from_applied") != applied,
    format_func=lambda name: RECIPES[name].title,
)
recipe_facts(recipe, list(TrainConfig.PURPOSES))

preset = "paper"
if source is None or source.kind != recipe:
    config = RECIPES[recipe].config
    presets = list(config.PRESETS)
    if st.session_state.get("preset", presets[0]) not in presets:
        del st.session_state["preset"]  # another recipe's
    usual = "paper" if devices.gpus() and "paper" in presets else "draft"
    preset = choose_preset(config, "preset", default=usual, bind="query-params")

configs = launch_form(recipe, preset, source)
launch_buttons(recipe, [] if is_checking() else configs)
verdicts_box()

checked = set(st.query_params.get_all("check"))
for run in live.active_runs():
    if run.id not in checked:
        live.progress_panel(run, key="train")
