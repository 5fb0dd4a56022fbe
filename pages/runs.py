"""Runs: watch what runs, stop it, resume it, see losses and samples, compare it with others."""

from collections.abc import Callable

import streamlit as st

from leafcore.runs import Run, list_runs, open_run
from leafcore.train.configs import RECIPES, is_noise_model
from ui import cached, live, steering
from ui.choose import choose
from ui.comparing import compare_box
from ui.lineage import lineage
from ui.places import path_of
from ui.queue_box import queue_box
from ui.results import result_buttons
from ui.run_list import run_list
from ui.run_log import files_box, log_box
from ui.run_settings import config_box
from ui.service import workspace
from ui.usage import usage_tab
from ui.watching import charts_box, newest_picture, samples_box

TABS: dict[str, Callable[[Run], None]] = {
    "Charts": charts_box,
    "Samples": samples_box,
    "Config": config_box,
    "Log": log_box,
    "Files": files_box,
    "Lineage": lineage,
    "Compare": compare_box,
    "Usage": usage_tab,
}

MADE_OF_CELLS = {"evaluate", "probes"}  # whose classifiers are trained one after another: no steps that they share

runs = list_runs(workspace())
if not runs:
    st.info("No runs yet. What you queue on the other pages appears here.", icon=":material/list_alt:")
    st.page_link(path_of("train"), label="Train something", icon=":material/model_training:")
    st.stop()

queue_box()
steering.trash_note()

is_narrowed = bool({"kinds", "states"} & set(st.query_params))
history = st.expander(
    f"All runs ({len(runs)})", expanded=is_narrowed, icon=":material/list:", key="history", on_change="rerun"
)
if history.open:
    with history:
        run_list(runs)

titles = {run.id: f"{run.record.title} · {run.status().state} · {cached.when(run)}" for run in runs}
run = open_run(workspace(), choose("Run", titles, "run"))
live.progress_panel(run, key="runs")
with st.container(horizontal=True, vertical_alignment="center"):
    result_buttons(run)
    steering.more(run)

without = set() if is_noise_model(run.kind) else {"Usage"}
if run.kind not in RECIPES:  # a training will have both
    without |= set() if cached.curves(run) and run.kind not in MADE_OF_CELLS else {"Charts"}
    without |= set() if newest_picture(run) else {"Samples"}
tabs = {title: draw for title, draw in TABS.items() if title not in without}
for tab, draw in zip(st.tabs(list(tabs), key="run_tab", bind="query-params"), tabs.values(), strict=True):
    if tab.open:  # the others cost nothing, and their keys do nothing
        with tab:
            draw(run)
