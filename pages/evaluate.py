"""Evaluate: do synthetic pictures help a classifier? The answer comes with intervals, or not at all."""

from collections.abc import Callable

import streamlit as st

from ui.comparison import comparison_box
from ui.quality import quality_box
from ui.realfake import realfake_box
from ui.scarcity import scarcity_box

WAYS: dict[str, Callable[[], None]] = {
    "Comparison": comparison_box,
    "Image quality": quality_box,
    "Real or fake": realfake_box,
    "Scarcity study": scarcity_box,
}

way = st.segmented_control(
    "What", list(WAYS), default="Comparison", required=True, key="what", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
WAYS[str(way)]()
