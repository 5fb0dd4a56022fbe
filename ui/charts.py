"""Charts, all Plotly, all readable in both themes and without colour alone."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.measure.measured import Score

# Okabe and Ito's palette: told apart with any colour vision, and on both backgrounds.
COLORS = ("#009e73", "#e69f00", "#56b4e9", "#d55e00", "#cc79a7", "#0072b2", "#b8a800", "#8a8a8a")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
INK = "#1f2a22"  # of numbers in cells, whatever the page: told from every shade below by at least 4.5 to 1
SHADES = [[0, "#f7fcf5"], [1, "#6cbf73"]]  # of cells from none to all
TWO_WAYS = [[0, "#9d94cc"], [0.5, "#f7f7f7"], [1, "#f5a64b"]]  # of cells from less to more
MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8}


def _layout(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    figure.update_layout(height=height, margin=MARGIN, **layout)
    return figure


def cooccurrence(table: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Return how often labels occur together, as a matrix with its numbers.

    Args:
        table: As `balance.cooccurrence` returns it.
        dark: Whether the page is.
    """
    names = [words(name) for name in table.index]
    figure = go.Figure(
        go.Heatmap(
            z=np.log1p(table.to_numpy()),
            x=names,
            y=names,
            text=table.to_numpy(),
            texttemplate="%{text:,}",
            textfont={"color": "#e6ece5" if dark else "#1f2a22"},
            colorscale=[[0, "rgba(0, 158, 115, 0)"], [1, "rgba(0, 158, 115, 0.7)"]],  # any background shines through
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y} and %{x}: %{text:,}<extra></extra>",
        )
    )
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return _layout(figure, 120 + 40 * len(names))


def plan(before: Mapping[str, int], after: Mapping[str, int]) -> go.Figure:
    """Return train pictures per label set before a balance plan and after it; what is synthetic is hatched.

    Args:
        before: Pictures per label set.
        after: The same once the plan is carried out.
    """
    order = sorted(after, key=lambda labels: -after[labels])
    kept = [min(before.get(labels, 0), after[labels]) for labels in order]
    added = [after[labels] - now for labels, now in zip(order, kept, strict=True)]
    left = [before.get(labels, 0) - now for labels, now in zip(order, kept, strict=True)]
    names = [words(labels) for labels in order]
    bars = (
        ("real", kept, {"color": COLORS[0]}),
        ("synthetic", added, {"color": COLORS[3], "pattern": {"shape": "/"}}),
        ("replaced", left, {"color": "rgba(128,128,128,0.35)", "pattern": {"shape": "x"}}),
    )
    figure = go.Figure(
        [
            go.Bar(name=name, y=names, x=values, orientation="h", marker=marker)
            for name, values, marker in bars
            if any(values)
        ]
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="train pictures")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    return _layout(figure, 90 + 34 * len(names), barmode="stack", legend=legend)


def intervals(scores: Mapping[str, Score], title: str) -> go.Figure:
    """Return scores with their intervals, or what they have of one, a row each.

    Args:
        scores: By the name of the row.
        title: What is measured.
    """
    value = np.array([score.value for score in scores.values()])
    low = np.array([score.value if score.low is None else score.low for score in scores.values()])
    high = np.array([score.value if score.high is None else score.high for score in scores.values()])
    figure = go.Figure(
        go.Scatter(
            x=value,
            y=list(scores),
            mode="markers",
            marker={"size": 11, "color": COLORS[5], "symbol": ["diamond", *["circle"] * (len(scores) - 1)]},
            error_x={"type": "data", "array": high - value, "arrayminus": value - low, "width": 6, "thickness": 2},
            hovertemplate="%{y}: %{x:.3g}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=title)
    return _layout(figure, 90 + 36 * len(scores))


def accuracies(shares: Mapping[str, tuple[float, float, float]]) -> go.Figure:
    """Return shares of right answers with their intervals, a row each; guessing is marked.

    Args:
        shares: By the name of the row: share, low, high, from 0 to 1.
    """
    scores = {name: Score(value=value, low=low, high=high, n=0) for name, (value, low, high) in shares.items()}
    figure = intervals(scores, "right answers; guessing gives 50%")
    figure.update_traces(marker_symbol="circle", hovertemplate="%{y}: %{x:.0%}<extra></extra>")
    figure.add_vline(x=0.5, line={"dash": "dash", "width": 1, "color": "#8a8a8a"})
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    return figure
