import json

import pandas as pd
import pytest

from leafcore.data.balance import (
    arranged,
    cooccurrence,
    counts_by_label,
    counts_by_label_set,
    effective_number,
    imbalance_ratio,
    per_label,
    summary,
    with_synthetic,
)
from leafcore.data.manifest import Card, Dataset, Skipped
from leafcore.errors import ConfigError

# label set -> pictures in train, val, test
COUNTS = {"healthy": (6, 2, 2), "rust": (3, 1, 0), "rust scab": (1, 0, 0), "scab": (2, 1, 1)}


@pytest.fixture
def leaves() -> Dataset:
    rows = [
        (labels, split, f"leaf-{labels}-{split}-{index // 2}")  # two pictures a leaf
        for labels, counts in COUNTS.items()
        for split, count in zip(("train", "val", "test"), counts, strict=True)
        for index in range(count)
    ]
    card = Card(root="", source="", format="", license="", created=0, skipped=(Skipped(image="x", reason="y"),))
    return Dataset("leaves", "0" * 12, pd.DataFrame(rows, columns=["labels", "split", "group"], dtype="string"), card)


def test_each_label_set_is_counted_per_split_most_first(leaves: Dataset) -> None:
    table = counts_by_label_set(leaves)
    assert list(table.columns) == ["train", "val", "test", "total"]
    assert list(table.index) == ["healthy", "rust", "scab", "rust scab"]
    assert {name: tuple(row)[:3] for name, row in table.iterrows()} == COUNTS
    assert table["total"].tolist() == [10, 4, 4, 1]


def test_a_picture_of_two_labels_counts_for_both(leaves: Dataset) -> None:
    table = counts_by_label(leaves)
    assert table["total"].to_dict() == {"healthy": 10, "rust": 5, "scab": 5}
    assert table.loc["scab"].tolist() == [3, 1, 1, 5]


def test_a_split_without_pictures_counts_nothing(leaves: Dataset) -> None:
    records = leaves.records[leaves.records["split"] == "train"]
    table = counts_by_label_set(Dataset("leaves", "0" * 12, records, leaves.card))
    assert table["test"].tolist() == [0, 0, 0, 0] and table["total"].sum() == 12


def test_the_imbalance_is_the_largest_over_the_smallest(leaves: Dataset) -> None:
    assert imbalance_ratio(leaves) == 10
    only = Dataset("one", "0" * 12, leaves.records[leaves.records["labels"] == "rust"], leaves.card)
    assert imbalance_ratio(only) == 1


def test_the_summary_is_plain_values(leaves: Dataset) -> None:
    told = summary(leaves)
    assert json.loads(json.dumps(told)) == told
    assert told["dataset"] == "leaves@000000000000"
    assert (told["images"], told["skipped"], told["imbalance_ratio"]) == (19, 1, 10.0)
    assert told["groups"] == sum(-(-count // 2) for counts in COUNTS.values() for count in counts)
    assert told["label_sets"]["rust"] == {"train": 3, "val": 1, "test": 0, "total": 4}
    assert told["labels"] == {"healthy": 10, "rust": 5, "scab": 5}


def test_the_effective_number_grows_ever_more_slowly() -> None:
    worth = effective_number(pd.Series([1, 2, 100, 10**6]), beta=0.99)
    assert worth.tolist() == pytest.approx([1.0, 1.99, 63.4, 100.0], abs=0.05)


def test_labels_that_occur_together_are_counted_both_ways(leaves: Dataset) -> None:
    table = cooccurrence(leaves)
    assert table.loc["rust", "rust"] == 5 and table.loc["scab", "scab"] == 5
    assert table.loc["rust", "scab"] == table.loc["scab", "rust"] == 1
    assert table.loc["healthy"].to_dict() == {"healthy": 10, "rust": 0, "scab": 0}


def test_synthetic_pictures_stand_beside_the_real_ones(leaves: Dataset) -> None:
    sets = with_synthetic(counts_by_label_set(leaves), {"rust": 5, "healthy scab": 2})
    assert sets["synthetic"].to_dict() == {"healthy": 0, "rust": 5, "scab": 0, "rust scab": 0, "healthy scab": 2}
    assert sets.loc["rust", "total"] == 4, "real ones only"
    assert sets.loc["healthy scab", ["train", "total"]].tolist() == [0, 0]
    assert per_label(sets)["synthetic"].to_dict() == {"healthy": 2, "rust": 5, "scab": 2}


@pytest.mark.parametrize(
    ("order", "parts", "expected"),
    [
        ("most first", ["train"], ["healthy", "rust", "scab", "rust scab"]),
        ("rarest first", ["train"], ["rust scab", "scab", "rust", "healthy"]),
        ("most first", ["test"], ["healthy", "scab", "rust", "rust scab"]),
        ("by name", ["train"], ["healthy", "rust", "rust scab", "scab"]),
    ],
)
def test_counts_are_arranged_by_what_is_shown(
    leaves: Dataset, order: str, parts: list[str], expected: list[str]
) -> None:
    assert list(arranged(counts_by_label_set(leaves), parts, order).index) == expected


def test_an_unknown_arrangement_is_refused(leaves: Dataset) -> None:
    with pytest.raises(ConfigError, match="order: got 'colour', expected one of most first"):
        arranged(counts_by_label_set(leaves), ["train"], "colour")
