from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.checks import check
from leafcore.data.configs import ScarceConfig
from leafcore.data.derived import SplitResult
from leafcore.data.manifest import Card, Dataset, list_datasets, load, save, versions
from leafcore.data.scarce import scarce, thin
from leafcore.data.splits import assign_splits
from leafcore.errors import ConfigError, DatasetError
from leafcore.workspace import Workspace
from tests.data.test_resplit import table
from tests.data.test_splits import records_
from tests.watcher import Watcher

CARD = Card(root="/photos", source="/photos", format="folders", license="CC0", created=0.0)
COUNTS = {"healthy": 60, "rust": 40, "rust scab": 20}


@pytest.fixture
def leaves(workspace: Workspace) -> Dataset:
    """60 healthy, 40 rusty pictures, and 20 of both diseases; two to a leaf."""
    records = table(120)
    records["labels"] = [labels for labels, count in COUNTS.items() for _ in range(count)]
    records["sha256"] = records["image"]
    records["split"] = assign_splits(records, val=0.15, test=0.15, seed=0)
    return save(workspace, "leaves", records, CARD)


def make_scarce(workspace: Workspace, limit: int, **values: Any) -> SplitResult:
    config = ScarceConfig.build({"dataset": "leaves", "limit": limit, "name": "few", **values})
    return scarce(config, workspace, Watcher(workspace.root / "run"))


def counts(dataset: Dataset, split: Any = None) -> dict[str, int]:
    return {str(name): int(count) for name, count in dataset.select(split=split)["labels"].value_counts().items()}


def test_after_the_split_only_train_is_thinned(workspace: Workspace, leaves: Dataset) -> None:
    result = make_scarce(workspace, 20)
    few = load(workspace, "few")
    train = counts(leaves, "train")
    assert counts(few, "train") == {labels: min(20, count) for labels, count in train.items()}
    assert min(train.values()) < 20 < max(train.values()), "some are thinned, some are not"
    for split in ("val", "test"):
        kept, whole = (dataset.select(split=split)["image"].tolist() for dataset in (few, leaves))
        assert kept == whole
    assert result.dataset == few.ref and result.splits[few.ref]["test"] == len(leaves.select(split="test"))


def test_before_the_split_everything_is_thinned_and_split_again(workspace: Workspace, leaves: Dataset) -> None:
    make_scarce(workspace, 30, order="before-split", val=0.2, test=0.2)
    few = load(workspace, "few")
    assert counts(few) == {"healthy": 30, "rust": 30, "rust scab": 20}
    assert (few.records.groupby("group")["split"].nunique() == 1).all()
    assert abs(len(few.select(split="test")) - 16) <= 4 and abs(len(few.select(split="val")) - 16) <= 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"limit": 20, "order": "after-split", "seed": 0}),
        ({"order": "before-split"}, {"limit": 20, "order": "before-split", "seed": 0, "val": 0.15, "test": 0.15}),
    ],
)
def test_the_card_says_how_it_was_made(
    workspace: Workspace, leaves: Dataset, values: dict[str, Any], expected: dict[str, Any]
) -> None:
    make_scarce(workspace, 20, **values)
    few = load(workspace, "few")
    assert few.card.settings == {"from": leaves.ref, **expected} and few.card.parent == ""
    assert (few.card.root, few.card.license) == (leaves.card.root, leaves.card.license)
    assert load(workspace, "leaves").version == leaves.version


def test_the_seed_draws_the_pictures(workspace: Workspace, leaves: Dataset) -> None:
    one, again, other = (make_scarce(workspace, 20, seed=seed).dataset for seed in (0, 0, 1))
    assert one == again != other


def test_a_smaller_limit_keeps_some_of_the_same_pictures(workspace: Workspace, leaves: Dataset) -> None:
    twenty, ten = (set(load(workspace, make_scarce(workspace, limit).dataset).records["image"]) for limit in (20, 10))
    assert ten < twenty


def test_only_the_named_label_sets_are_thinned(workspace: Workspace, leaves: Dataset) -> None:
    make_scarce(workspace, 10, labels="rust,scab+rust")
    few = load(workspace, "few")
    assert counts(few, "train") == counts(leaves, "train") | {"rust": 10, "rust scab": 10}
    assert few.card.settings["labels"] == "rust, rust scab"
    with pytest.raises(DatasetError, match=r"label: got 'mildew', expected one of the label sets of leaves"):
        check(workspace, ScarceConfig.build({"dataset": "leaves", "labels": "mildew", "name": "few"}))


@given(records_, st.integers(1, 20), st.integers(0, 99), st.sampled_from(["after-split", "before-split"]))
def test_each_label_set_keeps_as_many_as_it_may(records: Any, limit: int, seed: int, order: str) -> None:
    records = records.assign(split=assign_splits(records, val=0.15, test=0.15, seed=0))
    config = ScarceConfig.build({"dataset": "x", "name": "few", "limit": limit, "seed": seed, "order": order})
    kept = thin(Dataset("x", "0" * 12, records, CARD), config)
    before, after = (part if order == "before-split" else part[part["split"] == "train"] for part in (records, kept))
    assert after["labels"].value_counts().to_dict() == before["labels"].value_counts().clip(upper=limit).to_dict()
    assert (kept.groupby("group")["split"].nunique() == 1).all()


def test_a_name_that_another_dataset_has_is_refused(workspace: Workspace, leaves: Dataset) -> None:
    save(workspace, "taken", leaves.records, CARD)
    for name in ("taken", "leaves"):
        with pytest.raises(DatasetError, match=f"there is already a dataset '{name}', not made from leaves"):
            make_scarce(workspace, 20, name=name)
    with pytest.raises(ConfigError, match="expected 1 to 80 letters"):
        make_scarce(workspace, 20, name="../few")
    with pytest.raises(ConfigError, match="limit: got 0"):
        make_scarce(workspace, 0)
    assert list_datasets(workspace) == ["leaves", "taken"]


def test_a_thinned_dataset_may_be_made_again(workspace: Workspace, leaves: Dataset) -> None:
    make_scarce(workspace, 20)
    make_scarce(workspace, 10)
    assert len(versions(workspace, "few")) == 2
