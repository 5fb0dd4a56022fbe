"""Mask sets that were saved: how each was made, its outliers, and where two of them differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import MaskSet, mask_path, open_mask_set
from leafcore.errors import DatasetError, LeafError
from leafcore.images import load_mask, overlay_mask
from leafcore.masks.compare import SetComparison, compare_sets
from leafcore.progress import Progress
from leafcore.runs import Run
from ui import cached, show
from ui.service import workspace

SIDE, LISTED = 160, 24
SORTS = {  # of outliers, as a masks run's result calls them
    "empty": "Empty",
    "full": "Full",
    "not_whole": "No whole leaf?",
    "least_overlap": "Least like the exact mask",
}


def sets_box(dataset: Dataset) -> None:
    """Draw the mask sets of a dataset, newest first, and what differs between two."""
    sets = {run.id: open_mask_set(workspace(), run.id) for run in cached.runs_of("masks")}
    own = [
        run
        for run in cached.runs_of("masks")
        if sets[run.id].card.dataset.partition("@")[0] == dataset.name or sets[run.id].covers(dataset, dataset.records)
    ]
    if not own:
        st.info(
            "No mask set of this dataset was saved yet: choose a threshold under **Tune**, press **Save mask set**.",
            icon=":material/content_cut:",
        )
        return
    titles = {run.id: _title(run, sets[run.id]) for run in own}
    if len(own) > 1:
        _compare({run_id: sets[run_id] for run_id in titles}, titles)
    for run in own:
        box = st.expander(titles[run.id], icon=":material/content_cut:", key=f"set-{run.id}", on_change="rerun")
        if box.open:
            with box:
                _draw(run, sets[run.id])


def _title(run: Run, masks: MaskSet) -> str:
    card = masks.card
    refined = "" if card.refinement.is_plain else " · refined"
    corrected = f" · {len(card.corrected)} corrected" if card.corrected else ""
    return f"delta {card.delta:g}{refined}{corrected} · {cached.when(run)} · {card.dataset}"


def _draw(run: Run, masks: MaskSet) -> None:
    card = masks.card
    overlap = "".join(
        f" · {split}: IoU {part.mask_iou:.2f} with the exact masks (n = {part.images})"
        for split, part in card.overlaps.items()
        if split != "test"
    )
    st.caption(f"`{run.id}` · {card.images} masks by {card.model} · {card.mean_area:.0%} leaf on average{overlap}")
    if (run.folder / "sample.jpg").exists():
        st.image(str(run.folder / "sample.jpg"), alt=f"Twelve masks of {run.id}")
    _outliers(run, masks)


# --- outliers ---------------------------------------------------------------------------------------------------------


def _outliers(run: Run, masks: MaskSet) -> None:
    """Draw the masks that deserve a look, sort by sort."""
    found: dict[str, Any] = run.result().get("outliers", {})
    present = [sort for sort in SORTS if found.get(sort)]
    if not present:
        return
    sort = st.segmented_control(
        "Outliers",
        present,
        default=present[0],
        required=True,
        format_func=lambda sort: f"{SORTS[sort]} ({len(found[sort])})",
        key=f"outliers-{run.id}",
    )
    images = found[str(sort)]
    notes = images if isinstance(images, Mapping) else {}
    shown = list(images)[:LISTED]
    _overlays(masks, shown, [f"{notes[image]}" if image in notes else "" for image in shown])


def _overlays(masks: MaskSet, images: Sequence[str], captions: Sequence[str]) -> None:
    root = cached.dataset(masks.card.dataset).root
    pictures = [_masked(str(root / image), str(mask_path(masks.folder, image))) for image in images]
    show.tiles(pictures, [f"{image} with its mask of {masks.id}" for image in images], captions, columns=6)


@st.cache_data(max_entries=256, show_spinner=False)
def _masked(photo: str, mask: str) -> np.ndarray:
    picture = cached.square(photo, SIDE)
    try:
        return overlay_mask(picture, load_mask(Path(mask), SIDE))
    except DatasetError:
        return picture


# --- two sets ---------------------------------------------------------------------------------------------------------


class _Bar(Progress):
    """Progress that a page draws."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._bar = st.progress(0.0, text="Comparing masks")

    def report(self, done: int, total: int, **scalars: float) -> None:
        """See `Progress.report`."""
        self._bar.progress(done / total, text=f"Comparing masks: {done} of {total}")

    def end(self) -> None:
        """Take the bar away."""
        self._bar.empty()


def _compare(sets: Mapping[str, MaskSet], titles: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = {"format_func": titles.get, "width": 300}
        first = st.selectbox("Compare", list(titles), key="mask_first", **options)
        second = st.selectbox("with", list(titles), index=1, key="mask_second", **options)
        if st.button("Compare", key="compare_sets", icon=":material/compare:", disabled=first == second):
            try:
                st.session_state["mask_compared"] = (first, second, _comparison(first, second))
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
    *compared, found = st.session_state.get("mask_compared", (None, None, None))
    if compared != [first, second]:
        return
    table: pd.DataFrame = found.pictures
    missing = f" {len(found.missing)} pictures have a mask in one set only." if found.missing else ""
    st.markdown(f"**IoU {found.mean_iou:.3f}** on average of {len(table):,} pictures; least alike first.{missing}")
    worst = table.head(LISTED // 4)
    for run_id, areas in ((first, worst["first_area"]), (second, worst["second_area"])):
        captions = [f"{area:.0%} leaf · IoU {iou:.2f}" for area, iou in zip(areas, worst["iou"], strict=True)]
        st.caption(titles[run_id])
        _overlays(sets[run_id], worst["image"].tolist(), captions)


def _comparison(first: str, second: str) -> SetComparison:
    bar = _Bar(workspace().cache)
    found = compare_sets(workspace(), first, second, bar)
    bar.end()
    return found
