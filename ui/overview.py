"""What the explorer reads of a dataset, computed once per version: counts, sizes, what a query finds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from leafcore.data import browse
from leafcore.data.balance import counts_by_label_set, imbalance_ratio
from leafcore.data.manifest import Dataset
from leafcore.data.review import read_review
from leafcore.data.synthetic_sets import open_whole_set, synthetic_runs
from leafcore.runs import Run
from ui.service import workspace


@dataclass(frozen=True)
class Overview:
    """A dataset in numbers.

    Attributes:
        sets: As `counts_by_label_set` returns it.
        groups: How many groups there are.
        imbalance: The largest label set over the smallest.
        sizes: How large the pictures are.
    """

    sets: pd.DataFrame
    groups: int
    imbalance: float
    sizes: browse.Sizes


def overview(dataset: Dataset) -> Overview:
    """Return a dataset in numbers."""
    return _overview(dataset.ref, dataset)


@st.cache_resource(max_entries=16, show_spinner=False)
def _overview(ref: str, _dataset: Dataset) -> Overview:
    del ref
    return Overview(
        sets=counts_by_label_set(_dataset),
        groups=int(_dataset.records["group"].nunique()),
        imbalance=imbalance_ratio(_dataset),
        sizes=browse.image_sizes(_dataset.records),
    )


def find(dataset: Dataset, query: browse.Query) -> np.ndarray:
    """Return which records a query means; see `browse.find`."""
    return _find(dataset.ref, query, dataset)


@st.cache_resource(max_entries=32, show_spinner=False)
def _find(ref: str, query: browse.Query, _dataset: Dataset) -> np.ndarray:
    del ref
    return browse.find(_dataset.records, query)


def made_of(dataset: Dataset) -> list[Run]:
    """Return the runs that made synthetic pictures of a dataset, any version of it, newest first."""
    return synthetic_runs(workspace(), dataset.name)


def synthetic_records(runs: list[Run]) -> pd.DataFrame:
    """Return the synthetic pictures of some runs as records; their paths begin at the workspace's runs."""
    reviews = [read_review(run.folder).digest() for run in runs]
    return pd.concat(
        [_synthetic_records(run.id, said) for run, said in zip(runs, reviews, strict=True)], ignore_index=True
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _synthetic_records(run_id: str, review: str) -> pd.DataFrame:
    del review  # part of the key
    made = open_whole_set(workspace(), run_id).admitted()
    return pd.DataFrame(
        {
            "image": [f"{run_id}/images/{name}" for name in made.manifest["file"]],
            "labels": made.manifest["labels"],
            "split": made.manifest["split"],
            "sha256": made.manifest["sha256"],
            "width": made.manifest["size_px"],
            "height": made.manifest["size_px"],
            "bytes": [path.stat().st_size if path.exists() else 0 for path in made.paths()],
        }
    )
