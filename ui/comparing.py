"""Runs beside each other: one loss, the settings that differ, the same probes."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from leafcore.data.seen import load_seen
from leafcore.runs import Run, list_runs
from leafcore.train.configs import RECIPES, is_translation
from leafcore.train.hints import loss_words
from ui import cached, loss_charts, show
from ui.choose import choose_many
from ui.directions import choose_direction
from ui.run_settings import differences, text_of
from ui.service import workspace
from ui.watching import chart_controls

MOST = 6
FIRST = ("cycle_a", "loss", "val_macro_f1")  # the scalar that is shown first, if the runs have it
COLUMN_PX = 168


def compare_box(run: Run) -> None:
    """Draw a training run beside up to five others of its recipe, a translation beside others."""
    others = cached.titles(other for other in list_runs(workspace()) if other.id != run.id and is_alike(other, run))
    if not others:
        st.caption("There is no second training of its kind to compare this run with.")
        return
    chosen = choose_many("Compare with", others, "cmp", most=MOST - 1)
    if not chosen:
        st.caption("Choose one to five other runs.")
        return
    by_id = {other.id: other for other in list_runs(workspace())}
    runs = [run, *(by_id[other] for other in chosen)]
    _curves(runs)
    _settings(runs)
    _probes(runs)


def is_alike(one: Run, other: Run) -> bool:
    """Whether two runs train the same kind of thing, so that their losses mean the same."""
    if one.kind == other.kind:
        return one.kind in RECIPES
    return is_translation(one.kind) and is_translation(other.kind)


def names_of(runs: Sequence[Run]) -> list[str]:
    """Return a name per run, all different: its title and when it was queued, numbered if that is not enough."""
    names = [cached.title(run) for run in runs]
    return [f"{name} ({number})" if names.count(name) > 1 else name for number, name in enumerate(names, 1)]


def _curves(runs: Sequence[Run]) -> None:
    curves = [cached.curves(run) for run in runs]
    shared = [name for name in curves[0] if name not in loss_charts.UNDRAWN and all(name in each for each in curves)]
    if not shared:
        st.caption("These runs have no loss in common.")
        return
    start = next((shared.index(name) for name in FIRST if name in shared), 0)
    loss = st.selectbox("Loss", shared, start, key="cmploss", bind="query-params", format_func=loss_words, width=260)
    weight, log, steps = chart_controls()
    lines = {name: each[loss] for name, each in zip(names_of(runs), curves, strict=True)}
    figure = loss_charts.overlaid(lines, weight=weight, log=log, steps=steps, title=loss_words(loss))
    st.plotly_chart(figure, key="overlaid", alt=f"{loss_words(loss)} of {len(runs)} runs over steps")


def _settings(runs: Sequence[Run]) -> None:
    rows = differences(runs)
    if not rows:
        st.caption("Their settings are the same.")
        return
    st.markdown("**Settings that differ**")
    texts = {name: [text_of(value) for value in values] for name, values in rows.items()}
    st.dataframe(pd.DataFrame(texts, index=names_of(runs)).T.rename_axis("Setting"))


# --- probes -----------------------------------------------------------------------------------------------------------


def same_probes(runs: Sequence[Run]) -> bool:
    """Whether runs draw samples of the same pictures in the same order."""
    drawn = [cached.preview_epochs(run) for run in runs]
    if not all(drawn):
        return False
    rows = [cached.preview(run, epochs[-1])[0]["rows"] for run, epochs in zip(runs, drawn, strict=True)]
    probes = [load_seen(run.folder).get("probe") for run in runs]
    return all(row == rows[0] for row in rows) and all(probe and probe == probes[0] for probe in probes)


def _probes(runs: Sequence[Run]) -> None:
    if not is_translation(runs[0].kind):
        return
    if not same_probes(runs):
        st.caption("These runs draw samples of different pictures, so they cannot be shown side by side.")
        return
    st.markdown("**The same probes**")
    epochs = sorted({epoch for run in runs for epoch in cached.preview_epochs(run)})
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        direction = choose_direction(runs[0], "way")
        epoch = (
            st.select_slider("Epoch", epochs, epochs[-1], key="cmpepoch", bind="query-params", width=420)
            if len(epochs) > 1
            else epochs[0]
        )
    with st.container(width=COLUMN_PX * (len(runs) + 1)):
        columns = st.columns(len(runs) + 1, gap="xxsmall", vertical_alignment="bottom", wrap=False)
        _strip(columns[0], runs[0], epoch, direction, "input", "Input")
        for column, run, name in zip(columns[1:], runs, names_of(runs), strict=True):
            _strip(column, run, epoch, direction, "fake", name)


def _strip(column: object, run: Run, epoch: int, direction: str, kind: str, name: str) -> None:
    """Draw one column of a run's samples, of the last epoch drawn by then."""
    drawn = cached.preview_epochs(run)
    nearest = max((each for each in drawn if each <= epoch), default=drawn[0])
    facts, sheet = cached.preview(run, nearest)
    rows = [index for index, row in enumerate(facts["rows"]) if row["direction"] == direction]
    side, number = facts["size_px"], facts["columns"].index(kind)
    with column:  # type: ignore[attr-defined]
        st.caption(name if kind == "input" else f"{name} · epoch {nearest}")
        show.exact(show.strip(sheet, rows, number, side), f"{kind} of {len(rows)} probes, {name}, epoch {nearest}")
