"""Mask sets that were saved: how each was made, its outliers, and how two differ."""

import streamlit as st

from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import MaskSet, open_mask_set
from leafcore.runs import Run
from ui import cached
from ui.service import workspace


def sets_box(dataset: Dataset) -> None:
    """Draw the mask sets of a dataset, newest first."""
    runs = cached.runs_of("masks")
    sets = {run.id: open_mask_set(workspace(), run.id) for run in runs}
    own = [run for run in runs if sets[run.id].card.dataset.partition("@")[0] == dataset.name]
    if not own:
        st.caption("No mask set of this dataset was saved yet.")
        return
    for run in own:
        _draw(run, sets[run.id])


def _draw(run: Run, masks: MaskSet) -> None:
    card = masks.card
    overlap = "".join(
        f" · {split}: IoU {part.mask_iou:.2f} with the exact masks (n = {part.images})"
        for split, part in card.overlaps.items()
        if split != "test"
    )
    refined = "" if card.refinement.is_plain else " · refined"
    corrected = f" · {len(card.corrected)} corrected" if card.corrected else ""
    title = f"{card.dataset} · delta {card.delta:g}{refined}{corrected} · {cached.when(run)}"
    with st.expander(title, icon=":material/content_cut:", key=f"set-{run.id}"):
        st.caption(f"`{run.id}` · {card.images} masks · {card.mean_area:.0%} leaf on average{overlap}")
        if (run.folder / "sample.jpg").exists():
            st.image(str(run.folder / "sample.jpg"), alt=f"Twelve masks of {run.id}")
