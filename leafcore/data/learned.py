"""Which train pictures a model learns of that is told label sets; free of torch, so that it is refused when queued."""

from collections.abc import Sequence

import pandas as pd

from leafcore.data.manifest import Dataset, domain
from leafcore.errors import DatasetError

FEWEST = 2  # pictures, and classes, that something can be learned of


def learned_pictures(
    dataset: Dataset, labels: Sequence[str], *, as_classes: bool = False
) -> tuple[tuple[str, ...], pd.DataFrame]:
    """Return the label sets to learn, and their train pictures.

    Args:
        dataset: Where the pictures are.
        labels: The label sets that are asked for; empty: all that have a train picture.
        as_classes: Whether each is to be a class of its own.

    Returns:
        The label sets, sorted unless they were asked for, and the records of their train pictures.

    Raises:
        DatasetError: One does not occur or has no train picture; there is only one picture, or only one class.
    """
    chosen = tuple(labels) or tuple(sorted(dataset.select(split="train")["labels"].unique()))
    records = pd.concat([domain(dataset, one, "train") for one in chosen] or [dataset.records.head(0)])
    named = ", ".join(chosen) or "any label set"
    if len(records) < FEWEST:
        raise DatasetError(
            f"labels: {dataset.ref} has {len(records)} train pictures of {named}, expected at least {FEWEST}; import "
            "more, or choose more label sets."
        )
    if as_classes and len(chosen) < FEWEST:
        raise DatasetError(
            f"conditional: {dataset.ref} has train pictures of one label set, {named}; classes need at least "
            f"{FEWEST}, so choose none."
        )
    return chosen, records
