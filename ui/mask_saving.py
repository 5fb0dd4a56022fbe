"""Saving a mask set: at once where the threshold was looked at and works, otherwise after a second press."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import Refinement, open_mask_set
from leafcore.masks.configs import EMPTY, MOST_EMPTY
from leafcore.masks.corrections import DRAFT, Correction
from leafcore.masks.tuning import step_of
from leafcore.runs import ACTIVE, list_runs
from ui import cached, forms, show
from ui.copying import copy_as
from ui.heat import Heat, Looks
from ui.places import path_of
from ui.service import workspace

LEAST_VIEWED = 24
LISTED = 24
SAVED = "masks_run"  # in the session: what was saved on this visit
BEGUN = "masks_begun"  # in the session: the dataset that is tuned


def begin_as_saved(dataset: Dataset) -> None:
    """Set the threshold and the refinement of a dataset's newest mask set when a visitor turns to it.

    A threshold that the address names, or that was set on this visit, stays.
    """
    before, st.session_state[BEGUN] = st.session_state.get(BEGUN), dataset.name
    if before in {None, dataset.name} and ("thr" in st.session_state or "thr" in st.query_params):
        return
    newest = next(iter(forms.mask_sets(dataset.name)), None)
    if newest is not None:
        card = open_mask_set(workspace(), newest).card
        st.session_state.update(
            thr=card.delta,
            refine_grabcut=card.refinement.method == "grabcut",
            refine_largest=card.refinement.largest,
            refine_fill=card.refinement.fill,
            refine_smooth=card.refinement.smooth_px > 0,
        )


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
        more = f"all {known}" if wanted == known else f"{wanted}"
        found.append(f"You have looked at {viewed} masks of {known}; look at {more} before you trust a threshold.")
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
    elif pressed:
        _queue(settings)
    _saved(dataset)


def _queue(settings: dict[str, Any]) -> None:
    """Queue the run, and remember it: what becomes of it is told below the button."""
    run = forms.queue("masks", settings)
    if run is not None:
        st.session_state[SAVED] = run.id
        st.rerun()


def _saved(dataset: Dataset) -> None:
    """Draw what became of the mask set that was saved on this visit, and the way on."""
    run = next((run for run in list_runs(workspace(), "masks") if run.id == st.session_state.get(SAVED)), None)
    if run is None or run.record.settings["dataset"] != dataset.ref:
        return
    delta = run.record.settings["delta"]
    state = run.status().state
    if state in ACTIVE:
        st.info(
            f"The mask set at delta {delta:g} is being made; the top of this page tells how far it is.",
            icon=":material/hourglass_top:",
        )
    elif state == "done":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(f"The mask set at delta {delta:g} is saved.", icon=":material/check_circle:")
            st.page_link(
                path_of("train"),
                label="Train LeafGAN with it",
                icon=":material/model_training:",
                query_params={"ds": dataset.name, "masks": run.id},
            )


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
                _queue(settings)
            if st.button("Not yet", key="save_not_yet", type="primary"):
                st.session_state["mask_confirm"] = None
                st.rerun()
