"""Datasets: import pictures, see which classes are rare, look at them."""

import streamlit as st

from leafcore.data.balance import (
    cooccurrence,
    counts_by_label,
    counts_by_label_set,
    effective_number,
    imbalance_ratio,
)
from leafcore.data.labels import words
from ui import cached, charts, live, show
from ui.embedding import map_box
from ui.health import health_box
from ui.history import history_box
from ui.importing import import_box
from ui.planning import plan_box

names = cached.dataset_names()

import_box(expanded=not names)
live.sample_is_drawn()
if not names:
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    name = st.selectbox("Dataset", names, key="ds", bind="query-params", width=320)
    log_axis = st.toggle("Logarithmic", key="ds_log", help="Bars side by side on a logarithmic axis.")
dataset = cached.dataset(name)
sets = counts_by_label_set(dataset)

with st.container(horizontal=True):
    st.metric("Pictures", f"{len(dataset.records):,}", border=True)
    st.metric("Groups", f"{dataset.records['group'].nunique():,}", border=True, help="Pictures of one leaf or plant.")
    st.metric("Label sets", len(sets), border=True)
    st.metric("Imbalance", f"{imbalance_ratio(dataset):.1f} : 1", border=True, help="Largest class over smallest.")
    st.metric("Skipped files", len(dataset.card.skipped), border=True)
if dataset.card.warnings:
    heads = "; ".join(warning.partition(";")[0].rstrip(".") for warning in dataset.card.warnings[:3])
    with st.expander(f":orange[{heads}]", icon=":material/warning:"):
        for warning in dataset.card.warnings:
            st.markdown(warning)

pictures, plan, table, atlas, health, versions = st.tabs(
    [
        ":material/photo_library: Pictures",
        ":material/balance: Balance plan",
        ":material/table: Counts",
        ":material/scatter_plot: Map",
        ":material/health_and_safety: Health",
        ":material/history: Version",
    ],
    key="tab",
    bind="query-params",
)
with pictures:
    st.plotly_chart(charts.balance(sets, log_axis), key="balance", alt=f"Pictures per label set of {name}, by split")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Split", ["all", "train", "val", "test"], default="all", required=True, key="split", bind="query-params"
        )
        labels = st.selectbox(
            "Show",
            ["all", *sets.index],
            format_func=words,
            key="cls",
            bind="query-params",
            width=280,
        )
    show.gallery(dataset, split=split or "all", labels=labels)
with plan:
    plan_box(dataset)
with table:
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
if atlas.open:  # twenty thousand points
    with atlas:
        map_box(dataset)
with health:
    health_box(dataset)
with versions:
    history_box(dataset)
