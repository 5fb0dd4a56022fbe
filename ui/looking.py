"""Looking at the test pictures of a comparison: a cell of the matrix, the failures, what one arm gets right alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from leafcore.data.labels import words
from leafcore.errors import LeafError
from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.looking import OTHER, Looking, Picture
from leafcore.masks.maps import heat_overlay
from leafcore.questions import ExplainQuestion
from leafcore.runs import Run
from ui import cached, show
from ui.charts import INK, MARGIN, SHADES
from ui.choose import choose, choose_way
from ui.compared import Shown

PAGE = 24
SIDE = 224  # px of a picture
TO = ">"  # in the address, between what is true and what was said
WAYS = CELL, FAILURES, GAINED, LOST = ("Cell", "Failures", "Gained", "Lost")
HEAT = {"none": "off", "said": "what was said", "true": "what is true"}


def look_box(shown: Shown) -> None:
    """Draw the ways to look at a comparison's test pictures, and the pictures."""
    run, arm = shown.run, shown.arm
    titles = {name: shown.found.arms[name].title for name in (arm, BASELINE)}
    try:
        looking = _looking(str(run.folder), (run.folder / "comparison.json").stat().st_mtime_ns)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            way = choose_way("Look at", WAYS, "look", default=CELL, on_change=_first_page)
            who = arm
            if way in (CELL, FAILURES):
                who = choose("Of", titles, "who", width=190)
            heat = choose_way(
                "Grad-CAM for", list(HEAT), "heat", default="said",
                format_func=HEAT.__getitem__, help="What in the picture speaks for it, to the arm's first seed.",
            )  # fmt: skip
        if way == CELL:
            pictures = looking.in_cell(who, *_cell(looking, who))
        elif way == FAILURES:
            pictures = looking.failures(who)
        else:
            right, who = (arm, BASELINE) if way == GAINED else (BASELINE, arm)
            st.caption(f"Most seeds of {titles[right]} are right; most of {titles[who]} say what is written below.")
            pictures = looking.gained(right, over=who)
        _gallery(run, looking, pictures, who, heat)
    except LeafError as error:
        st.info(str(error), icon=":material/info:")


def _first_page() -> None:
    st.session_state["look_page"] = 1


@st.cache_resource(max_entries=4, show_spinner=False)
def _looking(folder: str, modified_ns: int) -> Looking:
    del modified_ns  # part of the key
    return Looking(Path(folder))


# --- the matrix -------------------------------------------------------------------------------------------------------


def _cell(looking: Looking, arm: str) -> tuple[str, str]:
    """Draw an arm's confusion matrix; return the cell that is looked at, what is true and what was said."""
    sets = looking.comparison.label_sets
    counts = np.array(looking.comparison.arms[arm].confusion)
    columns = [*sets, OTHER]
    cells = {
        f"{true}{TO}{said}": int(counts[row, column])
        for row, true in enumerate(sets)
        for column, said in enumerate(columns)
        if counts[row, column]
    }
    order = sorted(cells, key=lambda cell: (_is_right(cell), -cells[cell]))  # mistakes first, then most pictures
    if st.session_state.get("cell") not in cells:  # of another arm, or of another comparison
        st.session_state.pop("cell", None)
    titles = {cell: f"{' → '.join(map(words, cell.split(TO)))} ({cells[cell]})" for cell in order}
    chosen = choose("True → said (pictures × seeds)", titles, "cell", width=360)
    st.plotly_chart(
        matrix(sets, counts, chosen),
        key=f"look-{arm}",
        on_select=lambda: _take(st.session_state[f"look-{arm}"]["selection"], cells),
        selection_mode="points",
        width=260 + 60 * len(columns),
        alt=f"Confusion matrix of {arm}, summed over seeds; a click shows a cell's pictures",
    )
    true, _, said = chosen.partition(TO)
    return true, said


def _is_right(cell: str) -> bool:
    true, _, said = cell.partition(TO)
    return true == said


