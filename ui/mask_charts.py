"""Charts of the threshold: areas at every delta, areas at one, and how well masks fit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.masks.configs import EMPTY, FULL
from leafcore.masks.tuning import DELTAS, Plateau
from ui.charts import COLORS, DASHES, INK, SHADES

GREY = "#8a8a8a"
SHARE = "share of the picture that is leaf"
LEGEND_PX = 44  # above a chart, for the lines of a few label sets
BINS = 25
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def area_by_delta(
    by_class: Mapping[str, np.ndarray],
    mean: np.ndarray,
    flat: Plateau | None,
    marks: Mapping[str, float],
    delta: float,
) -> go.Figure:
    """Return mean areas at every delta, drawn as wide as the slider below it.

    Args:
        by_class: (101,) by label set: thin lines.
        mean: (101,) of all that is shown: the thick line.
        flat: Where masks are stable, which is shaded.
        marks: Thresholds by name.
        delta: The threshold now.
    """
    lines = [
        _line(curve, words(labels), {"color": COLORS[index % 8], "dash": DASHES[index % 6], "width": 1.2})
        for index, (labels, curve) in enumerate(by_class.items())
    ]
    lines.append(_line(mean, "all shown", {"color": COLORS[0], "width": 3}))
    layout = _over_delta(delta, marks, SHARE, ".0%")
    if by_class:
        layout |= {"showlegend": True, "legend": LEGEND, "height": layout["height"] + LEGEND_PX}
    if flat is not None:
        band = {"type": "rect", "x0": flat.low, "x1": flat.high, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
        layout["shapes"].append({**band, "fillcolor": COLORS[2], "opacity": 0.22, "line": {"width": 0}})
        layout["annotations"].append(_note(flat.low, "stable range", y=0.02, xanchor="left", yanchor="bottom"))
    return go.Figure(lines, layout)


def _line(curve: np.ndarray, name: str, line: dict[str, Any]) -> dict[str, Any]:
    hover = f"{name}: %{{y:.1%}} at %{{x:.2f}}<extra></extra>"
    points = {"type": "scatter", "mode": "lines", "x": DELTAS, "y": curve.round(4)}
    return {**points, "name": name, "line": line, "hovertemplate": hover}


def _note(x: float, text: str, **place: Any) -> dict[str, Any]:
    return {"x": x, "y": 1, "yref": "paper", "text": text, "showarrow": False, **place}


def _over_delta(
    delta: float, marks: Mapping[str, float], title: str, tickformat: str, height: int = 190
) -> dict[str, Any]:
    """Return the layout of a chart over the slider: as wide as it, the same ends, its presets as dotted lines.

    It is made in one piece: Plotly checks the whole layout at every later change, and the slider should feel light.
    """
    mark: dict[str, Any] = {"type": "line", "y0": 0, "y1": 1, "yref": "paper"}
    dotted = {"dash": "dot", "width": 1.5, "color": GREY}
    shapes = [{**mark, "x0": value, "x1": value, "line": dotted} for value in marks.values()]
    shapes.append({**mark, "x0": delta, "x1": delta, "line": {"width": 2, "color": COLORS[3]}})
    notes = [
        _note(value, name, yshift=-13 * (number % 3), xanchor="left")  # presets may lie side by side
        for number, (name, value) in enumerate(sorted(marks.items(), key=lambda item: item[1]))
    ]
    notes.append(_note(1, title, xref="paper", xanchor="right"))
    x_axis = {"range": [0, 1], "showticklabels": False, "fixedrange": True}
    y_axis = {"range": [0, 1.02], "tickformat": tickformat, "ticklabelposition": "inside", "nticks": 5}
    return {
        "height": height,
        "margin": {"l": 0, "r": 0, "t": 6, "b": 0},
        "showlegend": False,
        "dragmode": False,
        "xaxis": x_axis,
        "yaxis": {**y_axis, "fixedrange": True},
        "shapes": shapes,
        "annotations": notes,
    }


def areas(shares: np.ndarray) -> go.Figure:
    """Return how many masks cover how much of their picture; empty and full ones are hatched.

    Args:
        shares: (N,) in [0, 1].
    """
    edges = np.linspace(0, 1, BINS + 1)
    parts = (
        (f"empty, under {EMPTY:.0%}", shares < EMPTY, {"color": COLORS[3], "pattern": {"shape": "/"}}),
        ("between", (shares >= EMPTY) & (shares <= FULL), {"color": COLORS[0]}),
        (f"full, over {FULL:.0%}", shares > FULL, {"color": COLORS[1], "pattern": {"shape": "x"}}),
    )
    bars = [
        {
            "type": "bar",
            "x": (edges[1:] + edges[:-1]) / 2,
            "y": np.histogram(shares[chosen], edges)[0],
            "name": name,
            "marker": marker,
            "hovertemplate": f"{name}: %{{y}} masks of %{{x:.0%}} leaf<extra></extra>",
        }
        for name, chosen, marker in parts
    ]
    x_axis = {
        "title": "leaf",
        "tickformat": ".0%",
        "range": [0, 1],
        "fixedrange": True,
        "tickvals": [0, 0.5, 1],
    }
    layout = {
        "height": 230,
        "margin": {"l": 8, "r": 8, "t": 6, "b": 8},
        "barmode": "stack",
        "bargap": 0.05,
        "showlegend": False,
        "dragmode": False,
        "xaxis": x_axis,
        "yaxis": {"fixedrange": True, "nticks": 4},
        "minreducedwidth": 40,  # px; Plotly would rather be cut off than narrower than 64
    }
    return go.Figure(bars, layout)


def fit_by_delta(scores: Mapping[str, np.ndarray], best: float, delta: float) -> go.Figure:
    """Return how well masks fit those of reference at every delta, with 95 % intervals.

    Args:
        scores: By name, (3, 101): mean, low, high; NaN ends leave no band.
        best: The delta that fits best.
        delta: The threshold now.
    """
    lines: list[dict[str, Any]] = []
    for index, (name, (mean, low, high)) in enumerate(scores.items()):
        color, dash = COLORS[5 - 5 * index], DASHES[index]
        if not np.isnan(low).any():
            edge = {"type": "scatter", "x": DELTAS, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
            lines.append({**edge, "y": high, "showlegend": False})
            lines.append({**edge, "y": low, "showlegend": False, "fill": "tonexty", "fillcolor": _faint(color)})
        hover = f"{name} %{{y:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}}) at %{{x:.2f}}<extra></extra>"
        line = _line(mean, name, {"color": color, "dash": dash, "width": 2.5})
        lines.append({**line, "customdata": np.stack([low, high], axis=1), "hovertemplate": hover})
    layout = _over_delta(delta, {f"best {best:g}": best}, "", ".1f", height=210)
    return go.Figure(lines, {**layout, "showlegend": len(scores) > 1, "legend": LEGEND})


def _faint(color: str) -> str:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.2)"


def classes_confused(counts: Sequence[Sequence[int]], names: Sequence[str]) -> go.Figure:
    """Return a classifier's confusion matrix in shares of each true class, counts in the cells.

    Args:
        counts: Rows are true, columns predicted.
        names: Of the classes.
    """
    table = np.array(counts)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(names),
            y=list(names),
            zmin=0,
            zmax=1,
            colorscale=SHADES,
            text=table,
            textfont={"color": INK},
            texttemplate="%{text}",
            showscale=False,
            hovertemplate="true %{y}<br>predicted %{x}<br>%{text} of this row: %{z:.0%}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", title="true")
    figure.update_xaxes(title="predicted")
    figure.update_layout(height=260, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure
