import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from leafcore.data import manifest
from leafcore.data.manifest import COLUMNS, Card, Dataset, domain, list_datasets, load, pin, save, version_of, versions
from leafcore.errors import ConfigError, DatasetError, NotFoundError
from leafcore.workspace import Workspace


def table(*rows: tuple[str, str, str], **changes: object) -> pd.DataFrame:
    """Return records of (image, labels, split)."""
    records = pd.DataFrame(rows, columns=["image", "labels", "split"])
    records["group"] = records["image"]
    records["sha256"] = [f"{index:064d}" for index in range(len(records))]
    records["width"], records["height"], records["bytes"], records["mask"] = 8, 6, 100, ""
    return records.assign(**changes)


LEAVES = table(
    ("rust/b ä.jpg", "rust", "train"),
    ("healthy/a.jpg", "healthy", "train"),
    ("healthy/c.jpg", "healthy", "val"),
    ("both/d.jpg", "rust scab", "test"),
)


def card(root: str = "/photos") -> Card:
    return Card(root=root, source="photos", format="folders", license="CC0-1.0", created=1.0)


def test_a_dataset_comes_back_as_it_was_saved(workspace: Workspace) -> None:
    saved = save(workspace, "leaves", LEAVES, card())
    loaded = load(workspace, "leaves")
    assert loaded.ref == saved.ref == f"leaves@{saved.version}"
    assert re.fullmatch(r"[0-9a-f]{12}", saved.version)
    assert loaded.card == card()
    pd.testing.assert_frame_equal(loaded.records, saved.records)
    assert dict(loaded.records.dtypes.astype(str)) == COLUMNS
    assert loaded.records["image"].tolist() == sorted(LEAVES["image"])


def test_the_version_is_the_same_whatever_the_order_the_place_and_further_columns(tmp_path: Path) -> None:
    one = save(Workspace(tmp_path / "one"), "leaves", LEAVES, card("/photos"))
    shuffled = LEAVES.iloc[[2, 0, 3, 1]].assign(lens="50 mm")
    other = save(Workspace(tmp_path / "other"), "photos", shuffled, card("/elsewhere"))
    assert one.version == other.version


SAID_BY_FILES = {"taken": "2021-05-31", "camera": "Canon EOS 5D"}


def test_when_and_by_which_camera_a_picture_was_taken_is_no_part_of_the_version() -> None:
    assert version_of(LEAVES.assign(**SAID_BY_FILES)) == version_of(LEAVES)


@pytest.mark.parametrize("column", SAID_BY_FILES)
def test_a_table_without_a_later_column_gets_it_when_the_same_content_is_saved_again(
    workspace: Workspace, column: str
) -> None:
    old = save(workspace, "leaves", LEAVES, card())
    path = workspace.dataset("leaves") / f"{old.version}.parquet"
    pd.read_parquet(path).drop(columns=column).to_parquet(path, index=False)
    assert set(load(workspace, "leaves").records[column]) == {""}
    again = save(workspace, "leaves", LEAVES.assign(**SAID_BY_FILES), card())
    assert again.version == old.version
    assert set(load(workspace, "leaves").records[column]) == {SAID_BY_FILES[column]}


@pytest.mark.parametrize("column", ["image", "labels", "group", "split", "sha256"])
def test_the_version_changes_with_what_a_picture_is_and_where_it_belongs(column: str) -> None:
    changed = LEAVES.copy()
    changed.loc[0, column] = "train2" if column == "split" else "other"
    assert version_of(changed) != version_of(LEAVES)


def test_a_second_version_becomes_current_and_the_first_still_loads(workspace: Workspace) -> None:
    first = save(workspace, "leaves", LEAVES, card())
    second = save(workspace, "leaves", LEAVES.head(3), card())
    assert load(workspace, "leaves").ref == second.ref
    assert len(load(workspace, first.ref).records) == 4
    assert set(versions(workspace, "leaves")) == {first.version, second.version}


def test_versions_are_listed_oldest_first(workspace: Workspace) -> None:
    saved = [save(workspace, "leaves", LEAVES.head(n), card()).version for n in (4, 3, 2)]
    for age, version in enumerate(saved):
        os.utime(workspace.dataset("leaves") / f"{version}.parquet", (age, age))
    assert versions(workspace, "leaves") == saved


def test_a_dataset_whose_folder_was_moved_is_mended_by_importing_it_again(workspace: Workspace) -> None:
    before = save(workspace, "leaves", LEAVES, card("/old/place"))
    after = save(workspace, "leaves", LEAVES, card("/new/place"))
    assert after.version == before.version
    assert load(workspace, "leaves").root == Path("/new/place")


