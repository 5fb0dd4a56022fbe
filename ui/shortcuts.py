"""Shortcut probes beside a comparison: what they found of its dataset, and the button that looks for shortcuts."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from leafcore.evaluate.probe_configs import VIEW_TITLES, ProbesConfig
from leafcore.evaluate.probe_result import WITHOUT_LEAF, Probes, newest_probes, read_probes, told
from leafcore.runs import RESUMABLE, Run, list_runs
from ui import cached, forms, live
from ui.charts import COLORS, MARGIN
from ui.copying import copy_as
from ui.places import path_of
from ui.service import workspace


def shortcut_note(dataset: str) -> None:
    """Draw in a line what the probes of a dataset version found; nothing if there are none.

    Args:
        dataset: `name@version`.
    """
    run = newest_probes(workspace(), dataset)
    if run is None:
        return
    found = read_probes(run.folder)
    if found.telling:
        st.warning(found.sentence, icon=":material/wallpaper:")
    elif not found.is_known:
        st.info(found.sentence, icon=":material/wallpaper:")
    else:
        st.caption(f":material/wallpaper: {found.sentence}")


def shortcuts_box(comparison: Run) -> None:
    """Draw what the probes of a comparison's dataset found, and the way to look for shortcuts.

    Args:
        comparison: Whose dataset, and whose classifiers' settings.
    """
    dataset = comparison.record.settings["dataset"]
    working = live.active_runs("probes")
    for run in working:
        live.progress_panel(run, key="probes")
    done = newest_probes(workspace(), dataset)
    if done is not None:
        _found(done)
    if not working:
        cut_short = _cut_short(dataset, done)
        if cut_short is not None:
            _resumable(cut_short)
        _start(comparison, is_first=done is None, is_primary=done is None and cut_short is None)


def _cut_short(dataset: str, done: Run | None) -> Run | None:
    """Return the look at a dataset version that came farthest of those begun since the newest finished, and ended."""
    since = done.id if done is not None else ""
    runs = [run for run in list_runs(workspace(), "probes") if run.record.settings["dataset"] == dataset]
    ended = {run: run.status() for run in runs if run.id > since and run.status().state in RESUMABLE}
    return max(ended, key=lambda run: (ended[run].safe, ended[run].fraction), default=None)


def _resumable(run: Run) -> None:
    """Draw a look that ended before it was through: why, what is kept of it, and the way on."""
    st.caption("An earlier look was not finished: Resume goes on with it, a new one begins from the start.")
    live.progress_panel(run, key="probes")
    st.page_link(path_of("runs"), label="Open on Runs", icon=":material/list_alt:", query_params={"run": run.id})


def _start(comparison: Run, *, is_first: bool, is_primary: bool) -> None:
    shared = set(ProbesConfig.model_fields) & comparison.record.settings.keys()
    values: dict[str, Any] = {name: comparison.record.settings[name] for name in sorted(shared)}
    if is_first:
        st.caption("Is the class told by what is no leaf? Classifiers like these see only a part of each picture.")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Look for shortcuts" if is_first else "Look again",
            type="primary" if is_primary else "secondary",
            icon=":material/wallpaper:",
            key="probe",
        )
        copy_as("probes", values, "probes")
    if pressed:
        known = cached.dataset(values["dataset"])
        if not (known.records["mask"] != "").any() and not forms.mask_sets(known.name):
            st.info("The leaves must be found first: save a mask set.", icon=":material/imagesearch_roller:")
            st.page_link(path_of("masks"), label="Masks", query_params={"ds": known.name})
        elif forms.queue("probes", values):
            st.rerun()


def _found(run: Run) -> None:
    found = read_probes(run.folder)
    st.plotly_chart(probe_chart(found), key="probe_chart", alt="Macro-F1 of each part of the pictures, with intervals")
    with st.container(horizontal=True):
        table = pd.DataFrame(
            {
                "seen": VIEW_TITLES[view],
                "pixels left": f"{score.pixels:.0%}",
                "macro-F1": told(score.macro_f1),
                "accuracy": told(score.accuracy),
                "seeds": " ".join(f"{value:.2f}" for value in score.seeds),
            }
            for view, score in found.views.items()
        )
        st.dataframe(table, hide_index=True, key="probe_table")
        if (run.folder / "sample.jpg").exists():
            alt = f"Validation pictures, from left to right: {', '.join(VIEW_TITLES.values()).lower()}"
            st.image(str(run.folder / "sample.jpg"), alt=alt, width=340, caption="whole · leaf · background · border")
    fit = f" (IoU {found.mask_iou:.2f} with exact ones)" if found.mask_iou is not None else ""
    st.caption(
        f"{found.dataset} · n = {found.images} validation pictures in {found.groups} groups, "
        f"{found.train_images} train pictures · {found.steps} steps · always the most frequent label: "
        f"{found.majority:.0%} accuracy · masks: {found.masks or 'exact'}{fit} · the test split stays closed."
    )


def probe_chart(found: Probes) -> go.Figure:
    """Return macro-F1 of each view with its interval; chance is marked."""
    scores = [score.macro_f1 for score in found.views.values()]
    known = [score.is_known for score in scores]
    figure = go.Figure(
        go.Scatter(
            x=[score.value for score in scores],
            y=[VIEW_TITLES[view] for view in found.views],
            mode="markers",
            marker={
                "size": 11,
                "color": [COLORS[3] if view in WITHOUT_LEAF else COLORS[0] for view in found.views],
                "symbol": [
                    ("square" if view in WITHOUT_LEAF else "circle") + ("" if there else "-open")
                    for view, there in zip(found.views, known, strict=True)
                ],
            },
            error_x={
                "type": "data",
                "array": [score.high - score.value for score in scores],
                "arrayminus": [score.value - score.low for score in scores],
                "width": 6,
                "thickness": 2,
                "color": "#8a8a8a",
            },
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    figure.add_vline(
        x=found.chance,
        line={"dash": "dash", "width": 1, "color": "#8a8a8a"},
        annotation={"text": "chance", "font": {"color": "#8a8a8a"}, "yanchor": "bottom"},
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="macro-F1 on validation pictures", range=[0, 1.02])
    figure.update_layout(height=250, margin=MARGIN)
    return figure
