"""The map of a dataset: pictures that are alike lie beside each other; what is chosen on it can be acted upon."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from leafcore.data.edits import lineage
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset, Decision
from leafcore.data.synthetic_sets import MAKERS
from leafcore.embedding import KIND, REAL, as_of
from leafcore.errors import LeafError
from leafcore.runs import Run
from ui import cached, embedded, forms, live, show
from ui.choose import choose_way
from ui.copying import copy_as
from ui.decisions import carry_out
from ui.map_chart import MOST_POINTS, embedding_map, selected_rows
from ui.service import workspace

STRIP = 24  # thumbnails of what is chosen
COLOR_BY = ("Labels", "Split", "Source", "Run")


def map_box(dataset: Dataset) -> None:
    """Draw the newest map of a version or of what it was edited from, and the way to the next."""
    versions = lineage(workspace(), dataset)
    working, newest = embedded.working(dataset), embedded.newest(dataset)
    made = [run for run in cached.runs_of(*MAKERS) if run.record.settings["dataset"] in versions]
    _ask(dataset, made, has_map=newest is not None, is_working=bool(working))
    for run in working:
        live.progress_panel(run, key="embed")
    if newest is not None:
        st.fragment(_draw)(dataset.ref, newest.id)


def _ask(dataset: Dataset, made: Sequence[Run], *, has_map: bool, is_working: bool) -> None:
    """Draw the choice of synthetic sets, and the button that queues a run."""
    titles = cached.titles(made)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen: list[str] = []
        if titles:
            chosen = st.multiselect(
                "Synthetic sets on the map",
                list(titles),
                default=list(titles)[:1],
                format_func=lambda run_id: titles.get(run_id, run_id),
                key=f"map_synthetic_{dataset.name}",
                width=480,
            )
        count = len(dataset.records) + sum(int(run.result()["count"]) for run in made if run.id in chosen)
        settings = {"dataset": dataset.ref, "synthetic": chosen}
        pressed = st.button(
            "Draw again" if has_map else f"Draw the map ({embedded.time_of(count)})",
            type="secondary" if has_map else "primary",
            icon=":material/scatter_plot:",
            key="draw_map",
            disabled=is_working,
        )
        copy_as(KIND, settings, "map")
        if pressed and forms.queue(KIND, settings):
            st.rerun()
        if not has_map:
            st.caption("Pictures that are alike lie beside each other; outliers and wrong labels stand out.")


@st.cache_resource(max_entries=4, show_spinner=False)
def _table(run_id: str, dataset_ref: str) -> pd.DataFrame:
    """Return a run's map as of a version; neither changes, so it is made once."""
    return as_of(embedded.embedding(run_id), cached.dataset(dataset_ref))


def _draw(dataset_ref: str, run_id: str) -> None:
    """Draw the map, and what is chosen on it."""
    dataset = cached.dataset(dataset_ref)
    try:
        table = _table(run_id, dataset_ref)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    ways = COLOR_BY if (table["source"] != REAL).any() else COLOR_BY[:2]
    color_by = choose_way("Colour by", ways, "map_color", default=COLOR_BY[0])
    event = st.plotly_chart(
        embedding_map(table, kinds_of(table, color_by)),
        key=f"map-{run_id}",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
        alt=f"Map of {len(table)} pictures of {dataset.name}, coloured by {color_by.lower()}",
    )
    if len(table) > MOST_POINTS:
        st.caption(f"{MOST_POINTS:,} of {len(table):,} pictures are drawn.")
    rows = selected_rows(event)
    rows = rows[rows < len(table)]
    if len(rows):
        _chosen(dataset, table.iloc[rows])
    else:
        st.caption("Circle points with the lasso to see their pictures, and to tag, exclude or list them.")


def kinds_of(table: pd.DataFrame, color_by: str) -> pd.Series:
    """Return what each picture is coloured by, in words, on the table's index."""
    if color_by == "Split":
        return table["split"]
    is_real = table["source"] == REAL
    if color_by == "Source":
        return is_real.map({True: "photograph", False: "made"})
    if color_by == "Run":
        return table["source"].where(~is_real, "photograph")
    return table["labels"].map(words)


def _chosen(dataset: Dataset, chosen: pd.DataFrame) -> None:
    """Draw the chosen pictures, and what may be done with them."""
    photographs = chosen.loc[chosen["source"] == REAL, "image"].tolist()
    made = len(chosen) - len(photographs)
    first = chosen.head(STRIP)
    with st.container(horizontal=True, vertical_alignment="center"):
        more = f", the first {STRIP} below" if len(chosen) > STRIP else ""
        st.markdown(f"**{len(photographs)}** photographs{f' and **{made}** synthetic' if made else ''} chosen{more}")
        st.space("stretch")
        _actions(dataset, photographs)
        st.download_button(
            "Export list",
            chosen.to_csv(index=False),
            f"{dataset.name}-{dataset.version}-chosen.csv",
            icon=":material/download:",
            key="map_export",
            on_click="ignore",
        )
    show.thumbnails(
        [
            cached.thumbnail(_file(dataset, image, source), sha256)
            for image, source, sha256 in zip(first["image"], first["source"], first["sha256"], strict=True)
        ],
        alts=[
            f"{Path(image).name}: {words(labels)}, {split}"
            for image, labels, split in zip(first["image"], first["labels"], first["split"], strict=True)
        ],
        captions=[words(labels) for labels in first["labels"]],
    )


def _file(dataset: Dataset, image: str, source: str) -> Path:
    return dataset.root / image if source == REAL else workspace().run(source) / "images" / image


def _actions(dataset: Dataset, photographs: Sequence[str]) -> None:
    """Draw what may be done with chosen photographs; synthetic pictures are not in the dataset."""
    why = "chosen on the map"
    with st.popover("Tag…", icon=":material/label:", key="map_tag", disabled=not photographs):
        tag = st.text_input("Tag", key="map_tag_name", max_chars=40, placeholder="blurred")
        if st.button(f"Tag {len(photographs)}", key="map_tag_apply", type="primary", disabled=not tag.strip()):
            carry_out(dataset, [Decision(image=one, action="tag", tag=tag.strip(), why=why) for one in photographs])
    if st.button(
        f"Exclude {len(photographs)}",
        icon=":material/delete:",
        key="map_exclude",
        disabled=not photographs,
        help="Makes a version without them, which can be undone.",
    ):
        carry_out(dataset, [Decision(image=one, action="exclude", why=why) for one in photographs])
