"""Charts of epochs: a measure over epochs, and realism against how much of the target shows."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from leafcore.pick.scores import MEASURES, SHARES, Score, told
from ui.charts import COLORS

CURSOR = COLORS[3]
HEIGHT = 200
MARGIN = {"l": 4, "r": 4, "t": 24, "b": 4}
_PLACE = {"xref": "paper", "yref": "paper", "showarrow": False}
NOTE = {**_PLACE, "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 4}
_BETTER = {"lower": "↓ better", "higher": "↑ better"}


def title(key: str) -> str:
    """Return what a measure is called on an axis, and which way is better."""
    return f"{MEASURES[key].title} {_BETTER[MEASURES[key].better]}"


def written(key: str, score: Score) -> str:
    """Return a score in words, with what it is uncertain by and on how many pictures it was measured."""
    return f"{told(key, score)}, n = {score.n}"


def over_epochs(key: str, scores: Mapping[int, Score], shown: int, recommended: int | None) -> go.Figure:
    """Return a measure over epochs with a band of one standard deviation or its 95 % interval.

    Args:
        key: Of the measure.
        scores: By epoch, in order.
        shown: The epoch under the cursor.
        recommended: The epoch that is ringed, if there is one.
    """
    epochs = list(scores)
    values = [score.value for score in scores.values()]
    figure = go.Figure()
    ends = [_ends(score) for score in scores.values()]
    if all(low is not None for low, _ in ends):
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        figure.add_scatter(x=epochs, y=[high for _, high in ends], **edge)
        figure.add_scatter(
            x=epochs, y=[low for low, _ in ends], fill="tonexty", fillcolor="rgba(0, 158, 115, 0.18)", **edge
        )
    figure.add_scatter(
        x=epochs,
        y=values,
        mode="lines+markers",
        line={"color": COLORS[0], "width": 2},
        marker=_markers(epochs, recommended),
        customdata=epochs,
        text=[written(key, score) for score in scores.values()],
        hovertemplate="epoch %{x}: %{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=shown, line={"width": 2, "color": CURSOR, "dash": "dot"})
    figure.update_xaxes(fixedrange=True, ticklabeloverflow="hide past div")
    figure.update_yaxes(fixedrange=True, tickformat=".0%" if key in SHARES else None, nticks=5)
    figure.update_layout(
        height=HEIGHT,
        margin=MARGIN,
        dragmode=False,
        annotations=[{**NOTE, "text": f"{title(key)}, by epoch"}],
    )
    return figure


def _ends(score: Score) -> tuple[float | None, float | None]:
    if score.low is not None and score.high is not None:
        return score.low, score.high
    return (None, None) if score.sd is None else (score.value - score.sd, score.value + score.sd)


def _markers(
    epochs: Sequence[int], recommended: int | None, beyond: Collection[int] = frozenset()
) -> dict[str, object]:
    """Return markers of which the recommended epoch's is a ringed star, and those beyond the edge point to it."""
    symbols = {**dict.fromkeys(beyond, "triangle-right"), recommended: "star"}
    return {
        "color": COLORS[0],
        "size": [15 if epoch == recommended else 8 for epoch in epochs],
        "symbol": [symbols.get(epoch, "circle") for epoch in epochs],
        "line": {"width": [2 if epoch == recommended else 0 for epoch in epochs], "color": COLORS[5]},
        "opacity": 1,
    }


def pareto(
    axes: Sequence[str],
    points: Mapping[int, tuple[float, float]],
    front: Sequence[int],
    shown: int,
    recommended: int | None,
) -> go.Figure:
    """Return realism against how much of the target shows; the epochs that none beats in both are joined.

    Epochs far less real than most, such as a run's first ones, stand at the edge as triangles, so that they do not
    crowd the rest.

    Args:
        axes: The two measures, realism first.
        points: By epoch.
        front: Those that none other beats in both.
        shown: The epoch that the page shows.
        recommended: The epoch that is ringed, if there is one.
    """
    edge = _edge([realism for realism, _ in points.values()], [points[epoch][0] for epoch in front])
    drawn = {epoch: (min(realism, edge), target) for epoch, (realism, target) in points.items()}
    beyond = {epoch for epoch, (realism, _) in points.items() if realism > edge}
    quiet = {"hoverinfo": "skip", "showlegend": False}
    line = np.array(sorted(points[epoch] for epoch in front))  # (n, 2)
    figure = go.Figure()
    dash = {"color": COLORS[7], "width": 1.5, "dash": "dash"}
    figure.add_scatter(x=line[:, 0], y=line[:, 1], mode="lines", line=dash, **quiet)
    named = {[*points][-1], shown, recommended}  # the rest say who they are on hover
    figure.add_scatter(
        x=[realism for realism, _ in drawn.values()],
        y=[target for _, target in drawn.values()],
        mode="markers+text",
        marker=_markers([*points], recommended, beyond),
        customdata=[(epoch, *point) for epoch, point in points.items()],
        text=[str(epoch) if epoch in named else "" for epoch in points],
        textposition="top right",
        hovertemplate=f"epoch %{{customdata[0]}}: {MEASURES[axes[0]].title} %{{customdata[1]:.3g}}, "
        f"{MEASURES[axes[1]].title} %{{customdata[2]:.3g}}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )
    if shown in points:
        ring = {"symbol": "circle-open", "size": 20, "color": CURSOR, "line": {"width": 2}}
        figure.add_scatter(x=[drawn[shown][0]], y=[drawn[shown][1]], mode="markers", marker=ring, **quiet)
    figure.update_xaxes(fixedrange=True, nticks=5)
    figure.update_yaxes(fixedrange=True, tickformat=".0%" if axes[1] in SHARES else None, nticks=5)
    text = f"{title(axes[1])}, {MEASURES[axes[0]].title} ← better" + (", ▸ beyond" if beyond else "")
    return figure.update_layout(height=HEIGHT + 56, margin=MARGIN, dragmode=False, annotations=[{**NOTE, "text": text}])


def _edge(realism: Sequence[float], front: Sequence[float]) -> float:
    """Return the realism at which worse epochs are drawn: Tukey's upper fence, but no epoch of the front is moved."""
    low, high = np.percentile(realism, [25, 75])
    return float(max(high + 1.5 * (high - low), *front))