def test_a_crash_before_the_version_is_current_changes_nothing_and_the_next_save_mends_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError("full")

    first = save(workspace, "leaves", LEAVES.head(3), card())
    for writer in ("write_json", "write_atomic", "write_bytes"):
        with monkeypatch.context() as broken, pytest.raises(OSError, match="full"):
            broken.setattr(manifest, writer, full)
            save(workspace, "leaves", LEAVES, card())
        assert load(workspace, "leaves").ref == first.ref
    second = save(workspace, "leaves", LEAVES, card())
    assert load(workspace, "leaves").ref == second.ref != first.ref


def test_a_dataset_that_is_not_there_is_answered_with_those_that_are(workspace: Workspace) -> None:
    with pytest.raises(
        NotFoundError, match="^dataset: got 'leaves', known in .*: none yet. `python -m leafcore import"
    ):
        load(workspace, "leaves")
    save(workspace, "apple", LEAVES, card())
    save(workspace, "field", LEAVES, card())
    with pytest.raises(NotFoundError, match="known in .*: apple, field"):
        load(workspace, "leaves")
    assert list_datasets(workspace) == ["apple", "field"]


def test_a_version_that_is_not_there_is_answered_with_those_that_are(workspace: Workspace) -> None:
    known = save(workspace, "leaves", LEAVES, card()).version
    with pytest.raises(NotFoundError, match=f"^dataset: 'leaves' has no version '0123456789ab'; known: {known}.$"):
        load(workspace, "leaves@0123456789ab")
    with pytest.raises(NotFoundError, match="known: none"):
        load(workspace, "other@0123456789ab")


@pytest.mark.parametrize("ref", ["../leaves", "", "leaves@../../x", "/etc"])
def test_a_reference_never_leads_out_of_the_workspace(workspace: Workspace, ref: str) -> None:
    with pytest.raises(ConfigError):
        load(workspace, ref)


def test_a_name_is_pinned_to_what_it_means_now(workspace: Workspace) -> None:
    first = save(workspace, "leaves", LEAVES, card())
    assert pin(workspace, "leaves") == pin(workspace, "leaves@") == pin(workspace, first.ref) == first.ref
    save(workspace, "leaves", LEAVES.head(2), card())
    assert pin(workspace, first.ref) == first.ref != pin(workspace, "leaves")
    with pytest.raises(NotFoundError):
        pin(workspace, "leaves@0123456789ab")


@pytest.fixture
def leaves(workspace: Workspace) -> Dataset:
    return save(workspace, "leaves", LEAVES, card())


def test_label_sets_and_labels_are_counted(leaves: Dataset) -> None:
    assert leaves.label_sets == {"healthy": 2, "rust": 1, "rust scab": 1}
    assert next(iter(leaves.label_sets)) == "healthy"
    assert leaves.labels == ("healthy", "rust", "scab")
    assert leaves.is_multi_label


def test_a_dataset_of_single_labels_is_no_multi_label_one(workspace: Workspace) -> None:
    assert not save(workspace, "leaves", LEAVES.head(3), card()).is_multi_label


def test_records_are_selected_by_split_and_by_exactly_one_label_set(leaves: Dataset) -> None:
    assert leaves.select()["image"].tolist() == ["both/d.jpg", "healthy/a.jpg", "healthy/c.jpg", "rust/b ä.jpg"]
    assert leaves.select(split="train")["image"].tolist() == ["healthy/a.jpg", "rust/b ä.jpg"]
    assert leaves.select(labels="rust")["image"].tolist() == ["rust/b ä.jpg"]
    assert leaves.select(labels="scab+rust", split="test")["image"].tolist() == ["both/d.jpg"]
    assert leaves.select(labels="healthy", split="test").empty
    with pytest.raises(DatasetError, match="expected one of the label sets of leaves@"):
        leaves.select(labels="scab")


def test_a_domain_without_pictures_in_a_split_is_an_error(leaves: Dataset) -> None:
    assert len(domain(leaves, "healthy", "val")) == 1
    with pytest.raises(DatasetError, match="^label: 'rust' has no val image in leaves@"):
        domain(leaves, "rust", "val")


def test_paths_start_at_the_root(leaves: Dataset) -> None:
    assert leaves.paths(leaves.select(labels="rust")) == [Path("/photos/rust/b ä.jpg")]


def test_rows_are_plain_values(leaves: Dataset) -> None:
    rows = leaves.rows()
    assert len(rows) == 4 and list(rows[0]) == list(COLUMNS)
    assert json.loads(json.dumps(rows)) == rows
    assert leaves.rows(leaves.select(labels="rust"))[0]["image"] == "rust/b ä.jpg"
