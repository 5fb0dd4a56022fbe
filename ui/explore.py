"""The explorer of a dataset: how many pictures of what there are, in several views, and the pictures themselves."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from leafcore.data.balance import ORDERS, arranged, cooccurrence, effective_number, per_label, with_synthetic
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from ui import charts
from ui.choose import choose_way
from ui.count_charts import PARTS, TITLES, bars, clicked, megapixels, treemap
from ui.gallery import Filters, draw_filters, draw_pictures, take
from ui.overview import made_of, overview

NAMED = 4  # synthetic sets in the caption
WORTH = "worth: effective number, (1 − βⁿ) / (1 − β) with β = 0.999 (Cui et al. 2019)"


def facts(dataset: Dataset) -> None:
    """Draw a dataset's size in four numbers."""
    told = overview(dataset)
    st.metric("Pictures", f"{len(dataset.records):,}", width="content")
    st.metric("Groups", f"{told.groups:,}", width="content", help="Pictures of one leaf or plant.")
    st.metric("Label sets", len(told.sets), width="content")
    st.metric("Imbalance", f"{told.imbalance:.1f} : 1", width="content", help="Largest label set over smallest.")


@dataclass(frozen=True)
class Scene:
    """What a view draws.

    Attributes:
        dataset: The dataset.
        sets: Pictures per label set, synthetic ones included.
        filters: What the gallery below shows.
        controls: Where the view puts its own controls.
    """

    dataset: Dataset
    sets: pd.DataFrame
    filters: Filters
    controls: DeltaGenerator


def explore_box(dataset: Dataset) -> None:
    """Draw the counts, and below them the pictures."""
    runs = made_of(dataset)
    made: Counter[str] = Counter()
    for run in runs:
        result = run.result()
        made.update(result.get("made") or {result["labels"]: result["count"]})
    made.pop("", None)  # pictures of which nobody knows what they show
    counts, pictures = st.container(), st.container()
    with pictures:  # first, for the bars show what is chosen there
        filters = draw_filters(dataset, runs)
    with counts:
        controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
        views = [name for name in VIEWS if name != "Together" or dataset.is_multi_label]
        with controls:
            view = choose_way("View", views, "view", default="Bars")
        VIEWS[view](Scene(dataset, with_synthetic(overview(dataset).sets, made), filters, controls))
        if runs:
            named = [
                f"{run.result()['count']} {words(run.result()['labels']) or 'pictures'} `{run.id}`"
                for run in runs[:NAMED]
            ]
            more = [f"{len(runs) - NAMED} more sets"] if len(runs) > NAMED else []
            st.caption(f"Synthetic: {'; '.join(named + more)}.")
    with pictures:
        draw_pictures(dataset, runs, filters)


def _per(dataset: Dataset) -> bool:
    """Draw the choice between label sets and labels; return whether labels are counted."""
    if not dataset.is_multi_label:
        return False
    options = ["Label sets", "Labels"]
    return choose_way("Count", options, "per", default=options[0]) == "Labels"


def _draw_bars(scene: Scene) -> None:
    present = [part for part in PARTS if scene.sets[part].any()]
    with scene.controls:
        by_label = _per(scene.dataset)
        parts = st.pills(
            "Show",
            present,
            selection_mode="multi",
            default=present,
            format_func=TITLES.__getitem__,
            key="count_parts",
            persist_state="session",
        )
        order = st.selectbox("Order", ORDERS, key="count_order", persist_state="session", width=150)
        log = st.toggle("Logarithmic", key="count_log", persist_state="session", help="Bars then stand side by side.")
    parts = [part for part in present if part in parts]
    if not parts:
        st.caption("Choose what to show.")
        return
    counts = arranged(per_label(scene.sets) if by_label else scene.sets, parts, order)
    st.plotly_chart(
        bars(counts, parts, log=log, chosen=scene.filters.chosen(by_label)),
        key="bars",
        on_select=lambda: take(clicked(st.session_state["bars"]["selection"], by_label)),
        selection_mode="points",
        alt=f"Pictures of {scene.dataset.name} per {'label' if by_label else 'label set'}, by split and source",
    )
    st.caption(f"Click a bar to see its pictures. {WORTH[0].upper()}{WORTH[1:]}.")


def _draw_treemap(scene: Scene) -> None:
    st.plotly_chart(
        treemap(scene.sets),
        key="treemap",
        on_select=lambda: take(clicked(st.session_state["treemap"]["selection"], by_label=False)),
        selection_mode="points",
        alt=f"Photographs of {scene.dataset.name} per label, and per label set inside",
    )
    if scene.dataset.is_multi_label:
        st.caption("A photograph of two labels is in two boxes. Click a box to see its pictures.")


def _draw_table(scene: Scene) -> None:
    with scene.controls:
        by_label = _per(scene.dataset)
    counts = per_label(scene.sets) if by_label else scene.sets
    table = counts.assign(worth=effective_number(counts["total"]).round(1)).rename(index=words)
    st.dataframe(table, column_config={"worth": st.column_config.NumberColumn(help=WORTH)})


def _draw_together(scene: Scene) -> None:
    figure = charts.cooccurrence(cooccurrence(scene.dataset), dark=st.context.theme.type == "dark")
    st.plotly_chart(figure, key="together", alt="How often labels occur together")
    st.caption("Photographs of both labels; on the diagonal, all of a label.")


def _draw_sizes(scene: Scene) -> None:
    sizes = overview(scene.dataset).sizes
    total = len(scene.dataset.records)
    if sizes.kinds == 1:
        st.markdown(f"Every photograph is {sizes.largest[0]} × {sizes.largest[1]} px.")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        named = [f"{width} × {height}" for width, height, _ in sizes.common]
        counts = [count for _, _, count in sizes.common]
        st.dataframe(
            {"size (px)": named, "pictures": counts, "share": [count / total for count in counts]},
            column_config={"share": st.column_config.NumberColumn(format="percent")},
            hide_index=True,
        )
        st.caption(
            f"{sizes.kinds:,} different sizes; smallest {sizes.smallest[0]} × {sizes.smallest[1]}, "
            f"largest {sizes.largest[0]} × {sizes.largest[1]}."
        )
    right.plotly_chart(megapixels(sizes), key="megapixels", alt=f"Photographs of {scene.dataset.name} per megapixels")


VIEWS: dict[str, Callable[[Scene], None]] = {
    "Bars": _draw_bars,
    "Treemap": _draw_treemap,
    "Table": _draw_table,
    "Together": _draw_together,
    "Sizes": _draw_sizes,
}
