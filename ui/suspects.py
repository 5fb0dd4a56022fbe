"""Suspect labels: one picture at a time, decided about with single keys; nothing is relabelled by itself."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from leafcore.data.edits import last_decision
from leafcore.data.labels import label_set, split_labels, words
from leafcore.data.manifest import Dataset, Decision
from leafcore.embedding import KIND, SUSPECT
from leafcore.errors import DatasetError
from leafcore.images import open_rgb, thumbnail
from ui import cached, embedded, forms, live
from ui.copying import copy_as
from ui.decisions import decision_button, undo_button
from ui.service import workspace

LARGE_PX = 640
NEIGHBOURS = 3
SMALLEST_PX = 80  # of a neighbour, on a phone
WHY = "suspect label"  # how the decisions of this box begin, by which it knows them again


def suspects_box(dataset: Dataset) -> None:
    """Draw the most suspicious picture that nobody has looked at yet, and what can be decided about it."""
    run = embedded.newest(dataset)
    working = embedded.working(dataset)
    for active in working:
        live.progress_panel(active, key="suspects")
    if run is None:
        if not working:
            _empty(dataset)
        return
    table = embedded.embedding(run.id)
    waiting = _waiting(dataset, table)
    looked_at = sum(_is_ours(decision) for decision in dataset.card.decisions)
    total = looked_at + len(waiting)
    with st.container(horizontal=True, vertical_alignment="center"):
        if total:
            st.progress(looked_at / total, text=f"{looked_at} of {total} looked at")
        last = last_decision(workspace(), dataset)  # a key takes back what was decided here, never a new split
        is_ours = last is not None and _is_ours(last)
        undo_button(dataset, "Undo", "suspect_undo", is_open=is_ours, shortcut="Z")
    if waiting.empty:
        st.success("Every suspect label was looked at." if total else "No label is suspect.", icon=":material/check:")
        return
    _one(dataset, table, waiting.iloc[0])


def _empty(dataset: Dataset) -> None:
    """Say what is missing, and offer it."""
    with st.container(horizontal=True):
        asked = st.button(
            f"Find suspect labels ({embedded.time_of(len(dataset.records))})",
            type="primary",
            icon=":material/troubleshoot:",
            key="find_suspects",
        )
        copy_as(KIND, {"dataset": dataset.ref}, "suspects")
    st.caption("Pictures that look like those with other labels, one by one. Nothing is relabelled by itself.")
    if asked and forms.queue(KIND, {"dataset": dataset.ref}):
        st.rerun()


def _is_ours(decision: Decision) -> bool:
    return decision.why.startswith(WHY)


def _waiting(dataset: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose labels others speak against and nobody has decided about, the most suspicious first.

    A picture that has got other labels since the map was drawn is left out: they were not what was judged.
    """
    decided = {decision.image for decision in dataset.card.decisions if _is_ours(decision)}
    given = pd.Series(dataset.records["labels"].to_numpy(), index=dataset.records["image"])
    doubted = (table["suspect"] >= SUSPECT) & (table["suggested"] != table["labels"])
    rows = table[doubted & ~table["image"].isin(decided)]
    rows = rows[rows["image"].map(given).eq(rows["labels"]).fillna(False).astype(bool)]
    return rows.sort_values("suspect", ascending=False, kind="stable")


def _one(dataset: Dataset, table: pd.DataFrame, row: pd.Series) -> None:
    """Draw a picture beside what speaks for its labels and for others, and the keys."""
    image, given = str(row["image"]), str(row["labels"])
    left, right = st.columns([3, 2], gap="medium")
    with left:
        try:
            large = thumbnail(open_rgb(dataset.root / image), LARGE_PX)
            st.image(large, alt=f"{image}: {words(given)}", width="stretch")
        except DatasetError as error:
            st.warning(str(error), icon=":material/broken_image:")
        st.caption(f"{row['split']} · {image}")
    with right:
        st.caption(f"Given, {row['confidence']:.0%} likely")  # in text that wraps: a metric cuts long names off
        st.subheader(words(given), anchor=False)
        st.caption("Suggested")
        st.subheader(words(str(row["suggested"])), anchor=False)
        chosen = st.multiselect(
            "New labels",
            dataset.labels,
            [label for label in split_labels(str(row["suggested"])) if label in dataset.labels],
            format_func=words,
            key=f"suspect_labels_{image}",
        )
        _keys(dataset, image, given, label_set(chosen))
        _neighbours(dataset, table, row)


def _keys(dataset: Dataset, image: str, given: str, new: str) -> None:
    """Draw the buttons; each has a key. R and C belong to Streamlit, so relabelling is G, for give."""
    why = f"{WHY}, given {given}"
    with st.container(horizontal=True):
        keep = Decision(image=image, action="keep", why=why)
        decision_button(dataset, "Keep", [keep], "suspect_keep", shortcut="K", icon=":material/check:")
        exclude = Decision(image=image, action="exclude", why=why)
        decision_button(dataset, "Exclude", [exclude], "suspect_exclude", shortcut="X", icon=":material/delete:")
        give: Sequence[Decision] = []
        if new and new != given:
            give = [Decision(image=image, action="relabel", labels=new, why=why)]
        label = f"Give {words(new)}" if new else "Give new labels"
        decision_button(dataset, label, give, "suspect_give", shortcut="G", icon=":material/label:", type="primary")


def _neighbours(dataset: Dataset, table: pd.DataFrame, row: pd.Series) -> None:
    """Draw the photographs with the suggested labels that lie nearest on the map."""
    like = table[(table["labels"] == row["suggested"]) & table["suspect"].notna() & (table["image"] != row["image"])]
    like = like[like["image"].isin(dataset.records["image"])]
    if like.empty:
        return
    apart = np.hypot(like["x"] - row["x"], like["y"] - row["y"])
    near = like.loc[apart.nsmallest(NEIGHBOURS).index]
    st.caption(f"Nearest with {words(str(row['suggested']))}")
    with st.grid(NEIGHBOURS, min_column_width=SMALLEST_PX, gap="small"):
        for image, sha in zip(near["image"], near["sha256"], strict=True):
            alt = f"{image}: {words(str(row['suggested']))}"
            st.image(cached.thumbnail(dataset.root / image, sha), alt=alt, width="stretch")
