from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from leafcore.data.configs import ResplitConfig
from leafcore.data.derived import SplitResult
from leafcore.data.edits import diff, lineage, undo
from leafcore.data.manifest import Card, Dataset, list_datasets, load, make_current, save, versions
from leafcore.data.resplit import resplit
from leafcore.data.split_preview import preview
from leafcore.errors import ConfigError, DatasetError, NotFoundError
from leafcore.workspace import Workspace
from tests.watcher import Watcher

LABELS = ("healthy", "rust", "rust scab")


def table(count: int = 120) -> pd.DataFrame:
    """Pictures of two a leaf, twelve a day, forty a camera, of three label sets in turn; two leaves are one file."""
    rows = [
        {
            "image": f"{number % 3}/IMG_{number:04d}.jpg",
            "labels": LABELS[number // 2 % 3],
            "group": f"leaf-{number // 2:03d}",
            "split": "train",
            "sha256": f"{max(number, 2):064x}",
            "taken": f"2021-05-{1 + number // 12:02d}",
            "camera": f"Canon EOS {1 + number // 40}D",
        }
        for number in range(count)
    ]
    columns = {"width": 8, "height": 8, "bytes": 1, "mask": "", "phash": "", "traits": ""}
    return pd.DataFrame(rows).assign(**columns)


@pytest.fixture
def leaves(workspace: Workspace) -> Dataset:
    card = Card(root="/photos", source="/photos", format="folders", license="CC0", created=0.0)
    return save(workspace, "leaves", table(), card)


def split(
    workspace: Workspace, watcher: Watcher | None = None, preset: str | None = None, **values: Any
) -> SplitResult:
    config = ResplitConfig.build({"dataset": "leaves", **values}, preset=preset)
    return resplit(config, workspace, watcher or Watcher(workspace.root / "run"))


def shares(result: SplitResult) -> tuple[int, ...]:
    (counts,) = result.splits.values()
    return tuple(counts.values())


def straddling(dataset: Dataset) -> int:
    return int((dataset.records.groupby("group")["split"].nunique() > 1).sum())


@pytest.mark.parametrize(("preset", "expected"), [("70-15-15", (84, 18, 18)), ("80-20", (96, 0, 24))])
def test_a_preset_gives_its_shares(
    workspace: Workspace, leaves: Dataset, preset: str, expected: tuple[int, ...]
) -> None:
    found = shares(split(workspace, preset=preset))
    assert all(abs(count - wanted) <= 6 for count, wanted in zip(found, expected, strict=True)), found
    assert sum(found) == 120 and (expected[1] > 0) == (found[1] > 0)


def test_a_split_is_a_new_version_that_knows_its_parent_and_its_settings(workspace: Workspace, leaves: Dataset) -> None:
    result = split(workspace, val=0.1, test=0.3, seed=7)
    after = load(workspace, "leaves")
    assert result.dataset == after.ref and result.datasets == (after.ref,)
    assert after.card.parent == leaves.version and after.card.root == "/photos"
    assert after.card.settings == {"val": 0.1, "seed": 7, "test": 0.3}
    assert lineage(workspace, after) == [after.ref, leaves.ref]
    changes = diff(leaves, after)
    assert changes.added == changes.removed == () and not changes.relabelled and changes.moved
    assert undo(workspace, after).version == leaves.version


def test_the_same_seed_gives_the_same_version_and_another_another(workspace: Workspace, leaves: Dataset) -> None:
    one = split(workspace, dataset=leaves.ref, seed=1).dataset
    assert split(workspace, dataset=leaves.ref, seed=1).dataset == one
    assert split(workspace, dataset=leaves.ref, seed=2).dataset != one


def test_a_version_that_is_there_already_keeps_its_card(workspace: Workspace, leaves: Dataset) -> None:
    first = split(workspace, seed=1)
    card = load(workspace, first.dataset).card
    make_current(workspace, "leaves", leaves.version)
    again = split(workspace, seed=1)
    assert again.dataset == first.dataset and len(versions(workspace, "leaves")) == 2
    assert load(workspace, "leaves").card == card


def test_groups_are_kept_and_rules_add_to_them(workspace: Workspace, leaves: Dataset) -> None:
    split(workspace)
    after = load(workspace, "leaves")
    assert after.records["group"].nunique() == 59 and straddling(after) == 0, "two leaves are one file"
    split(workspace, group_day=True)
    after = load(workspace, "leaves")
    assert after.records["group"].nunique() == 10 and straddling(after) == 0
    assert set(after.records["group"]) == set(after.records["taken"])
    assert after.card.settings["group_day"] is True


def test_without_keeping_groups_only_the_rules_join(workspace: Workspace, leaves: Dataset) -> None:
    split(workspace, keep_groups=False)
    assert load(workspace, "leaves").records["group"].nunique() == 118, "three pictures are one file"
    split(workspace, keep_groups=False, group_regex=r"(IMG_00)")
    after = load(workspace, "leaves")
    assert after.records["group"].nunique() == 21 and after.card.settings["keep_groups"] is False
    assert straddling(after) == 0


@pytest.mark.parametrize("group", ["2021-05-04", "leaf-020"])
def test_a_group_left_out_is_the_test_split(workspace: Workspace, leaves: Dataset, group: str) -> None:
    split(workspace, leave_out=group, group_day=True)
    after = load(workspace, "leaves")
    assert set(after.select(split="test")["taken"]) == {"2021-05-04"} and straddling(after) == 0
    assert len(after.select(split="test")) == 12 and not after.select(split="val").empty
    assert after.card.settings == {"val": 0.15, "seed": 0, "leave_out": group, "group_day": True}


def test_a_camera_left_out_is_the_test_split(workspace: Workspace, leaves: Dataset) -> None:
    split(workspace, leave_out="Canon EOS 2D", group_camera=True)
    after = load(workspace, "leaves")
    assert set(after.select(split="test")["camera"]) == {"Canon EOS 2D"} and straddling(after) == 0
    assert set(after.records["group"]) == set(after.records["camera"]) and len(after.select(split="test")) == 40
    assert after.card.settings == {"val": 0.15, "seed": 0, "leave_out": "Canon EOS 2D", "group_camera": True}


def test_folds_are_datasets_that_partition_the_whole(workspace: Workspace, leaves: Dataset) -> None:
    result = split(workspace, folds=5, val=0.2)
    names = [f"leaves-fold-{fold}-of-5" for fold in range(1, 6)]
    assert [ref.partition("@")[0] for ref in result.datasets] == names and result.dataset == result.datasets[0]
    assert list_datasets(workspace) == ["leaves", *names] and load(workspace, "leaves").version == leaves.version
    folds = [load(workspace, name) for name in names]
    tested = [image for fold in folds for image in fold.select(split="test")["image"]]
    assert sorted(tested) == sorted(leaves.records["image"])
    for number, fold in enumerate(folds, start=1):
        assert straddling(fold) == 0 and set(fold.records["split"]) == {"train", "val", "test"}
        assert fold.card.settings == {"from": leaves.ref, "val": 0.2, "seed": 0, "folds": 5, "fold": number}
        assert lineage(workspace, fold) == [fold.ref]


def test_folds_may_be_made_again_but_never_over_another_dataset(workspace: Workspace, leaves: Dataset) -> None:
    assert split(workspace, folds=3).datasets == split(workspace, folds=3).datasets
    save(workspace, "leaves-fold-2-of-2", leaves.records, leaves.card)
    with pytest.raises(DatasetError, match="there is already a dataset 'leaves-fold-2-of-2', not made from leaves"):
        split(workspace, folds=2)
    assert "leaves-fold-1-of-2" not in list_datasets(workspace)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (
            {"leave_out": "2021-05-04"},
            DatasetError,
            r"^leave_out: got '2021-05-04', expected a group of leaves; the lar",
        ),
        ({"folds": 20, "group_day": True}, DatasetError, "^folds: got 20, but there are only 10 groups"),
        ({"leaf_map": "/nowhere"}, DatasetError, "^leaf_map: /nowhere: there is no such file"),
        ({"dataset": "nowhere"}, NotFoundError, "got 'nowhere'"),
        ({"folds": 1}, ConfigError, "^folds: got 1, expected 0 for none, or 2 and more"),
        ({"folds": 2, "leave_out": "x"}, ConfigError, "^folds and leave_out: got 2 and 'x', expected one of the two"),
        ({"val": 0.5, "test": 0.5}, ConfigError, "expected less than 1 together"),
        ({"group_regex": "leaf"}, ConfigError, "^group_regex: got 'leaf', expected one bracket"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    workspace: Workspace, leaves: Dataset, values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        split(workspace, **values)
    assert list_datasets(workspace) == ["leaves"] and versions(workspace, "leaves") == [leaves.version]


def test_warnings_tell_what_cannot_be_tested(workspace: Workspace, leaves: Dataset) -> None:
    watcher = Watcher(workspace.root / "run")
    result = split(workspace, watcher, leave_out="leaf-010")
    assert set(load(workspace, "leaves").select(split="test")["labels"]) == {"rust"}
    untested = [text for text in result.warnings if "nothing can be claimed about it" in text]
    assert [text.partition(" has ")[0] for text in untested] == ["healthy", "rust scab"]
    assert tuple(watcher.warnings) == result.warnings == load(workspace, "leaves").card.warnings


# --- looking first --------------------------------------------------------------------------------------------------


def look(dataset: Dataset, **values: Any) -> Any:
    return preview(dataset, ResplitConfig.build({"dataset": dataset.ref, **values}))


@pytest.mark.parametrize("values", [{}, {"val": 0.0, "test": 0.2}, {"group_day": True, "leave_out": "2021-05-02"}])
def test_a_preview_shows_what_is_then_written(workspace: Workspace, leaves: Dataset, values: dict[str, Any]) -> None:
    shown = look(leaves, **values)
    assert versions(workspace, "leaves") == [leaves.version], "nothing is written"
    split(workspace, **values)
    records = load(workspace, "leaves").records
    for name, row in shown.table.iterrows():
        members = records[records["split"] == name]
        assert row["pictures"] == len(members) and row["share"] == pytest.approx(len(members) / 120)
        assert row["groups"] == members["group"].nunique() and row["label_sets"] == members["labels"].nunique()
    assert shown.warnings == load(workspace, "leaves").card.warnings


def test_a_preview_of_folds_has_a_row_for_each(workspace: Workspace, leaves: Dataset) -> None:
    shown = look(leaves, folds=4)
    result = split(workspace, folds=4)
    assert list(shown.table.index) == ["fold 1", "fold 2", "fold 3", "fold 4"]
    counts = [[int(row[name]) for name in ("train", "val", "test")] for _, row in shown.table.iterrows()]
    assert counts == [list(one.values()) for one in result.splits.values()]
    assert shown.table["test_groups"].sum() == 59 and set(shown.table["test_label_sets"]) == {3}
    for group, row in shown.largest.iterrows():
        fold = load(workspace, f"leaves-{row['split'].replace(' ', '-')}-of-4").records
        assert set(fold.loc[fold["group"] == group, "split"]) == {"test"}


def test_a_preview_names_label_sets_that_nothing_tests(leaves: Dataset) -> None:
    assert look(leaves).untested == () == look(leaves, folds=3).untested
    alone = leaves.select(labels="healthy")["group"].iloc[-1]
    assert look(leaves, leave_out=alone).untested == ("rust", "rust scab")


def test_a_preview_lists_the_largest_groups_first(leaves: Dataset) -> None:
    listed = look(leaves, group_regex=r"(IMG_000|IMG_010)").largest
    assert listed["pictures"].tolist()[:3] == [10, 10, 2] and len(listed) == 10
    assert listed.index[:2].tolist() == ["IMG_000", "IMG_010"] and listed["label_sets"].iloc[0] == 3


def test_photographs_that_were_saved_twice_stay_together(workspace: Workspace, samples: Path, carry: Any) -> None:
    carry("import", source=samples / "field", name="leaves", near_duplicates=False)
    split(workspace, keep_groups=False, test=0.3)
    records = load(workspace, "leaves").records.set_index("image")
    pairs = [
        ("83e3d2329933c5f2", "83e3d2369933c5d2"),
        ("a8e895e5aad453a5", "a8e895f5aa54d2a5"),
        ("82ba3e933947b097", "cdf892b5b4865859"),
    ]
    for pair in pairs:
        one, other = (records.loc[f"train_images/{name}.jpg"] for name in pair)
        assert one["group"] == other["group"] and one["split"] == other["split"]


def test_a_label_policy_is_chosen_with_the_split_and_kept_by_the_next(workspace: Workspace, leaves: Dataset) -> None:
    split(workspace, label_policy="combination")
    combined = load(workspace, "leaves")
    assert combined.card.label_policy == "combination" and combined.version != leaves.version
    split(workspace, seed=1)
    assert load(workspace, "leaves").card.label_policy == "combination"


def test_single_labels_only_leave_the_others_out_and_undo_brings_them_back(
    workspace: Workspace, leaves: Dataset
) -> None:
    split(workspace, label_policy="single-only")
    single = load(workspace, "leaves")
    assert set(single.label_sets) == {"healthy", "rust"} and single.classes().exclusive
    assert undo(workspace, single).version == leaves.version
