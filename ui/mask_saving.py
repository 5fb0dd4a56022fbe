"""Saving a mask set: at once where the threshold was looked at and works, otherwise after a second press."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from leafcore.data.mask_sets import Refinement
from leafcore.masks.configs import EMPTY
from leafcore.masks.corrections import DRAFT, Correction
from leafcore.masks.tuning import step_of
from ui import cached, forms, show
from ui.copying import copy_as
from ui.heat import Heat, Looks

LEAST_VIEWED = 24
MOST_EMPTY = 0.1  # share of the masks
LISTED = 24


def doubts(viewed: int, known: int, empty: int) -> list[str]:
    """Return what speaks against saving now.

    Args:
        viewed: Pictures whose masks were on the screen.
        known: Pictures that there are to look at.
        empty: Those whose masks are empty.
    """
    found = []
    wanted = min(LEAST_VIEWED, known)
    if viewed < wanted:
        found.append(f"You have looked at {viewed} masks of {known}; look at {wanted} before you trust a threshold.")
    if empty > MOST_EMPTY * known:
        found.append(f"{empty} of {known} masks are empty (under {EMPTY:.0%} leaf).")
    return found


def settings_of(
    dataset: str, model: str, delta: float, refinement: Refinement, corrections: Mapping[str, Correction]
) -> dict[str, Any]:
    """Return the settings of the run that makes a mask set."""
    refined = {} if refinement.is_plain else {"refine": refinement.method, **refinement.model_dump(exclude={"method"})}
    corrected = {"corrections": DRAFT} if corrections else {}
    return {"dataset": dataset, "model": model, "delta": delta, **refined, **corrected}


def save_row(
    looks: Looks, known: Heat, delta: float, refinement: Refinement, corrections: Mapping[str, Correction]
) -> None:
    """Draw the button that saves a mask set of the whole dataset, and what speaks against pressing it."""
    dataset, model = looks.dataset, looks.lflseg
    viewed = [image for ref, image in st.session_state.get("mask_viewed", ()) if ref == model.ref]
    shown = {row["image"] for row in known.rows}
    is_empty = known.curves[:, step_of(delta)] < EMPTY
    empty = [row for row, low in zip(known.rows, is_empty, strict=True) if low and row["image"] not in corrections]
    against = doubts(len(shown.intersection(viewed)), len(known.rows), len(empty))
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Save mask set",
            type="primary",
            icon=":material/save:",
            key="save_masks",
            help="Makes a mask for every picture of the dataset with these settings.",
        )
        corrected = f", {len(corrections)} corrected by hand" if corrections else ""
        refined = "" if refinement.is_plain else ", refined"
        settings = settings_of(dataset.ref, model.ref, delta, refinement, corrections)
        copy_as("masks", settings, "masks")
        st.caption(f"{len(dataset.records):,} masks at delta {delta:g}{refined}{corrected}, with {model.name}.")
    if pressed:
        st.session_state["mask_confirm"] = settings if against else None
    if against and st.session_state.get("mask_confirm") == settings:  # another delta is another question
        _ask(looks, against, empty, settings)
    elif pressed and forms.queue("masks", settings) is not None:
        st.rerun()


def _ask(looks: Looks, against: Sequence[str], empty: Sequence[dict[str, Any]], settings: dict[str, Any]) -> None:
    with st.container(border=True):
        st.warning(" ".join(against), icon=":material/visibility:")
        if len(empty) > MOST_EMPTY * len(looks.rows):
            listed = empty[:LISTED]
            show.thumbnails(
                [cached.thumbnail(looks.dataset.root / row["image"], row["sha256"]) for row in listed],
                alts=[f"{row['image']}: its mask is empty" for row in listed],
            )
            if len(empty) > LISTED:
                st.caption(f"And {len(empty) - LISTED} more.")
        with st.container(horizontal=True):
            if st.button("Save anyway", key="save_anyway", icon=":material/save:"):
                st.session_state["mask_confirm"] = None
                if forms.queue("masks", settings) is not None:
                    st.rerun()
            if st.button("Not yet", key="save_not_yet", type="primary"):
                st.session_state["mask_confirm"] = None
                st.rerun()
