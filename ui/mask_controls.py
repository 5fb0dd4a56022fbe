"""What the tuner shows and how: labels, order, view, and what is done to a mask after the threshold."""

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from leafcore.data.labels import words
from leafcore.data.mask_sets import Refinement
from leafcore.masks.tuning import ORDERS
from ui.mask_tiles import VIEWS, View

ALL = "all"
SMOOTH_PX = 7


@dataclass(frozen=True)
class Choice:
    """What the visitor has set.

    Attributes:
        labels: The label set that is shown; None for all.
        order: One of `ORDERS`.
        view: How a picture is drawn.
        refinement: What is done after the threshold.
        beside: Whether the plain mask is drawn beside the refined one.
    """

    labels: str | None
    order: str
    view: View
    refinement: Refinement
    beside: bool


def draw_controls(label_sets: Iterable[str]) -> Choice:
    """Draw the controls and return what they say.

    Args:
        label_sets: Those of the pictures there are.
    """
    names = [ALL, *sorted(set(label_sets))]
    if st.session_state.get("mask_cls", ALL) not in names:  # of another dataset
        del st.session_state["mask_cls"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = st.selectbox("Labels", names, format_func=words, key="mask_cls", bind="query-params", width=148)
        order = st.selectbox("Order", ORDERS, key="mask_order", bind="query-params", width=122)
        view = st.segmented_control("View", VIEWS, default="Mask", required=True, key="mask_view")
        st.button(
            "",
            key="next_view",
            shortcut="H",
            on_click=_next_view,
            icon=":material/cached:",
            help="The next view",
        )
        with st.popover("Refine", icon=":material/auto_fix_high:", key="refine_menu"):
            refinement, beside = _refinement()
    return Choice(None if labels == ALL else labels, order, view, refinement, beside)


def _next_view() -> None:
    now = VIEWS.index(st.session_state.get("mask_view", VIEWS[0]))
    st.session_state["mask_view"] = VIEWS[(now + 1) % len(VIEWS)]


def _tidy_too() -> None:
    """Turn on what GrabCut's outlines need; it can be turned off again."""
    if st.session_state["refine_grabcut"]:
        st.session_state.update(refine_largest=True, refine_fill=True, refine_smooth=True)


def _refinement() -> tuple[Refinement, bool]:
    kept = {"persist_state": "session"}
    grabcut = st.toggle(
        "GrabCut", key="refine_grabcut", help="Finds the leaf's outline by color.", on_change=_tidy_too, **kept
    )
    largest = st.toggle("Largest piece only", key="refine_largest", **kept)
    fill = st.toggle("Fill holes", key="refine_fill", **kept)
    smooth = st.toggle("Smooth outline", key="refine_smooth", **kept)
    beside = st.toggle("Show plain mask beside", True, key="refine_beside", **kept)
    refinement = Refinement(
        method="grabcut" if grabcut else "none", largest=largest, fill=fill, smooth_px=SMOOTH_PX if smooth else 0
    )
    return refinement, beside and not refinement.is_plain
