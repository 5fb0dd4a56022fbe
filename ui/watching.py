"""Watching a run: its losses with what they say, and what it makes of the probes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from leafcore.data.labels import words
from leafcore.runs import ACTIVE, Run, open_run
from leafcore.train.configs import is_translation
from leafcore.train.hints import Hint, hints
from ui import cached, live, loss_charts, show
from ui.directions import choose_direction, ways
from ui.places import path_of
from ui.series import FEW, MAX_POINTS, Steps, parse_steps
from ui.service import workspace
from ui.viewer import row_words

SMOOTHING = (0.0, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
GRAVE = {"not_a_number", "diverging"}
MOST_ROWS = 24  # of samples shown at a time; the newest epoch is shown whole
MEANINGS = {
    "mask": "White is leaf; a change elsewhere adds to the background loss.",
    "fake": "The input, translated.",
    "reconstruction": "The fake, translated back: the input again, if all goes well.",
    "identity": "The input through the generator of the other direction, which should leave it as it is.",
}
COLUMN_PX, GAP_PX = 128, 8
SHEET_PX = 816


def refresh(run: Run) -> str | None:
    """Return how often what is drawn of a run is drawn anew."""
    return live.REFRESH if run.status().state in ACTIVE else None


# --- charts -----------------------------------------------------------------------------------------------------------


def charts_box(run: Run) -> None:
    """Draw every scalar of a run, the losses of a translation in two linked charts."""
    weight, log, steps = chart_controls()
    called = ways(run) if is_translation(run.kind) else {}
    asked = st.session_state["steps"]

    def charts(run_id: str) -> None:
        if st.session_state["steps"] != asked:
            st.rerun()
        curves = cached.curves(open_run(workspace(), run_id))
        panels, others = loss_charts.panels_of(curves)
        if not panels and not others:
            st.caption("Nothing has been recorded yet.")
            return
        found = hints(curves, called)
        for hint in found:
            if hint.ends is None:
                _note(hint)
        _passed([hint for hint in found if hint.ends is not None])
        drawn = {"weight": weight, "log": log, "steps": steps}
        if panels:
            figure = loss_charts.linked(curves, panels, marks=found, **drawn)
            _zoomable(figure, "losses", f"Losses of {run_id} over steps")
            if called:
                a, b = words(run.record.settings["a"]), words(run.record.settings["b"])
                st.caption(f"a: {a} · b: {b} · ab: {called['ab']} · disc b judges {b}, disc a {a}")
        if others:
            title = loss_charts.OTHERS if panels else loss_charts.ALONE
            figure = loss_charts.linked(curves, {title: others}, **drawn)
            _zoomable(figure, "others", f"{title} of {run_id} over steps")
        longest = max(map(len, curves.values()))
        if longest > MAX_POINTS:
            st.caption(f"{longest:,} points are recorded; each line shows at most {MAX_POINTS:,}, and every spike.")

    st.fragment(charts, run_every=refresh(run))(run.id)


def _zoomable(figure: go.Figure, key: str, alt: str) -> None:
    """Draw a chart in which dragging chooses the steps to draw: they outlive new data, a refresh and a link."""

    def take_steps() -> None:
        boxes = st.session_state[key].selection.box
        if boxes:
            first, last = sorted(boxes[0]["x"])
            st.session_state["steps"] = f"{max(0, round(first))}-{max(round(last), round(first) + 1)}"

    st.plotly_chart(figure, key=key, alt=alt, on_select=take_steps, selection_mode="box")


def chart_controls() -> tuple[float, bool, Steps]:
    """Draw how curves are drawn; return the smoothing's weight, whether the axis is logarithmic, and the steps."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        weight = st.select_slider(
            "Smoothing",
            SMOOTHING,
            0.9,
            key="smooth",
            bind="query-params",
            width=260,
            help="Exponential moving average with bias correction, as in TensorBoard, over the faint recorded line. "
            f"Lines of fewer than {FEW} points are drawn as recorded.",
        )
        text = st.text_input(
            "Steps",
            key="steps",
            bind="query-params",
            placeholder="all, or 1000-5000",
            width=200,
            help="Draws these steps only, in full detail. Dragging across a chart fills this in; empty draws all.",
        )
        st.button(
            "All",
            icon=":material/zoom_out_map:",
            key="all_steps",
            disabled=not text,
            help="Draws all steps again.",
            on_click=st.session_state.update,
            kwargs={"steps": ""},
        )
        log = st.toggle("Logarithmic", key="logq", bind="query-params")
    try:
        steps = parse_steps(text)
    except ValueError as error:
        st.warning(str(error), icon=":material/error:")
        steps = None
    return float(weight), bool(log), steps


