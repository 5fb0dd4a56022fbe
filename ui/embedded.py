"""What the newest `embed` run over a dataset found, for the boxes that build on it."""

import pandas as pd
import streamlit as st

from leafcore.data.edits import lineage
from leafcore.data.manifest import Dataset
from leafcore.embedding import KIND, newest_embedding, read_embedding, read_pairs
from leafcore.health import Twin
from leafcore.progress import duration
from leafcore.runs import Run, open_run
from ui import live, service

SECONDS_EACH = 0.03  # a picture through lite0 and onto the map, on two cores


def newest(dataset: Dataset) -> Run | None:
    """Return the newest finished run over a version or one that it was edited from; None if there is none."""
    return newest_embedding(service.workspace(), lineage(service.workspace(), dataset))


def time_of(pictures: int) -> str:
    """Return about how long a run over so many pictures takes, for people."""
    return f"about {duration(max(10.0, pictures * SECONDS_EACH))}"


def working(dataset: Dataset) -> list[Run]:
    """Return the runs over any version of a dataset that have not ended."""
    return [run for run in live.active_runs(KIND) if run.record.settings["dataset"].partition("@")[0] == dataset.name]


@st.cache_resource(max_entries=8, show_spinner=False)
def embedding(run_id: str) -> pd.DataFrame:
    """Return a run's map, read once; shared by all sessions, never to be changed.

    Raises:
        NotFoundError: It is gone.
    """
    return read_embedding(open_run(service.workspace(), run_id))


@st.cache_resource(max_entries=8, show_spinner=False)
def _pairs(run_id: str) -> pd.DataFrame:
    return read_pairs(open_run(service.workspace(), run_id))


def alike(dataset: Dataset) -> list[Twin]:
    """Return the pairs whose features are alike, the most alike first, as far as both pictures are still there."""
    run = newest(dataset)
    if run is None:
        return []
    records = dataset.records.set_index("image")
    pairs = _pairs(run.id)
    left = pairs[pairs["first"].isin(records.index) & pairs["second"].isin(records.index)]
    rows = left.itertuples(index=False)
    return [
        Twin(
            first=row.first,
            second=row.second,
            labels=(records.at[row.first, "labels"], records.at[row.second, "labels"]),
            splits=(records.at[row.first, "split"], records.at[row.second, "split"]),
            distance=row.distance,
            likeness=row.likeness,
            cosine=row.cosine,
        )
        for row in rows
    ]
