"""Charts of pictures from noise: the classes they are called, requests over time, latency against their number."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.usage import Use
from ui.charts import COLORS, MARGIN

LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0}
SOURCES = {"studio": (COLORS[0], "circle"), "api": (COLORS[5], "diamond")}


def class_bars(counts: Mapping[str, int]) -> go.Figure:
    """Return pictures by the label set that they are called.

    Args:
        counts: The most frequent first.
    """
    total = sum(counts.values())
    figure = go.Figure(
        go.Bar(
            y=[words(labels) for labels in counts],
            x=list(counts.values()),
            text=[f"{count:,} ({count / total:.0%})" for count in counts.values()],
            textposition="outside",
            cliponaxis=False,
            orientation="h",
            marker={"color": COLORS[3], "pattern": {"shape": "/"}},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_xaxes(title="pictures called so", fixedrange=True, range=[0, 1.25 * max(counts.values())])
    figure.update_layout(height=110 + 34 * len(counts), margin=MARGIN, dragmode=False)
    return figure


def vote_bars(counts: pd.DataFrame) -> go.Figure:
    """Return pictures by the label set that a teacher gave them: accepted, and not.

    Args:
        counts: As `Votes.counts` returns it.
    """
    figure = go.Figure()
    marks = {
        "accepted": {"color": COLORS[3], "pattern": {"shape": "/"}},
        "rejected": {"color": "rgba(128,128,128,0.35)", "pattern": {"shape": "x"}},
    }
    beside = [f"{row.accepted:,} of {row.accepted + row.rejected:,}" for row in counts.itertuples()]
    for part, marker in marks.items():
        figure.add_bar(
            name=part,
            y=[words(str(labels)) for labels in counts.index],
            x=counts[part],
            text=beside if part == "rejected" else None,  # the end of the bar: numbers on a pattern cannot be read
            textposition="outside",
            cliponaxis=False,
            orientation="h",
            marker=marker,
            hovertemplate="%{y}: %{x:,} " + part + "<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    longest = int(counts.sum(axis=1).max()) if len(counts) else 1
    figure.update_xaxes(title="pictures called so by the teacher", fixedrange=True, range=[0, 1.2 * max(1, longest)])
    height = 120 + 34 * len(counts)
    legend = {**LEGEND, "traceorder": "normal"}
    return figure.update_layout(barmode="stack", height=height, margin=MARGIN, dragmode=False, legend=legend)


def requests_by_day(uses: Sequence[Use], zone: str) -> go.Figure:
    """Return how many pictures were asked for each day, by face.

    Args:
        uses: The requests.
        zone: The visitor's time zone.
    """
    table = pd.DataFrame({"time": [use.time for use in uses], "n": [use.n for use in uses]})
    table["day"] = pd.to_datetime(table["time"], unit="s", utc=True).dt.tz_convert(zone).dt.strftime("%d %b")
    table["source"] = [use.source for use in uses]
    figure = go.Figure()
    for source, (color, _) in SOURCES.items():
        counts = table[table["source"] == source].groupby("day", sort=False)["n"].sum()
        if len(counts):
            figure.add_bar(x=counts.index, y=counts, name=source, marker={"color": color})
    figure.update_layout(barmode="stack", bargap=0.5, height=240, margin=MARGIN, showlegend=True, legend=LEGEND)
    figure.update_xaxes(type="category", fixedrange=True)
    figure.update_yaxes(title="pictures", fixedrange=True)
    return figure


def latency_by_number(uses: Sequence[Use]) -> go.Figure:
    """Return how long requests took against how many pictures they asked for; those answered from the cache not."""
    figure = go.Figure()
    for source, (color, symbol) in SOURCES.items():
        those = [use for use in uses if use.source == source and not use.cached]
        if those:
            figure.add_scatter(
                x=[use.n for use in those],
                y=[use.latency_ms for use in those],
                mode="markers",
                name=source,
                marker={"color": color, "symbol": symbol, "size": 8, "opacity": 0.7},
                hovertemplate="%{x} pictures: %{y:,.0f} ms<extra></extra>",
            )
    figure.update_layout(height=240, margin=MARGIN, showlegend=True, legend=LEGEND)
    figure.update_xaxes(title="pictures in a request", fixedrange=True, rangemode="tozero")
    figure.update_yaxes(title="ms", type="log", dtick=1, fixedrange=True)
    return figure
