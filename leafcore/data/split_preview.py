"""Looking at a split before it is written."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from leafcore.data.configs import ResplitConfig
from leafcore.data.manifest import SPLITS, Dataset
from leafcore.data.notices import without_test
from leafcore.data.resplit import divide
from leafcore.progress import Progress


@dataclass(frozen=True)
class Preview:
    """What a split would give.

    Attributes:
        table: Index: train, val and test, or "fold 1", ...; of a split its pictures, share, groups and label sets; of a
            fold its train, val and test pictures and the groups and label sets that it tests.
        untested: The label sets that no test split has a picture of.
        largest: The largest groups, first the largest; index: the group; columns: pictures, label_sets, split (of
            folds: in which one it is tested).
        warnings: What a person should know.
    """

    table: pd.DataFrame
    untested: tuple[str, ...]
    largest: pd.DataFrame
    warnings: tuple[str, ...]


def preview(dataset: Dataset, config: ResplitConfig, *, largest: int = 10) -> Preview:
    """Say what a split would give; nothing is written.

    Args:
        dataset: The version that would be split.
        config: How.
        largest: How many of the largest groups are listed.

    Raises:
        DatasetError: As `divide`.
    """
    division = divide(dataset, config, Progress(dataset.root))
    first = division.tables[0]
    if config.folds:
        table = pd.DataFrame(
            {f"fold {number}": _fold_row(records) for number, records in enumerate(division.tables, start=1)}
        ).T
        tested = np.column_stack([(records["split"] == "test").to_numpy() for records in division.tables])
        place = pd.Series([f"fold {fold + 1}" for fold in tested.argmax(1)], index=first.index)
    else:
        table = pd.DataFrame({name: _split_row(first, name) for name in SPLITS}).T
        place = first["split"].astype(object)
    tested_sets = [{str(labels) for labels, _ in without_test(records)} for records in division.tables]
    groups = first.assign(place=place).groupby("group")
    sizes = groups.size().sort_values(ascending=False, kind="stable").head(largest)
    listed = pd.DataFrame(
        {
            "pictures": sizes,
            "label_sets": groups["labels"].nunique()[sizes.index],
            "split": groups["place"].first()[sizes.index],
        }
    )
    return Preview(
        table=table,
        untested=tuple(sorted(set.intersection(*tested_sets))),
        largest=listed,
        warnings=tuple(dict.fromkeys(text for said in division.warnings for text in said)),
    )


def _split_row(records: pd.DataFrame, split: str) -> dict[str, float]:
    members = records[records["split"] == split]
    return {
        "pictures": len(members),
        "share": len(members) / len(records),
        "groups": members["group"].nunique(),
        "label_sets": members["labels"].nunique(),
    }


def _fold_row(records: pd.DataFrame) -> dict[str, int]:
    tested = records[records["split"] == "test"]
    counts = {str(name): int((records["split"] == name).sum()) for name in SPLITS}
    return {**counts, "test_groups": tested["group"].nunique(), "test_label_sets": tested["labels"].nunique()}
