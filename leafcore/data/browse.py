"""Finding pictures in a table of records: by split, labels and file name, in an order; and how large they are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from leafcore.data.labels import split_labels
from leafcore.errors import ConfigError

ORDERS: Mapping[str, tuple[str, bool]] = {  # name for people: what is compared, and whether it rises
    "name": ("image", True),
    "most pixels": ("pixels", False),
    "fewest pixels": ("pixels", True),
    "largest file": ("bytes", False),
    "smallest file": ("bytes", True),
}


@dataclass(frozen=True)
class Query:
    """Which pictures to show; what is empty does not matter.

    Attributes:
        split: Of this split.
        labels: With exactly this label set.
        label: With this label, alone or among others.
        text: With this in their file's path, in upper or lower case.
        order: A key of `ORDERS`.
    """

    split: str = ""
    labels: str = ""
    label: str = ""
    text: str = ""
    order: str = "name"


def find(records: pd.DataFrame, query: Query) -> np.ndarray:
    """Return which records a query means.

    Args:
        records: Columns image, labels, split, width, height and bytes at least.
        query: What is looked for.

    Returns:
        (N,) int64 row numbers, in the query's order; equal ones stay in the table's order.

    Raises:
        ConfigError: There is no such order.
    """
    if query.order not in ORDERS:
        raise ConfigError(f"order: got {query.order!r}, expected one of {', '.join(ORDERS)}.")
    found = np.ones(len(records), dtype=bool)
    if query.split:
        found &= (records["split"] == query.split).to_numpy(dtype=bool)
    if query.labels:
        found &= (records["labels"] == query.labels).to_numpy(dtype=bool)
    if query.label:
        holding = [labels for labels in records["labels"].unique() if query.label in split_labels(str(labels))]
        found &= records["labels"].isin(holding).to_numpy(dtype=bool)
    if query.text:
        found &= records["image"].str.contains(query.text, case=False, regex=False).to_numpy(dtype=bool)
    rows = np.flatnonzero(found)
    column, rises = ORDERS[query.order]
    if column == "image":
        return rows if records["image"].is_monotonic_increasing else rows[_order(records["image"].iloc[rows])]
    value = records["width"].astype("int64") * records["height"] if column == "pixels" else records["bytes"]
    chosen = value.to_numpy(dtype=np.int64)[rows]
    return rows[np.argsort(chosen if rises else -chosen, kind="stable")]


def _order(texts: pd.Series) -> np.ndarray:
    return np.argsort(texts.to_numpy(dtype=str), kind="stable")


@dataclass(frozen=True)
class Sizes:
    """How large the pictures of a dataset are.

    Attributes:
        common: The most common (width, height) in px with how many pictures have it, most first.
        kinds: How many different sizes there are.
        smallest: (width, height) of the one with the fewest pixels.
        largest: The same with the most.
        megapixels: How many pictures are in each bin.
        edges: Ends of the bins in megapixels, one more than there are bins.
    """

    common: tuple[tuple[int, int, int], ...]
    kinds: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    megapixels: tuple[int, ...]
    edges: tuple[float, ...]


def image_sizes(records: pd.DataFrame, common: int = 8, bins: int = 24) -> Sizes:
    """Return how large pictures are.

    Args:
        records: At least one; columns width and height in px.
        common: How many of the most common sizes to name.
        bins: How many bins the distribution of megapixels has.
    """
    counts = records.groupby(["width", "height"]).size().sort_values(ascending=False, kind="stable")
    sizes = [(int(width), int(height)) for width, height in counts.index]
    pixels = np.array([width * height for width, height in sizes])
    megapixels = pixels / 1e6
    histogram, edges = np.histogram(megapixels, bins, range=(0, megapixels.max()), weights=counts.to_numpy())
    return Sizes(
        common=tuple((*size, int(count)) for size, count in zip(sizes[:common], counts, strict=False)),
        kinds=len(sizes),
        smallest=sizes[int(pixels.argmin())],
        largest=sizes[int(pixels.argmax())],
        megapixels=tuple(int(count) for count in histogram),
        edges=tuple(float(edge) for edge in edges),
    )
