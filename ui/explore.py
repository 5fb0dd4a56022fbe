"""The explorer of a dataset: how many pictures of what there are, and the pictures themselves."""

import streamlit as st

from leafcore.data.balance import (
    cooccurrence,
    counts_by_label,
    counts_by_label_set,
    effective_number,
    imbalance_ratio,
)
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from ui import charts, show


def facts(dataset: Dataset) -> None:
    """Draw a dataset's size in four numbers."""
    st.metric("Pictures", f"{len(dataset.records):,}")
    st.metric("Groups", f"{dataset.records['group'].nunique():,}", help="Pictures of one leaf or plant.")
    st.metric("Label sets", len(dataset.label_sets))
    st.metric("Imbalance", f"{imbalance_ratio(dataset):.1f} : 1", help="Largest label set over smallest.")


def explore_box(dataset: Dataset) -> None:
    """Draw the counts, and below them the pictures."""
    sets = counts_by_label_set(dataset)
    log_axis = st.toggle("Logarithmic", key="ds_log", help="Bars side by side on a logarithmic axis.")
    st.plotly_chart(
        charts.balance(sets, log_axis), key="balance", alt=f"Pictures per label set of {dataset.name}, by split"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Split", ["all", "train", "val", "test"], default="all", required=True, key="split", bind="query-params"
        )
        labels = st.selectbox(
            "Show", ["all", *sets.index], format_func=words, key="cls", bind="query-params", width=280
        )
    show.gallery(dataset, split=split or "all", labels=labels)
    left, right = st.columns([3, 2])
    left.caption("Exactly these labels; effective: what the count is worth (Cui et al. 2019, beta 0.999)")
    left.dataframe(sets.assign(effective=effective_number(sets["total"]).round(1)).rename(index=words))
    right.caption("This label, alone or among others")
    right.dataframe(counts_by_label(dataset).rename(index=words))
    if dataset.is_multi_label:
        st.caption("Labels that occur together; on the diagonal, all pictures of a label")
        st.plotly_chart(
            charts.cooccurrence(cooccurrence(dataset)), key="cooccurrence", alt="How often labels occur together"
        )
