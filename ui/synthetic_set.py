"""A synthetic set: its pictures, what a classifier sees in them, where they come from, and its ZIP."""

import json

import streamlit as st

from leafcore.data.labels import words
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.runs import Run
from leafcore.synthesize.result import SynthesizeResult
from ui import cached
from ui.exporting import export_box
from ui.interpretation import interpretation_box
from ui.pseudo_labels import labelling_box, votes_box
from ui.review import review_box
from ui.verifying import rejected_box, verification_box


def set_box(run: Run) -> None:
    """Draw a synthetic set and the way to take it away."""
    pictures = cached.synthetic_set(run)
    manifest = pictures.manifest
    with st.container(horizontal=True, vertical_alignment="center"):
        label_sets = sorted(set(manifest["labels"]))
        named = ", ".join(words(labels) or "no label" for labels in label_sets)
        failed = len(pictures.rejected())
        if failed:
            made = f"**{len(manifest)} kept of {len(manifest) + failed} made**"
            st.markdown(f"{made}, {named}; {failed} failed the automatic check")
        else:
            st.markdown(f"**{len(manifest)} pictures**, {named}")
        st.caption(f"`{run.id}`")
    export_box(run)
    review_box(run)
    if pictures.has_teacher:
        votes_box(run)
    if not pictures.has_labels:
        labelling_box(run)
    _findings(run, pictures)
    with st.expander("Where these pictures come from", icon=":material/receipt_long:"):
        first = manifest.iloc[0].to_dict()
        lists = {key: json.loads(str(first[key])) for key in ("chain", "votes") if key in first}
        st.json({**first, **lists}, expanded=False)
        st.caption("The same recipe is inside every PNG, and a row of manifest.csv in the ZIP.")


def _findings(run: Run, pictures: SyntheticSet) -> None:
    """Draw what classifier and verification said; of a plan, of each part."""
    if run.kind != "synthesize":
        return
    found = SynthesizeResult.model_validate(run.result())
    for number, part in enumerate(found.parts or [found], start=1):
        if found.parts:
            st.markdown(
                f"**Part {number}: {', '.join(f'{n} {words(labels)}' for labels, n in part.made.items()) or 0}**"
            )
        if part.interpretation:
            interpretation_box(part.interpretation, key=f"{run.id}-{number}")
        if part.verification:
            verification_box(part.verification)
    rejected_box(pictures)
