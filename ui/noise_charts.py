"""Charts of pictures from noise: the classes they are called, requests over time, latency against their number."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.measure.interpretation import Interpretation
from leafcore.usage import Use
from ui.charts import COLORS, MARGIN

LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0}
SOURCES = {"studio": (COLORS[0], "circle"), "api": (COLORS[5], "diamond")}


def class_bars(found: Interpretation) -> go.Figure:
    """Return pictures by the class that they are called; where classes were asked for, also how often it is that."""
    names = list(found.counts)
    total = sum(found.counts.values())
    texts = []
    for labels, count in found.counts.items():
        asked = found.agreement.get(labels)
        note = f"  ·  {asked.value:.0%} of {asked.n} made as this are called so" if asked else ""
        texts.append(f"{count:,}  ({count / total:.0%}){note}")
    figure = go.Figure(
        go.Bar(
            y=[words(labels) for labels in names],
            x=list(found.counts.values()),
            text=texts,
            textposition="auto",
            orientation="h",
            marker={"color": COLORS[3], "pattern": {"shape": "/"}},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_xaxes(title="pictures called so", fixedrange=True)
    figure.update_layout(height=110 + 34 * len(names), margin=MARGIN, dragmode=False)
    return figure


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
