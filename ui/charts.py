"""Charts, all Plotly, all readable in both themes and without colour alone."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from leafcore.data.labels import words

# Okabe and Ito's palette: told apart with any colour vision, and on both backgrounds.
COLORS = ("#009e73", "#e69f00", "#56b4e9", "#d55e00", "#cc79a7", "#0072b2", "#b8a800", "#8a8a8a")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
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