def _take(selection: Mapping[str, Any], cells: Mapping[str, int]) -> None:
    """Look at the cell that was clicked, if it holds a picture. Only in a callback."""
    for point in selection.get("points", ())[:1]:
        cell = str(point.get("customdata", [""])[0])
        if cell in cells:
            st.session_state["cell"] = st.session_state["cell_applied"] = st.query_params["cell"] = cell
            _first_page()


def matrix(sets: Sequence[str], counts: np.ndarray, chosen: str) -> go.Figure:
    """Return a confusion matrix whose cells can be clicked; each carries its name, see `TO`.

    Args:
        sets: Names of the rows.
        counts: (rows, rows + 1), the last column is any other set.
        chosen: The cell that is framed.
    """
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows, columns = [words(name) for name in sets], [*map(words, sets), OTHER]
    names = [[f"{true}{TO}{said}" for said in (*sets, OTHER)] for true in sets]
    flat = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=columns,
            y=rows,
            zmin=0,
            zmax=1,
            colorscale=SHADES,
            showscale=False,
            hoverinfo="skip",
            xgap=2,
            ygap=2,
        )
    )
    points = go.Scatter(  # a heat map's cells cannot be selected, marks above them can
        x=[columns[column] for _, column in flat],
        y=[rows[row] for row, _ in flat],
        mode="markers+text",
        text=[f"{counts[cell]}" for cell in flat],
        textfont={"color": INK},
        customdata=[[names[row][column]] for row, column in flat],
        marker={
            "symbol": "square",
            "size": 30,
            "color": "rgba(0, 0, 0, 0)",
            "line": {
                "width": [2.5 if names[row][column] == chosen else 0 for row, column in flat],
                "color": "#d55e00",
            },
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate="true %{y}<br>said %{x}<br>%{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_trace(points)
    figure.update_yaxes(autorange="reversed", title="true")
    figure.update_xaxes(title="said")
    figure.update_layout(height=150 + 34 * len(rows), margin=MARGIN)
    return figure


# --- the pictures -----------------------------------------------------------------------------------------------------


def _gallery(run: Run, looking: Looking, pictures: Sequence[Picture], arm: str, heat: str) -> None:
    """Draw pictures, 24 a page, with what was said; the heat map is of the arm's first seed."""
    if not pictures:
        st.caption("No test picture is like that.")
        return
    pages = -(-len(pictures) // PAGE)
    if st.session_state.get("look_page", 1) > pages:  # of another cell
        _first_page()
    page = st.pagination(pages, key="look_page", bind="query-params") if pages > 1 else 1
    shown = pictures[(page - 1) * PAGE : page * PAGE]
    root = cached.dataset(looking.comparison.dataset).root
    squares = [cached.square(str(root / picture.image), SIDE) for picture in shown]
    if heat != "none":
        with st.spinner("Looking where it looks…", show_time=True):
            squares = _with_heat(run, shown, squares, arm, heat)
    seeds = len(looking.comparison.arms[arm].seeds)
    captions = [
        f"{words(one.true)} → {words(one.said)} {one.probability:.0%}  \n{one.votes} of {seeds} seeds" for one in shown
    ]
    alts = [
        f"{Path(one.image).name}: true {words(one.true)}, said {words(one.said)} by {one.votes} of {seeds} seeds"
        for one in shown
    ]
    show.tiles(squares, alts, captions, columns=6)
    st.caption(f"{len(pictures):,} of {looking.comparison.test_images:,} test pictures, page {page} of {pages}.")


def _with_heat(run: Run, shown: Sequence[Picture], squares: list[np.ndarray], arm: str, heat: str) -> list[np.ndarray]:
    """Return the pictures with their heat maps; as they are if those cannot be drawn, which is said."""
    classes = tuple(one.said_class if heat == "said" else one.true_class for one in shown)
    question = ExplainQuestion(run=run.id, arm=arm, images=tuple(one.image for one in shown), classes=classes)
    try:
        maps = cached.explained(question)
    except LeafError as error:
        st.info(str(error), icon=":material/info:")
        return squares
    return [heat_overlay(square, cam) for square, cam in zip(squares, maps, strict=True)]
