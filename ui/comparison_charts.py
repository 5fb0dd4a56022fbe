"""Charts of a comparison: differences with intervals, confusion, doses, validation per round, calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.evaluate.generators import Crossed
from leafcore.evaluate.result import MACRO, ArmScore, Estimate
from ui.charts import COLORS, DASHES, INK, MARGIN, SHADES, TWO_WAYS

GREY = "#8a8a8a"
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up")
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
Normalised = str  # one of these
COUNTS, ROWS, COLUMNS = "Counts", "Share of true", "Share of predicted"


def forest(rows: Mapping[str, Estimate], of: str, starred: Sequence[str] = ()) -> go.Figure:
    """Return differences with their intervals, one row each; 0 is marked.

    Args:
        rows: By name for people, in order; one without an interval leaves a hollow mark.
        of: What the differences are of, for the axis.
        starred: The names of those that may be taken as shown.
    """
    names = [f"{name} ★" if name in starred else name for name in rows]
    value, low, high = (np.array([getattr(row, end) for row in rows.values()]) for end in ("value", "low", "high"))
    symbols = [
        ("diamond" if name == MACRO else "circle") + ("" if row.is_known else "-open") for name, row in rows.items()
    ]
    figure = go.Figure(
        go.Scatter(
            x=value,
            y=names,
            mode="markers",
            marker={"size": 11, "color": COLORS[5], "symbol": symbols},
            error_x={"type": "data", "array": high - value, "arrayminus": value - low, "width": 6, "thickness": 2},
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{y}: %{x:+.3f} (%{customdata[0]:+.3f} to %{customdata[1]:+.3f})<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"dash": "dash", "width": 1, "color": GREY})
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=of)
    return figure.update_layout(height=110 + 36 * len(names), margin=MARGIN)


def shares_of(counts: np.ndarray, norm: str) -> np.ndarray:
    """Return a confusion matrix as it is asked for: counts, or shares of each row or column; 0 of an empty one."""
    if norm == COUNTS:
        return counts.astype(float)
    total = counts.sum(1 if norm == ROWS else 0, keepdims=True)
    shares: np.ndarray = counts / np.maximum(total, 1)
    return shares


def confusion(counts: np.ndarray, names: Sequence[str], norm: str) -> go.Figure:
    """Return a confusion matrix with its numbers.

    Args:
        counts: (rows, rows + 1) int: true, predicted; the last column is any other label set, left out if empty.
        names: Of the rows.
        norm: What its colors are: counts, or shares of rows or columns.
    """
    shown = shares_of(counts, norm)
    scale = {"zmin": 0, "zmax": float(shown.max()) or 1.0 if norm == COUNTS else 1, "colorscale": SHADES}
    form = "%{z:d}" if norm == COUNTS else "%{z:.0%}"
    return _matrix(Cells(shown, counts, form, f"{form} (%{{customdata}} pictures)"), _rows(names, counts), scale)


def confusion_difference(first: np.ndarray, second: np.ndarray, names: Sequence[str], norm: str) -> go.Figure:
    """Return what changes from the first confusion matrix to the second, its sign in color and in print.

    Args:
        first: As in `confusion`.
        second: The same.
        names: Of the rows.
        norm: What is subtracted: counts, or shares, whose difference is in percentage points.
    """
    change = shares_of(second, norm) - shares_of(first, norm)
    most = float(np.abs(change).max()) or 1.0
    scale = {"zmin": -most, "zmax": most, "colorscale": TWO_WAYS, "zmid": 0}
    form, unit = ("%{z:+d}", "pictures") if norm == COUNTS else ("%{text:+.0f}", "points")
    told = f"{form} {unit} (%{{customdata:+d}} pictures)"
    cells = Cells(change, second - first, form, told, used=first[:, -1].any() or second[:, -1].any())
    figure = _matrix(cells, _rows(names, first), scale)
    return figure.update_xaxes(title=f"{figure.layout.xaxis.title.text}; change in {unit}")


@dataclass(frozen=True)
class Cells:
    """What the cells of a confusion matrix say.

    Attributes:
        shown: (rows, rows + 1), what colors them.
        counts: The same, in pictures.
        form: What is printed in each.
        told: What is told of one that is pointed at.
        used: Whether the last column is drawn; None: if there is a picture in it.
    """

    shown: np.ndarray
    counts: np.ndarray
    form: str
    told: str
    used: bool | None = None


def _rows(names: Sequence[str], counts: np.ndarray) -> list[str]:
    """Return what the rows are called: each with the number of its pictures."""
    return [f"{words(name)}<br>n = {n:,}" for name, n in zip(names, counts.sum(1), strict=True)]


def _matrix(cells: Cells, rows: Sequence[str], scale: Mapping[str, object]) -> go.Figure:
    has_others = cells.counts[:, -1].any() if cells.used is None else cells.used
    columns = [row.partition("<br>")[0] for row in rows] + ["other"] * bool(has_others)
    drawn = slice(len(columns))
    figure = go.Figure(
        go.Heatmap(
            z=cells.shown[:, drawn],
            x=columns,
            y=rows,
            text=100 * cells.shown[:, drawn],
            customdata=cells.counts[:, drawn],
            texttemplate=cells.form,
            textfont={"color": INK},
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate=f"true %{{y}}<br>predicted %{{x}}<br>{cells.told}<extra></extra>",
            **scale,
        )
    )
    figure.update_yaxes(autorange="reversed", title="true", automargin=True)
    predicted = "predicted (other: a label set without a row)" if has_others else "predicted"
    figure.update_xaxes(title=predicted, automargin=True, tickangle=-35)
    return figure.update_layout(height=190 + 34 * len(rows), margin=MARGIN)


def doses(arms: Mapping[int, ArmScore]) -> go.Figure:
    """Return macro-F1 over the dose: the test split with its interval and every seed, validation beside it.

    Args:
        arms: By dose in percent, rising; 0 is the baseline.
    """
    x = list(arms)
    test = [arm.macro_f1 for arm in arms.values()]
    figure = go.Figure(
        [
            go.Scatter(
                x=x, y=[one.high for one in test], mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip",
            ),
            go.Scatter(
                x=x, y=[one.low for one in test], mode="lines", line={"width": 0}, fill="tonexty",
                name="95% interval", fillcolor="rgba(0, 114, 178, 0.18)", hoverinfo="skip",
            ),
            go.Scatter(
                x=x, y=[one.value for one in test], name="test", mode="lines+markers",
                line={"color": COLORS[5], "width": 2}, hovertemplate="%{x} %: %{y:.3f}<extra>test</extra>",
            ),
            go.Scatter(
                x=[dose for dose, arm in arms.items() for _ in arm.seeds],
                y=[score for arm in arms.values() for score in arm.seeds],
                name="test, each seed", mode="markers",
                marker={"color": COLORS[5], "size": 6, "symbol": "circle-open"},
                hovertemplate="%{x} %: %{y:.3f}<extra>a seed</extra>",
            ),
            go.Scatter(
                x=x, y=[float(np.mean(arm.val_seeds)) for arm in arms.values()], name="validation",
                mode="lines+markers", line={"color": COLORS[1], "width": 2, "dash": "dash"},
                marker={"symbol": "square"}, hovertemplate="%{x} %: %{y:.3f}<extra>validation</extra>",
            ),
        ]
    )  # fmt: skip
    figure.update_xaxes(title="synthetic pictures, % of the real ones of the same label set", tickvals=x)
    figure.update_yaxes(title="macro-F1")
    return figure.update_layout(height=380, margin=MARGIN, legend=LEGEND)


def generators(found: Crossed, first: int) -> go.Figure:
    """Return the difference to real pictures alone of every classifier, a row per generator; their mean, with interval.

    Args:
        found: A family of generators.
        first: The seed of the first classifier.
    """
    rows = [f"generator seed {one.seed}" for one in found.generators]
    table, figure = np.array(found.to_real), go.Figure()
    for at, column in enumerate(table.T):
        figure.add_scatter(
            x=column, y=rows, name=f"classifier seed {first + at}", mode="markers",
            marker={"size": 9, "color": COLORS[at % len(COLORS)], "symbol": SYMBOLS[at % len(SYMBOLS)]},
            hovertemplate=f"%{{y}}, classifier seed {first + at}: %{{x:+.3f}}<extra></extra>",
        )  # fmt: skip
    mean = found.difference
    figure.add_scatter(
        x=[*table.mean(1), mean.value], y=[*rows, "all"], name="mean", mode="markers",
        marker={"size": 22, "color": GREY, "symbol": "line-ns", "line": {"width": 3, "color": GREY}},
        error_x={
            "type": "data", "array": [*[0] * len(rows), mean.high - mean.value],
            "arrayminus": [*[0] * len(rows), mean.value - mean.low], "width": 6, "thickness": 2, "color": GREY,
        } if mean.is_known else None,
        hovertemplate="%{y}, mean: %{x:+.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line={"dash": "dash", "width": 1, "color": GREY})
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="difference in macro-F1 from real pictures alone, same classifier seed")
    return figure.update_layout(height=170 + 36 * len(rows), margin=MARGIN, legend=LEGEND)


def rounds(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> go.Figure:
    """Return macro-F1 on validation after every round, a line per classifier; a color and a dash per arm.

    Args:
        scores: By arm's title and seed.
    """
    figure = go.Figure()
    for index, (arm, seeds) in enumerate(scores.items()):
        line = {"color": COLORS[index % len(COLORS)], "dash": DASHES[index % len(DASHES)], "width": 2}
        for number, (seed, values) in enumerate(seeds.items()):
            figure.add_scatter(
                x=list(range(1, len(values) + 1)), y=list(values), name=arm, legendgroup=arm, line=line,
                showlegend=number == 0, mode="lines" if len(values) > 1 else "markers",
                hovertemplate=f"round %{{x}}: %{{y:.3f}}<extra>{arm}, seed {seed}</extra>",
            )  # fmt: skip
    most = max((len(values) for seeds in scores.values() for values in seeds.values()), default=1)
    figure.update_xaxes(title="validation round", dtick=max(1, most // 10))
    figure.update_yaxes(title="macro-F1 on validation")
    below = {"orientation": "h", "yanchor": "bottom", "yref": "container", "y": 0, "x": 0}
    return figure.update_layout(
        height=400 + 11 * len(scores), margin=MARGIN | {"b": 70 + 11 * len(scores)}, legend=below
    )


def calibration(arms: Mapping[str, ArmScore]) -> go.Figure:
    """Return how often something said with a probability was true; the diagonal is what should be.

    Args:
        arms: By title; those without a calibration are left out.
    """
    ideal = {"color": GREY, "dash": "dash", "width": 1}
    figure = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=ideal, name="as it should be"))
    for index, (title, arm) in enumerate(arms.items()):
        if arm.calibration is None:
            continue
        bins = arm.calibration.bins
        figure.add_scatter(
            x=[one.said for one in bins], y=[one.true for one in bins], name=title, mode="lines+markers",
            line={"color": COLORS[5 if index else 0], "dash": DASHES[index % len(DASHES)], "width": 2},
            marker={"size": [6 + 3 * np.log10(one.n) for one in bins], "symbol": "diamond" if index else "circle"},
            customdata=[one.n for one in bins],
            hovertemplate="said %{x:.0%}, true %{y:.0%}, n = %{customdata}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="probability said", range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(title="share that was true", range=[0, 1.05], tickformat=".0%")
    return figure.update_layout(height=400, margin=MARGIN, legend=LEGEND)
