"""A synthetic set: its pictures, what a classifier sees in them, where they come from, and its ZIP."""

import json

import streamlit as st

from leafcore.data.labels import words
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.measure.interpretation import Interpretation
from leafcore.runs import Run
from leafcore.synthesize.verdicts import Verification
from ui import show
from ui.exporting import export_box
from ui.interpretation import interpretation_box
from ui.pseudo_labels import labelling_box, votes_box
from ui.service import workspace
from ui.verifying import verification_box


def set_box(run: Run) -> None:
    """Draw a synthetic set and the way to take it away."""
    pictures = open_synthetic_set(workspace(), run.id)
    manifest = pictures.manifest
    with st.container(horizontal=True, vertical_alignment="center"):
        label_sets = sorted(set(manifest["labels"]))
        st.markdown(f"**{len(manifest)} pictures**, {', '.join(words(labels) or 'no label' for labels in label_sets)}")
        st.caption(f"`{run.id}`")
    export_box(run)
    pages = -(-len(manifest) // show.PAGE)
    page = st.pagination(pages, key=f"made-{run.id}") if pages > 1 else 1
    rows = manifest.iloc[(page - 1) * show.PAGE : page * show.PAGE].to_dict("records")
    show.thumbnails(
        [str(pictures.folder / "images" / row["file"]) for row in rows],
        alts=[f"{row['file']}, {words(row['labels'])}, from {row['source'] or 'noise'}" for row in rows],
    )
    if pictures.has_teacher:
        votes_box(run)
    if not pictures.has_labels:
        labelling_box(run)
    if run.result().get("interpretation"):
        interpretation_box(Interpretation.model_validate(run.result()["interpretation"]), key=run.id)
    if run.result().get("verification"):
        verification_box(pictures, Verification.model_validate(run.result()["verification"]))
    with st.expander("Where these pictures come from", icon=":material/receipt_long:"):
        lists = {key: json.loads(str(rows[0][key])) for key in ("chain", "votes") if key in rows[0]}
        st.json({**rows[0], **lists}, expanded=False)
        st.caption("The same recipe is inside every PNG, and a row of manifest.csv in the ZIP.")
