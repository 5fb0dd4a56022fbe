"""The gallery of a dataset: its pictures and what was made of them, filtered, sorted, 48 a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from leafcore.data.browse import ORDERS, Query, find
from leafcore.data.labels import words
from leafcore.data.manifest import SPLITS, Dataset
from leafcore.runs import Run
from ui import cached, overview, show
from ui.count_charts import Click
from ui.service import workspace

ALL, PHOTOGRAPHS, SYNTHETIC = "all", "photographs", "synthetic"
ANY = "any "  # before a label: alone or among others


def filters_of(click: Click) -> dict[str, str]:
    """Return what the gallery's filters become after a click, by their keys."""
    is_made = click.part == "synthetic"
    return {
        "cls": f"{ANY}{click.label}" if click.label else click.labels or ALL,
        "split": ALL if is_made else click.part or ALL,
        "src": SYNTHETIC if is_made else PHOTOGRAPHS,
    }


def take(click: Click | None) -> None:
    """Set the gallery's filters to what was clicked; the same click again takes them back. Only in a callback."""
    if click is None:
        return
    filters, everything = filters_of(click), filters_of(Click())
    if all(st.session_state.get(key, everything[key]) == value for key, value in filters.items()):
        filters = everything
    st.session_state.update(filters, page=1)


@dataclass(frozen=True)
class Filters:
    """What the gallery shows.

    Attributes:
        split: A split, or `ALL`.
        labels: A label set; a label with `ANY` before it; or `ALL`.
        source: `PHOTOGRAPHS`, `SYNTHETIC`, or the run that made the pictures.
        text: In the file's path; empty for any.
        order: A key of `ORDERS`.
    """

    split: str
    labels: str
    source: str
    text: str
    order: str

    @property
    def query(self) -> Query:
        """The same for `find`."""
        is_label, everything = self.labels.startswith(ANY), self.labels == ALL
        return Query(
            split="" if self.split == ALL else self.split,
            labels="" if is_label or everything else self.labels,
            label=self.labels.removeprefix(ANY) if is_label else "",
            text=self.text,
            order=self.order,
        )

    def chosen(self, by_label: bool) -> tuple[str, str]:
        """Return which bar and which part of it is shown; empty where all are."""
        query = self.query
        part = query.split if self.source == PHOTOGRAPHS else "synthetic"
        return (query.label if by_label else query.labels), part


def draw_filters(dataset: Dataset, runs: Sequence[Run]) -> Filters:
    """Draw the filters, all but the file name in the address, and return what they say.

    Args:
        dataset: Whose pictures.
        runs: Those that made synthetic pictures of it.
    """
    single = [f"{ANY}{label}" for label in dataset.labels] if dataset.is_multi_label else []
    sources = [PHOTOGRAPHS, SYNTHETIC, *(run.id for run in runs)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return Filters(
            split=_choice("Split", [ALL, *SPLITS], "split", 100),
            labels=_choice("Labels", [ALL, *dataset.label_sets, *single], "cls", 230),
            source=_choice("Source", sources, "src", 150) if runs else PHOTOGRAPHS,
            text=st.text_input(
                "File name", key="gallery_name", width=130, placeholder="any", on_change=_first_page
            ).strip(),
            order=_choice("Sort by", list(ORDERS), "sort", 140),
        )


def draw_pictures(dataset: Dataset, runs: Sequence[Run], filters: Filters) -> None:
    """Draw the pictures that pass the filters, 48 a page."""
    if filters.source == PHOTOGRAPHS:
        root, records, rows = dataset.root, dataset.records, overview.find(dataset, filters.query)
    else:
        root = workspace().runs
        records = overview.synthetic_records([run for run in runs if filters.source in (SYNTHETIC, run.id)])
        rows = find(records, filters.query)
    if not len(rows):
        st.caption("No picture is like that.")
        return
    pages = -(-len(rows) // show.PAGE)
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    shown = dataset.rows(records.iloc[rows[(page - 1) * show.PAGE : page * show.PAGE]])
    kind = "photograph" if filters.source == PHOTOGRAPHS else "synthetic"
    show.thumbnails(
        [cached.thumbnail(root / row["image"], row["sha256"]) for row in shown],
        alts=[f"{Path(row['image']).name}: {words(row['labels'])}, {row['split']}, {kind}" for row in shown],
        captions=[words(row["labels"]) for row in shown],
    )
    st.caption(f"{len(rows):,} pictures, page {page} of {pages}.")


def _choice(label: str, options: Sequence[str], key: str, width: int) -> str:
    return st.selectbox(
        label, options, format_func=_title, key=key, bind="query-params", width=width, on_change=_first_page
    )


def _title(choice: str) -> str:
    return f"{ANY}{words(choice.removeprefix(ANY))}" if choice.startswith(ANY) else choice.replace("_", " ")


def _first_page() -> None:
    st.session_state["page"] = 1
