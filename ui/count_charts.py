"""Charts of how many pictures there are: bars, a treemap, megapixels. What is clicked says what it stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leafcore.data.balance import effective_number
from leafcore.data.browse import Sizes
from leafcore.data.labels import split_labels, words
from ui.charts import COLORS, MARGIN

# Parts of a bar, from its foot: colour, pattern. What is synthetic is hatched, here as everywhere.
PARTS = {
    "train": (COLORS[0], ""),
    "val": (COLORS[2], "."),
    "test": (COLORS[5], ""),
    "synthetic": (COLORS[3], "/"),
}
TITLES = {"train": "train", "val": "val (held out)", "test": "test (held out)", "synthetic": "synthetic"}
FAINT = 0.3
SEPARATOR = "\n"  # in the ids of a treemap; no label holds one
ROOT = SEPARATOR


@dataclass(frozen=True)
class Click:
    """What was clicked in a chart; what is empty does not matter.

    Attributes:
        labels: This label set.
        label: This label, alone or among others.
        part: A key of `PARTS`.
    """

    labels: str = ""
    label: str = ""
    part: str = ""


def clicked(selection: Mapping[str, Any], by_label: bool) -> Click | None:
    """Return what the points of a selection stand for; None if nothing is selected.

    Args:
        selection: What Streamlit keeps of a chart: `points` with what `bars` and `treemap` gave them.
        by_label: Whether the bars stand for labels, not for label sets.
    """
    points = selection.get("points", ())
    if not points:
        return None
    point = points[0]
    if "customdata" in point:
        name, part = point["customdata"]
        return Click(label=name, part=part) if by_label else Click(labels=name, part=part)
    label, _, labels = str(point.get("id", "")).partition(SEPARATOR)
    return Click(labels=labels) if labels else Click(label=label)


def bars(
    counts: pd.DataFrame,
    parts: Sequence[str] = ("train", "val", "test"),
    *,
    log: bool = False,
    chosen: tuple[str, str] = ("", ""),
) -> go.Figure:
    """Return pictures per label set or label, stacked by part.

    Args:
        counts: Index: label sets or labels, from the top; columns: the parts.
        parts: Which keys of `PARTS` to show.
        log: Whether the axis is logarithmic; bars then stand side by side.
        chosen: What the gallery shows, an index value and a part, each empty for all; the rest is faint.
    """
    names = [words(str(name)) for name in counts.index]
    figure = go.Figure()
    for part in parts:
        color, pattern = PARTS[part]
        shown = [chosen[0] in ("", name) and chosen[1] in ("", part) for name in counts.index]
        figure.add_bar(
            name=TITLES[part],
            y=names,
            x=counts[part],
            customdata=[[str(name), part] for name in counts.index],
            orientation="h",
            marker={
                "color": color,
                "pattern": {"shape": pattern, "size": 6},
                "opacity": [1.0 if is_shown else FAINT for is_shown in shown],
            },
            hovertemplate="%{y}: %{x:,} " + TITLES[part] + "<extra></extra>",
        )
    if not log:
        figure.add_scatter(
            y=names,
            x=counts[list(parts)].sum(axis=1),
            text=_ends(counts[[part for part in parts if part != "synthetic"]].sum(axis=1)),
            mode="text",
            textposition="middle right",
            hoverinfo="skip",
            showlegend=False,
            cliponaxis=False,
        )
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_xaxes(type="log" if log else "linear", title="pictures", fixedrange=True)
    return figure.update_layout(
        height=90 + 30 * len(names),
        margin={**MARGIN, "r": 120},
        barmode="group" if log else "stack",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal", "itemclick": False},
        modebar={"remove": ["zoom", "pan", "zoomin", "zoomout", "autoscale", "resetscale"]},
    )


def _ends(real: pd.Series) -> list[str]:
    """Return what stands at the bars' ends: real pictures, and what they are worth."""
    worth = effective_number(real)
    return [f" {count:,} (worth {value:,.0f})" if count else "" for count, value in zip(real, worth, strict=True)]


def treemap(sets: pd.DataFrame, column: str = "total") -> go.Figure:
    """Return labels as boxes, with the label sets that hold them inside; what has two labels is in two boxes.

    Args:
        sets: Index: label sets.
        column: What the boxes' areas stand for.
    """
    counts = {str(labels): int(count) for labels, count in sets[column].items() if count}
    boxes: list[tuple[str, str, str, int]] = []  # id, parent, title, value
    for label in sorted({label for labels in counts for label in split_labels(labels)}):
        inside = {labels: count for labels, count in counts.items() if label in split_labels(labels)}
        if set(inside) == {label}:
            boxes.append((f"{label}{SEPARATOR}{label}", ROOT, words(label), inside[label]))
            continue
        boxes.append((label, ROOT, words(label), sum(inside.values())))
        boxes += [
            (f"{label}{SEPARATOR}{labels}", label, "alone" if labels == label else words(labels), count)
            for labels, count in inside.items()
        ]
    root = (ROOT, "", "all", sum(value for _, parent, _, value in boxes if parent == ROOT))
    ids, parents, titles, values = zip(root, *boxes, strict=True)
    figure = go.Figure(
        go.Treemap(
            ids=ids,
            parents=parents,
            labels=titles,
            values=values,
            branchvalues="total",
            texttemplate="%{label}<br>%{value:,}",
            hovertemplate="%{label}: %{value:,}<extra></extra>",
            root={"color": "rgba(0,0,0,0)"},
            tiling={"pad": 2},
        )
    )
    return figure.update_layout(height=460, margin=MARGIN, treemapcolorway=COLORS)


def megapixels(sizes: Sizes) -> go.Figure:
    """Return how many pictures have how many megapixels."""
    edges = sizes.edges
    middles = [(low + high) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=sizes.megapixels,
            width=[high - low for low, high in zip(edges, edges[1:], strict=False)],
            marker={"color": COLORS[0], "line": {"width": 0}},
            hovertemplate="about %{x:.3g} megapixels: %{y:,}<extra></extra>",
        )
    )
    figure.update_xaxes(title="megapixels")
    figure.update_yaxes(title="pictures")
    return figure.update_layout(height=280, margin=MARGIN)
