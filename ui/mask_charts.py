"""Charts of the threshold: areas at every delta, areas at one, and how well masks fit."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.masks.configs import EMPTY, FULL
from leafcore.masks.tuning import DELTAS, Plateau
from ui.charts import COLORS, DASHES

GREY = "#8a8a8a"
BINS = 25
LEVEL = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


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
        flat: Its plateau, which is shaded.
        marks: Thresholds by name.
        delta: The threshold now.
    """
    figure = go.Figure()
    for index, (labels, curve) in enumerate(by_class.items()):
        line = {"color": COLORS[index % len(COLORS)], "dash": DASHES[index % len(DASHES)], "width": 1.2}
        _line(figure, curve, words(labels), line)
    _line(figure, mean, "all shown", {"color": COLORS[0], "width": 3})
    if flat is not None:
        figure.add_vrect(flat.low, flat.high, fillcolor=COLORS[2], opacity=0.22, line_width=0, layer="below")
        middle = (flat.low + flat.high) / 2
        figure.add_annotation(x=middle, y=0.7, yref="paper", text="plateau", showarrow=False)
    return _over_delta(figure, delta, marks, "leaf", ".0%")


def _line(figure: go.Figure, curve: np.ndarray, name: str, line: dict[str, object]) -> None:
    hover = f"{name}: %{{y:.1%}} at %{{x:.2f}}<extra></extra>"
    figure.add_scatter(x=DELTAS, y=curve.round(4), name=name, line=line, mode="lines", hovertemplate=hover)


def _over_delta(
    figure: go.Figure, delta: float, marks: Mapping[str, float], title: str, tickformat: str, height: int = 190
) -> go.Figure:
    """Lay a figure out over the slider: the same width, the same ends, its presets as dotted lines."""
    for number, (name, value) in enumerate(sorted(marks.items(), key=lambda mark: mark[1])):
        figure.add_vline(value, line={"dash": "dot", "width": 1.5, "color": GREY})
        shift = 13 * (number % 3)  # presets may lie side by side
        figure.add_annotation(x=value, y=1, yref="paper", yshift=-shift, text=name, showarrow=False, xanchor="left")
    figure.add_vline(delta, line={"width": 2, "color": COLORS[3]})
    figure.update_xaxes(range=[0, 1], showticklabels=False, fixedrange=True)
    figure.update_yaxes(range=[0, 1.02], tickformat=tickformat, fixedrange=True, ticklabelposition="inside", nticks=5)
    figure.update_layout(height=height, margin={"l": 0, "r": 0, "t": 6, "b": 0}, showlegend=False, dragmode=False)
    figure.add_annotation(x=1, y=1, xref="paper", yref="paper", text=title, showarrow=False, xanchor="right")
    return figure


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
    figure = go.Figure()
    for name, chosen, marker in parts:
        counts = np.histogram(shares[chosen], edges)[0]
        hover = f"{name}: %{{y}} masks of %{{x:.0%}} leaf<extra></extra>"
        figure.add_bar(x=(edges[1:] + edges[:-1]) / 2, y=counts, name=name, marker=marker, hovertemplate=hover)
    figure.update_xaxes(title="leaf", tickformat=".0%", range=[0, 1], fixedrange=True)
    figure.update_yaxes(title="masks", fixedrange=True)
    layout = {"l": 8, "r": 8, "t": 6, "b": 8}
    figure.update_layout(height=230, margin=layout, barmode="stack", bargap=0.05, showlegend=False, dragmode=False)
    return figure


def fit_by_delta(scores: Mapping[str, np.ndarray], best: float, delta: float) -> go.Figure:
    """Return how well masks fit those of reference at every delta, with 95 % intervals.

    Args:
        scores: By name, (3, 101): mean, low, high; NaN ends leave no band.
        best: The delta that fits best.
        delta: The threshold now.
    """
    figure = go.Figure()
    for index, (name, (mean, low, high)) in enumerate(scores.items()):
        color, dash = COLORS[5 - 5 * index], DASHES[index]
        if not np.isnan(low).any():
            band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
            figure.add_scatter(x=DELTAS, y=high, **band)
            figure.add_scatter(x=DELTAS, y=low, fill="tonexty", fillcolor=_faint(color), **band)
        ends = np.stack([low, high], axis=1)
        hover = f"{name} %{{y:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}}) at %{{x:.2f}}<extra></extra>"
        line = {"color": color, "dash": dash, "width": 2.5}
        figure.add_scatter(x=DELTAS, y=mean, name=name, line=line, customdata=ends, hovertemplate=hover, mode="lines")
    figure = _over_delta(figure, delta, {f"best {best:g}": best}, "", ".1f", height=210)
    return figure.update_layout(showlegend=len(scores) > 1, legend=LEVEL)


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
            colorscale="Greens",
            text=table,
            texttemplate="%{text}",
            showscale=False,
            hovertemplate="true %{y}<br>predicted %{x}<br>%{text} of this row: %{z:.0%}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", title="true")
    figure.update_xaxes(title="predicted")
    figure.update_layout(height=260, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure
