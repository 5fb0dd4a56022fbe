"""Charts of losses over steps: faint as recorded, a smoothed line over it, never more points than a screen has."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from leafcore.train.hints import Hint, loss_words
from ui.charts import COLORS, DASHES, MARGIN
from ui.series import MAX_POINTS, Steps, is_smoothed, smooth, thin

FAINT = 0.22
ROW_PX = 270
MANY, LEGEND_PX = 5, 44  # a legend of more entries takes two lines or more, and stands above its panel
LINE_PX, LINE_SIGNS, SWATCH = 30, 120, 8  # of a legend: a line's height, its letters, those of a name's own dash
NAME_LINES, NAME_PX, WIDTH_SIGNS = 4, 14, 90  # of names at marks: lines, their height, letters in a chart's width
PANELS: dict[str, dict[str, tuple[str, str]]] = {  # what belongs together: a loss, its color and its dash
    "Adversarial and discriminator": {
        "adversarial_ab": (COLORS[0], "solid"),
        "adversarial_ba": (COLORS[2], "solid"),
        "disc_b": (COLORS[0], "dot"),  # what judges the fakes of A → B
        "disc_a": (COLORS[2], "dot"),
        "adversarial": (COLORS[0], "solid"),  # of a noise model, which has one generator
        "disc": (COLORS[0], "dot"),
    },
    "Cycle, identity, background, change on the leaf": {
        "cycle_a": (COLORS[1], "solid"),
        "cycle_b": (COLORS[1], "dot"),
        "identity_a": (COLORS[5], "solid"),
        "identity_b": (COLORS[5], "dot"),
        "background_a": (COLORS[4], "solid"),
        "background_b": (COLORS[4], "dot"),
        "change_ab": (COLORS[7], "solid"),
        "change_ba": (COLORS[7], "dot"),
    },
    "Denoising": {
        "denoising": (COLORS[0], "solid"),
        "denoising_prior": (COLORS[0], "dot"),
    },
}
DRIFT = "Distance from the base model"  # of a model that began as another: a panel of its own, a line per prompt
OTHERS, ALONE = "Scores and other losses", "Losses and scores"  # what is in no panel of its own, beside such and alone
UNDRAWN = {"epoch"}

Curves = Mapping[str, pd.Series]
Style = tuple[str, str]


def panels_of(curves: Curves) -> tuple[dict[str, dict[str, Style]], dict[str, Style]]:
    """Return which scalars go where, with color and dash: the linked panels, then everything else."""
    drifts = {name: _style(index) for index, name in enumerate(filter(_is_drift, curves))}
    panels = {**PANELS, DRIFT: drifts}
    grouped = {name for panel in panels.values() for name in panel}
    linked = {
        title: {name: style for name, style in panel.items() if name in curves} for title, panel in panels.items()
    }
    others = [name for name in curves if name not in grouped | UNDRAWN]
    styles = {name: _style(index) for index, name in enumerate(others)}
    return {title: panel for title, panel in linked.items() if panel}, styles


def _style(index: int) -> Style:
    return COLORS[index % len(COLORS)], DASHES[index // len(COLORS) % len(DASHES)]


def _is_drift(name: str) -> bool:
    return name == "learned" or name.startswith("drift_")


def linked(
    curves: Curves,
    panels: Mapping[str, Mapping[str, Style]],
    *,
    weight: float = 0.0,
    log: bool = False,
    steps: Steps = None,
    marks: Sequence[Hint] = (),
    points: int = MAX_POINTS,
) -> go.Figure:
    """Return one chart per panel, below each other, zoomed together.

    Args:
        curves: Values by step of each scalar.
        panels: By title: which scalars, with color and dash.
        weight: Of the moving average, in [0, 1).
        log: Whether the axes are logarithmic.
        steps: The first and the last step to draw, or None for all.
        marks: Hints whose beginning is marked.
        points: How many each line has at most.
    """
    figure = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.14, subplot_titles=list(panels)
    )
    for row, panel in enumerate(panels.values(), 1):
        for name, style in panel.items():
            for line in _lines(curves[name], loss_words(name), style, weight, steps, points):
                figure.add_trace(line.update(legend=_legend(row)), row=row, col=1)
    _mark(figure, [mark for mark in marks if steps is None or steps[0] <= mark.begins <= steps[1]])
    legends = {
        _legend(row): {"orientation": "h", "x": 1, "xanchor": "right", "y": _top(figure, row)}
        | {"yanchor": "bottom" if len(panel) > MANY else "top", "bgcolor": "rgba(128, 128, 128, 0.12)"}
        for row, panel in enumerate(panels.values(), 1)
    }
    figure.update_annotations(x=0, xanchor="left", selector={"xanchor": "center"})  # the titles of the panels
    above = [
        _legend_px(panel) if not row else LEGEND_PX * (len(panel) > MANY) for row, panel in enumerate(panels.values())
    ]
    for title, pixels in zip(panels, above, strict=True):
        figure.update_annotations(yshift=pixels, selector={"text": title})
    figure.update_xaxes(title="step", row=len(panels), col=1)
    figure.update_yaxes(type="log" if log else "linear")
    return figure.update_layout(
        height=ROW_PX * len(panels) + 40 + max(0, above[0] - LEGEND_PX if above else 0),
        margin=MARGIN | {"t": 44 + (above[0] if above else 0)},
        hovermode="x unified",
        dragmode="select",
        selectdirection="h",
        **legends,
    )


def overlaid(
    curves: Curves, *, weight: float = 0.0, log: bool = False, steps: Steps = None, title: str = ""
) -> go.Figure:
    """Return one loss of several runs over each other: a color and a dash per run.

    Args:
        curves: Values by step, by the run's title.
        weight: Of the moving average, in [0, 1).
        log: Whether the axis is logarithmic.
        steps: The first and the last step to draw, or None for all.
        title: What the values are.
    """
    figure = go.Figure()
    for index, (name, values) in enumerate(curves.items()):
        style = (COLORS[index % len(COLORS)], DASHES[index % len(DASHES)])
        figure.add_traces(list(_lines(values, name, style, weight, steps)))
    figure.update_xaxes(title="step")
    figure.update_yaxes(title=title, type="log" if log else "linear")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(height=360, margin=MARGIN, legend=legend, hovermode="x unified")


def _lines(
    values: pd.Series, name: str, style: Style, weight: float, steps: Steps, points: int = MAX_POINTS
) -> list[go.Scatter]:
    """Return a curve as it is drawn: smoothed first, for the average is of all steps; then cut; then thinned."""
    color, dash = style
    drawn = []
    weight = weight if is_smoothed(values, weight) else 0.0
    if weight:
        faint = thin(_cut(values, steps), points)
        drawn.append(_line(faint, name, {"color": color, "width": 1}, opacity=FAINT, shown=False))
    line = {"color": color, "dash": dash, "width": 2}
    smoothed = thin(_cut(smooth(values, weight), steps), points)
    drawn.append(_line(smoothed, name, line, opacity=1.0, shown=True))
    return drawn


def _line(points: pd.Series, name: str, line: dict[str, object], *, opacity: float, shown: bool) -> go.Scatter:
    return go.Scatter(
        x=points.index.to_numpy("int32"),
        y=points.to_numpy("float32"),  # half the bytes, and more digits than a screen has
        name=name,
        legendgroup=name,
        line=line,
        mode="lines" if len(points) > 1 else "markers",
        opacity=opacity,
        showlegend=shown,
        hoverinfo=None if shown else "skip",
        hovertemplate="%{y:.4g}" if shown else None,
    )


def _cut(values: pd.Series, steps: Steps) -> pd.Series:
    return values if steps is None else values[(values.index >= steps[0]) & (values.index <= steps[1])]


def _mark(figure: go.Figure, marks: Sequence[Hint]) -> None:
    """Mark where hints begin, in every panel; named in the first, those that begin close together above each other."""
    ends = [step for line in figure.data if len(line.x) for step in (int(line.x[0]), int(line.x[-1]))]
    steps_per_sign = (max(ends) - min(ends)) / WIDTH_SIGNS if ends else 0.0
    taken = [-math.inf] * NAME_LINES  # by line of names: the step where its last one ends
    for mark in sorted(marks, key=lambda mark: mark.begins):
        figure.add_vline(x=mark.begins, line={"color": "#8a8a8a", "width": 1, "dash": "dash"}, row="all", col=1)
        free = next((line for line, end in enumerate(taken) if end < mark.begins), None)
        if free is None:
            continue  # the line alone; its name stands above the charts
        taken[free] = mark.begins + steps_per_sign * len(mark.title)
        place = {"x": mark.begins, "y": 0, "yref": "y domain", "xanchor": "left", "yanchor": "bottom"}
        figure.add_annotation(text=mark.title, showarrow=False, yshift=NAME_PX * free, **place)


def _legend_px(panel: Mapping[str, Style]) -> int:
    """Return the height of the first panel's legend, px, where it stands above the panel; 0 where it lies inside."""
    signs = sum(len(loss_words(name)) + SWATCH for name in panel)
    return max(LEGEND_PX, LINE_PX * math.ceil(signs / LINE_SIGNS)) if len(panel) > MANY else 0


def _legend(row: int) -> str:
    return "legend" if row == 1 else f"legend{row}"


def _top(figure: go.Figure, row: int) -> float:
    return float(figure.layout["yaxis" if row == 1 else f"yaxis{row}"].domain[1])
