"""Datasets: import pictures, see which classes are rare, look at them."""

from collections.abc import Callable

import streamlit as st

from leafcore.data.manifest import Dataset
from ui import cached, live
from ui.choose import choose_dataset
from ui.embedding import map_box
from ui.explore import explore_box, facts
from ui.health import health_box
from ui.history import history_box
from ui.importing import import_box
from ui.leaks import leak_banner
from ui.planning import plan_box
from ui.splitting import split_box
from ui.suspects import suspects_box
from ui.writing import write_box


def version_box(dataset: Dataset) -> None:
    """Draw where a version comes from, and a way to write it out."""
    history_box(dataset)
    write_box(dataset)


TABS: dict[str, Callable[[Dataset], None]] = {
    "Pictures": explore_box,
    "Balance": plan_box,
    "Split": split_box,
    "Map": map_box,
    "Health": health_box,
    "Suspects": suspects_box,
    "Version": version_box,
}

names = cached.dataset_names()

import_box(expanded=not names)
live.sample_is_drawn()
if not names:
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    name = choose_dataset(names, width=260)
    dataset = cached.dataset(name)
    facts(dataset)
if dataset.card.warnings:
    heads = " · ".join(warning.partition(";")[0].rstrip(".") for warning in dataset.card.warnings[:3])
    with st.expander(f":orange[{heads}]", icon=":material/warning:"):
        for warning in dataset.card.warnings:
            st.markdown(warning)

leak_banner(dataset)

for tab, draw in zip(st.tabs(list(TABS), key="tab", bind="query-params"), TABS.values(), strict=True):
    if tab.open:  # the others cost nothing, and their keys do nothing
        with tab:
            draw(dataset)
