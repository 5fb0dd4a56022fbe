"""What the newest `embed` run over a dataset found, for the boxes that build on it."""

import pandas as pd
import streamlit as st

from leafcore.data.edits import lineage
from leafcore.data.manifest import Dataset
from leafcore.health import Twin
from leafcore.runs import Run
from ui import cached, service

EMBEDDING, PAIRS = "embedding.parquet", "pairs.parquet"


def newest(dataset: Dataset) -> Run | None:
    """Return the newest finished run over a version or one that it was edited from; None if there is none."""
    versions = lineage(service.workspace(), dataset)  # what was found before an edit still holds for what is left
    return next((run for run in cached.runs_of("embed") if run.record.settings["dataset"] in versions), None)


def table(run: Run, name: str) -> pd.DataFrame:
    """Return a table that a run made, read once; shared by all sessions, never to be changed."""
    return _table(str(run.folder / name))


@st.cache_resource(max_entries=8, show_spinner=False)
def _table(path: str) -> pd.DataFrame:
    return pd.read_parquet(path)


def alike(dataset: Dataset) -> list[Twin]:
    """Return the pairs whose features are alike, the most alike first, as far as both pictures are still there."""
    run = newest(dataset)
    if run is None:
        return []
    records = dataset.records.set_index("image")
    pairs = table(run, PAIRS)
    left = pairs[pairs["first"].isin(records.index) & pairs["second"].isin(records.index)]
    rows = left.sort_values("cosine", ascending=False).itertuples(index=False)
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
