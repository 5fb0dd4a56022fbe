"""The chart of a map: a point per picture, told apart by colour, and photographs from synthetic pictures by symbol."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from leafcore.data.labels import words
from leafcore.embedding import REAL
from ui.charts import COLORS

MOST_POINTS = 20_000  # that a browser moves without effort
SYMBOLS = (("circle", "x"), ("diamond", "cross"), ("square", "star"))  # of a photograph, of a synthetic picture
GREY = COLORS[-1]
OTHER = "other"


def embedding_map(table: pd.DataFrame, kinds: pd.Series) -> go.Figure:
    """Return the map of a dataset.

    Args:
        table: Columns as in `embedding.EMBEDDING`; of more than 20,000 rows a fixed sample is drawn.
        kinds: What each row is coloured by, in words, on the table's index.

    Returns:
        A trace per kind and symbol; each point's `customdata` holds its row in the table.
    """
    styles = _styles(kinds)
    shown = table.sample(MOST_POINTS, random_state=0).sort_index() if len(table) > MOST_POINTS else table
    kinds = kinds.loc[shown.index].where(kinds.loc[shown.index].isin(list(styles)), OTHER)
    figure = go.Figure()
    for kind, (color, symbols) in styles.items():
        for is_synthetic, symbol in enumerate(symbols):
            part = shown[(kinds == kind) & ((shown["source"] != REAL) == bool(is_synthetic))]
            if len(part):
                figure.add_trace(_points(part, f"{kind}, synthetic" if is_synthetic else kind, color, symbol))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(
        height=620,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode="lasso",
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        hoverlabel={"align": "left"},
    )
    return figure


def _styles(kinds: pd.Series) -> dict[str, tuple[str, tuple[str, str]]]:
    """Return each kind's colour and symbols, the most frequent kinds first; what comes after 21 kinds is other."""
    order = [str(kind) for kind in kinds.value_counts().index]
    bright = COLORS[:-1]
    most = len(bright) * len(SYMBOLS)
    styles = {kind: (bright[i % len(bright)], SYMBOLS[i // len(bright)]) for i, kind in enumerate(order[:most])}
    return styles | ({OTHER: (GREY, SYMBOLS[0])} if len(order) > most else {})


def _points(part: pd.DataFrame, name: str, color: str, symbol: str) -> go.Scattergl:
    texts = [
        f"{image.rpartition('/')[2]}<br>{words(labels)} · {split}"
        for image, labels, split in zip(part["image"], part["labels"], part["split"], strict=True)
    ]
    return go.Scattergl(
        name=name,
        x=part["x"],
        y=part["y"],
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 7, "opacity": 0.8},
        customdata=part.index.to_numpy(),
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )


def selected_rows(event: Mapping[str, Any]) -> np.ndarray:
    """Return the rows of the points that a visitor has chosen, in order, from what `st.plotly_chart` returns."""
    found = [point["customdata"] for point in event["selection"]["points"]]
    return np.unique(np.array(found, dtype=int).reshape(-1))