def _note(hint: Hint) -> None:
    draw, icon = (st.warning, ":material/warning:") if hint.name in GRAVE else (st.info, ":material/lightbulb:")
    draw(f"**Since step {hint.begins:,}.** {hint.seen} {hint.advice}", icon=icon)


def _passed(ended: Sequence[Hint]) -> None:
    """Draw in a quiet line what was seen for a while and is over; nothing if nothing was."""
    if not ended:
        return
    last = max(hint.ends or 0 for hint in ended)
    named = "; ".join(f"{hint.title} (steps {hint.begins:,} to {hint.ends:,})" for hint in ended)
    meant = "\n\n".join(dict.fromkeys(f"{hint.seen} {hint.advice}" for hint in ended))
    st.caption(f":material/history: Passed by step {last:,}: {named}.", help=f"If it comes back: {meant}")


# --- samples ----------------------------------------------------------------------------------------------------------


def samples_box(run: Run) -> None:
    """Draw what a run makes of the probes, the newest epoch first."""
    drawn = cached.preview_epochs(run)
    epoch: int | str = "newest"
    direction = None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if drawn and is_translation(run.kind):
            direction = choose_direction(run, "way")
        if len(drawn) > 1:
            epoch = st.selectbox("Epochs up to", ["newest", *drawn[::-1]], key="upto", bind="query-params", width=160)
            st.page_link(
                path_of("epochs"), label="Compare epochs", icon=":material/timeline:", query_params={"erun": run.id}
            )

    def samples(run_id: str) -> None:
        current = open_run(workspace(), run_id)
        there = cached.preview_epochs(current)
        if not there:
            picture = newest_picture(current)
            if picture is None:
                st.caption("No sample has been drawn yet.")
            else:
                st.image(str(picture), alt=f"Some of the pictures of {current.record.title}")
            return
        last = there[-1] if epoch == "newest" else int(epoch)
        rows = sum(row.get("direction") == direction for row in cached.preview(current, there[-1])[0]["rows"])
        earlier = [number for number in reversed(there) if number <= last]
        for number in earlier[: max(1, MOST_ROWS // max(1, rows))]:
            _sheet(current, number, direction)

    st.fragment(samples, run_every=refresh(run))(run.id)


def newest_picture(run: Run) -> Path | None:
    """Return the newest picture that a run has shown, if it has shown one."""
    picture = run.folder / "sample.jpg"
    return picture if picture.exists() else None


def _sheet(run: Run, epoch: int, direction: str | None) -> None:
    """Draw an epoch's samples: of a direction, a column per kind of picture, a row per probe; of noise, all as one."""
    facts, sheet = cached.preview(run, epoch)
    if direction is None:
        _noise_sheet(facts, sheet, epoch)
        return
    rows = [index for index, row in enumerate(facts["rows"]) if row.get("direction") == direction]
    st.markdown(f"**Epoch {epoch}**")
    with st.container(width=(COLUMN_PX + GAP_PX) * len(facts["columns"])):
        columns = st.columns(len(facts["columns"]), gap="xxsmall", wrap=False)
        for number, (column, name) in enumerate(zip(columns, facts["columns"], strict=True)):
            with column:
                st.caption(name.capitalize(), help=MEANINGS.get(name))
                strip = show.strip(sheet, rows, number, facts["size_px"])
                show.exact(strip, f"{name} of {len(rows)} probes at epoch {epoch}")


def _noise_sheet(facts: Mapping[str, Any], sheet: np.ndarray, epoch: int) -> None:
    """Draw what an epoch makes of fixed latent vectors or prompts: a row per class or prompt."""
    rows = [row_words(row) for row in facts["rows"]]
    st.markdown(f"**Epoch {epoch}**" + (f" · {', '.join(rows)}, a row each" if len(rows) > 1 else ""))
    if "base" in facts["columns"]:
        st.caption("Left, what the untouched base model draws.")
    samples = len(facts["columns"]) * len(rows)
    show.exact(sheet, f"{samples} samples at epoch {epoch}", width=min(SHEET_PX, COLUMN_PX * len(facts["columns"])))
