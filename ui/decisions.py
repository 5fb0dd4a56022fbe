"""Decisions on pages: made at once, written at once, taken back with a button."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from leafcore.data.edits import can_undo, decide, undo
from leafcore.data.manifest import Dataset, Decision
from leafcore.errors import LeafError
from ui import service


def decision_button(dataset: Dataset, label: str, decisions: Sequence[Decision], key: str, **looks: Any) -> None:
    """Draw a button that carries decisions out, all of them as one step that can be undone.

    Args:
        dataset: The version that is shown.
        label: What the button says.
        decisions: If there are none, the button is greyed out.
        key: Of the widget.
        **looks: As `st.button` takes them: `help`, `icon`, `shortcut`, `type`.
    """
    if st.button(label, key=key, disabled=not decisions, **looks):
        carry_out(dataset, decisions)


def carry_out(dataset: Dataset, decisions: Sequence[Decision]) -> None:
    """Write a version in which decisions are carried out and draw the page anew; what is wrong is said."""
    try:
        decide(service.workspace(), dataset, decisions)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
    else:
        if decisions[0].action == "tag":  # of which nothing else on the page tells
            st.toast(f"Tagged {len(decisions)} pictures.", icon=":material/label:")
        st.rerun()


def undo_button(dataset: Dataset, label: str, key: str, *, is_open: bool = True, **looks: Any) -> None:
    """Draw a button that takes the last edit back; greyed out if there is none, or not here."""
    if st.button(label, icon=":material/undo:", key=key, disabled=not (is_open and can_undo(dataset)), **looks):
        try:
            undo(service.workspace(), dataset)
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.rerun()
