import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data import nonleaf
from leafcore.data.configs import ImportConfig, RenderConfig
from leafcore.data.datasets import import_dataset, render_dataset
from leafcore.data.layouts import flat_names
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import MaskCard, mask_path, save_card
from leafcore.data.writing import WriteConfig, WriteResult, write_dataset
from leafcore.errors import ConfigError, DatasetError, DiskFull, InputError, Stopped
from leafcore.images import encode_png, load_mask, open_rgb
from leafcore.jobs import build_config, submit
from leafcore.progress import Progress
from leafcore.runs import create_run
from leafcore.workspace import Workspace
from tests.conftest import draw_leaf
from tests.watcher import Watcher

SINGLE = {"healthy": 9, "rust": 7, "scab": 5}
MULTI = {**SINGLE, "rust scab": 6}
TABLES = ("plant-pathology-2021", "plant-pathology-2020")


def make(workspace: Workspace, folder: Path, counts: dict[str, int], suffix: str = ".jpg") -> Dataset:
    """Import pictures of so many of each label set, of which two each are of one leaf."""
    rows = ["image,labels,group"]
    for kind, (labels, count) in enumerate(counts.items()):
        for index in range(count):
            name = f"{labels.replace(' ', '-')}-{index}{suffix}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_leaf(labels, seed=100 * kind + index)).save(folder / name)
            rows.append(f"{name},{labels},{kind}-{index // 2}")
    (folder / "train.csv").write_text("\n".join(rows))
    return bring_in(workspace, folder, "leaves")


def bring_in(workspace: Workspace, source: Path, name: str, **settings: Any) -> Dataset:
    config = ImportConfig.build({"source": source, "name": name, **settings})
    import_dataset(config, workspace, Watcher(workspace.root / "run"))
    return load(workspace, name)


def write(workspace: Workspace, to: Path, layout: str, watcher: Watcher | None = None, **settings: Any) -> WriteResult:
    config = WriteConfig.build({"dataset": "leaves", "layout": layout, "to": to, **settings})
    return write_dataset(config, workspace, watcher or Watcher(workspace.root / "run"))


def known(dataset: Dataset, *columns: str) -> dict[str, tuple[str, ...]]:
    """Return what is known of each picture, by its content."""
    rows = dataset.records.set_index("sha256")[list(columns)]
    return {str(sha256): tuple(row) for sha256, row in zip(rows.index, rows.to_numpy().tolist(), strict=True)}


def partners(dataset: Dataset) -> set[frozenset[str]]:
    """Return which pictures belong together, by their content."""
    return {frozenset(members["sha256"]) for _, members in dataset.records.groupby("group")}


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "counts"), [*((layout, MULTI) for layout in TABLES), ("cassava", SINGLE), ("folders", SINGLE)]
)
def test_what_is_written_is_imported_as_it_was(
    workspace: Workspace, tmp_path: Path, layout: str, counts: dict[str, int]
) -> None:
    before = make(workspace, tmp_path / "source", counts)
    result = write(workspace, tmp_path / "out", layout)
    after = bring_in(workspace, tmp_path / "out", "again")
    assert (result.images, result.folder) == (len(before.records), str(tmp_path / "out"))
    assert after.card.format == layout and after.card.skipped == ()
    assert known(after, "labels") == known(before, "labels") and len(after.records) == sum(counts.values())
    if layout != "folders":  # a table holds the groups and the splits as well
        assert known(after, "split") == known(before, "split") and partners(after) == partners(before)


def test_two_domains_keep_their_labels_splits_and_exact_masks(workspace: Workspace, tmp_path: Path) -> None:
    config = RenderConfig.build({"name": "leaves", "count": 40, "size_px": 32})
    render_dataset(config, workspace, Progress(tmp_path))
    before = load(workspace, "leaves")
    a, b = "healthy", next(labels for labels in before.label_sets if " " in labels)
    watcher = Watcher(tmp_path / "run")
    result = write(workspace, tmp_path / "out", "domains", watcher, a=a, b="+".join(reversed(b.split())))
    chosen = before.records[before.records["labels"].isin([a, b])]
    assert result.images == result.masks == len(chosen)
    assert watcher.warnings == [f"{len(before.records) - len(chosen)} pictures of other label sets are left out."]
    after = bring_in(workspace, tmp_path / "out", "again")
    assert after.card.format == "domains"
    files = {
        hashlib.sha256(path.read_bytes()).hexdigest(): row
        for path, row in zip(before.paths(chosen), before.rows(chosen), strict=True)
    }
    for row in after.rows():
        was = files.pop(row["sha256"])
        assert row["labels"] == was["labels"]
        assert row["split"] == was["split"] or "val" not in set(chosen["split"])
        assert np.array_equal(load_mask(after.root / row["mask"]), load_mask(before.root / was["mask"]))
    assert files == {}


def test_masks_of_a_run_are_written_under_their_pictures_names(workspace: Workspace, tmp_path: Path) -> None:
    dataset = make(workspace, tmp_path / "source", SINGLE)
    run = create_run(workspace, "masks", build_config("render", {}))
    skipped = str(dataset.select(labels="rust", split="train")["image"].iloc[0])
    for number, image in enumerate(set(dataset.records["image"]) - {skipped}):
        path = mask_path(run.folder, image)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.full((8, 8), number, np.uint8)))
    save_card(
        run.folder, MaskCard(dataset=dataset.ref, delta=0.35, model="m", model_sha256="0", skipped={skipped: "x"})
    )
    result = write(workspace, tmp_path / "out", "domains", a="healthy", b="rust", masks=run.id)
    assert (result.images, result.masks) == (16, 15)
    for row in dataset.rows(dataset.select(labels="healthy")):
        written = tmp_path / "out" / f"{row['split']}A_mask" / row["image"]
        assert written.read_bytes() == mask_path(run.folder, row["image"]).read_bytes()
    assert not (tmp_path / "out" / "trainB_mask" / skipped).exists()
    assert (
        len(open_rgb(tmp_path / "out" / "trainA_mask" / next((tmp_path / "out" / "trainA").iterdir()).name).size) == 2
    )


def test_lflsegs_classes_and_lists(workspace: Workspace, tmp_path: Path, nonleaf_folder: Path) -> None:
    dataset = make(workspace, tmp_path / "source", SINGLE)
    write(workspace, tmp_path / "out", "lflseg", nonleaf=str(nonleaf_folder))
    after = bring_in(workspace, tmp_path / "out", "again", near_duplicates=False)
    full, partial, other = (after.select(labels=name) for name in ("full_leaf", "partial_leaf", "non_leaf"))
    assert set(full["sha256"]) == set(dataset.records["sha256"])
    per_split = dataset.records["split"].value_counts()
    assert len(partial) == sum(9 * -(-count // 9) for count in per_split)
    assert {(row.width, row.height) for row in partial.itertuples()} == {(16, 16)}
    assert {path.read_bytes() for path in after.paths(other)} == {
        path.read_bytes() for path in nonleaf_folder.iterdir()
    }

    split_of = {
        path.name: split for path, split in zip(dataset.paths(dataset.records), dataset.records["split"], strict=True)
    }
    listed: Counter[str] = Counter()
    for split in ("train", "val", "test"):
        for line in (tmp_path / "out" / f"{split}.txt").read_text().splitlines():
            path, label = line.split(", ")
            folder = Path(path).parent.name
            assert Path(path).is_file() and ("full_leaf", "partial_leaf", "non_leaf").index(folder) == int(label)
            listed[folder] += 1
            if folder == "full_leaf":
                assert split_of[Path(path).name] == split
            if folder == "partial_leaf":
                leaf = Path(path).stem.rsplit("-", 2)[0]
                assert split_of[f"{leaf}.jpg"] == split, "a part is listed where its leaf is"
    assert listed == {"full_leaf": len(full), "partial_leaf": len(partial), "non_leaf": len(other)}


def test_lflseg_may_learn_from_drawn_scenes_without_a_leaf(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonleaf, "SCENES", 3)
    make(workspace, tmp_path / "source", SINGLE)
    write(workspace, tmp_path / "out", "lflseg", nonleaf="rendered")
    scenes = sorted((tmp_path / "out" / "non_leaf").iterdir())
    assert len(scenes) == 3 and open_rgb(scenes[0]).size == (256, 256)


def test_nine_parts_are_the_whole_leaf(workspace: Workspace, tmp_path: Path, nonleaf_folder: Path) -> None:
    make(workspace, tmp_path / "source", {"rust": 1}, suffix=".png")
    write(workspace, tmp_path / "out", "lflseg", nonleaf=str(nonleaf_folder))
    parts = [np.asarray(open_rgb(path)) for path in sorted((tmp_path / "out" / "partial_leaf").iterdir())]
    rows = [np.concatenate(parts[start : start + 3], axis=1) for start in (0, 3, 6)]
    assert np.array_equal(np.concatenate(rows), draw_leaf("rust", seed=0))


@pytest.mark.samples
@pytest.mark.parametrize("layout", TABLES)
def test_the_orchard_photographs_come_back_as_they_were(
    workspace: Workspace, samples: Path, tmp_path: Path, layout: str
) -> None:
    before = bring_in(workspace, samples / "field", "leaves", near_duplicates=False)
    write(workspace, tmp_path / "out", layout)
    after = bring_in(workspace, tmp_path / "out", "again", near_duplicates=False)
    assert after.label_sets == before.label_sets
    columns = ["sha256", "labels", "split"]
    rows = [dataset.records[columns].sort_values(columns, ignore_index=True) for dataset in (before, after)]
    pd.testing.assert_frame_equal(*rows)


# --- what a layout cannot hold ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["folders", "cassava"])
def test_several_labels_are_refused_where_there_is_room_for_one(
    workspace: Workspace, tmp_path: Path, layout: str
) -> None:
    make(workspace, tmp_path / "source", MULTI)
    with pytest.raises(
        DatasetError, match="holds one label per picture, but 6 pictures of leaves@.* such as 'rust scab'"
    ):
        write(workspace, tmp_path / "out", layout)
    assert not (tmp_path / "out").exists()


def test_pictures_that_are_no_jpegs_are_refused_where_the_ending_is_left_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    make(workspace, tmp_path / "source", {"rust": 3}, suffix=".png")
    with pytest.raises(DatasetError, match="plant-pathology-2020 holds .jpeg, .jpg files, but 3 pictures"):
        write(workspace, tmp_path / "out", "plant-pathology-2020")


def test_a_label_that_cannot_be_a_folder_or_a_column_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(2):
        Image.fromarray(draw_leaf("rust", number)).save(source / f"{number}.jpg")
    (source / "train.csv").write_text("image,labels\n0.jpg,rust/black\n1.jpg,split\n")
    bring_in(workspace, source, "leaves")
    with pytest.raises(DatasetError, match="'rust/black' cannot be the name of a folder"):
        write(workspace, tmp_path / "out", "folders")
    with pytest.raises(DatasetError, match="the label 'split' is a column of plant-pathology-2020"):
        write(workspace, tmp_path / "out", "plant-pathology-2020")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layout": "domains"}, "layout domains needs both"),
        ({"layout": "domains", "a": "rust"}, "layout domains needs both"),
        ({"layout": "folders", "a": "rust", "b": "scab"}, "go with no other layout"),
        ({"layout": "folders", "masks": "run"}, "go with no other layout"),
        ({"layout": "domains", "a": "rust", "b": "rust"}, "expected two label sets"),
        ({"layout": "lflseg"}, "layout lflseg needs it"),
        ({"layout": "folders", "nonleaf": "x"}, "goes with no other layout"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        WriteConfig.build({"dataset": "leaves", "to": "out", **settings})


def test_what_is_named_is_looked_up_before_a_run_is_made(workspace: Workspace, tmp_path: Path) -> None:
    make(workspace, tmp_path / "source", SINGLE)
    values = {"dataset": "leaves", "to": tmp_path / "out"}
    for settings, message in (
        ({"layout": "domains", "a": "healthy", "b": "blight"}, "expected one of the label sets of leaves@"),
        ({"layout": "lflseg", "nonleaf": "/nowhere"}, "there is no such folder"),
        ({"layout": "domains", "a": "healthy", "b": "rust", "masks": "nowhere"}, "there is no run 'nowhere'"),
        ({"layout": "folders", "to": tmp_path / "source" / "out"}, "lies among the pictures"),
        ({"layout": "folders", "to": tmp_path}, "is there and not empty"),
    ):
        with pytest.raises(InputError, match=message):
            submit(workspace, "write", build_config("write", {**values, **settings}))
    assert not workspace.runs.exists()


# --- files ------------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten_and_an_empty_folder_is_taken(workspace: Workspace, tmp_path: Path) -> None:
    make(workspace, tmp_path / "source", SINGLE)
    (tmp_path / "out").mkdir()
    write(workspace, tmp_path / "out", "folders")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    with pytest.raises(ConfigError, match="is there and not empty; choose a new folder"):
        write(workspace, tmp_path / "out", "folders")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
    (tmp_path / "source.txt").touch()
    with pytest.raises(ConfigError, match="is there and not empty"):
        write(workspace, tmp_path / "source.txt", "folders")


def test_a_stop_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    make(workspace, tmp_path / "source", SINGLE)
    with pytest.raises(Stopped):
        write(workspace, tmp_path / "new" / "out", "folders", Watcher(tmp_path / "run", stop_after=4))
    assert list((tmp_path / "new").iterdir()) == []


def test_a_picture_that_changed_or_went_is_named_and_nothing_is_left(workspace: Workspace, tmp_path: Path) -> None:
    make(workspace, tmp_path / "source", SINGLE)
    victim = tmp_path / "source" / "rust-3.jpg"
    content = victim.read_bytes()
    victim.write_bytes(content + b"x")
    with pytest.raises(DatasetError, match=r"rust-3.jpg: has changed since the import"):
        write(workspace, tmp_path / "new" / "out", "folders")
    victim.unlink()
    with pytest.raises(DatasetError, match=r"rust-3.jpg: there is no such file any more"):
        write(workspace, tmp_path / "new" / "out", "folders")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_at_once(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make(workspace, tmp_path / "source", SINGLE)

    def full(folder: Path, needed: int) -> None:
        raise DiskFull(f"{needed} bytes needed")

    monkeypatch.setattr("leafcore.data.writing.require_space", full)
    with pytest.raises(DiskFull, match=f"{dataset.records['bytes'].sum()} bytes needed"):
        write(workspace, tmp_path / "new" / "out", "folders")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["a/1.jpg", "b/2.jpg"], ["1.jpg", "2.jpg"]),
        (["a/1.jpg", "b/1.JPG"], ["a--1.jpg", "b--1.JPG"]),
        (["a/1.jpg", "b/1.jpg", "a--1.jpg"], ["a--1.jpg", "b--1.jpg", "a--1-2.jpg"]),
    ],
)
def test_names_without_folders_stay_distinct(images: list[str], names: list[str]) -> None:
    assert flat_names(images) == names


def test_pictures_of_one_name_in_two_domains_keep_their_masks_apart(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "healthy2rust"
    for domain in ("trainA", "trainB"):
        for folder in (domain, f"{domain}_mask"):
            (source / folder).mkdir(parents=True)
        for number, ending in enumerate((".jpg", ".png")):
            seed = 10 * len(domain) * number + ord(domain[-1])
            Image.fromarray(draw_leaf("rust", seed)).save(source / domain / f"leaf{number}{ending}")
            Image.fromarray(np.full((8, 8), 255 * number, np.uint8)).save(
                source / f"{domain}_mask" / f"leaf{number}.png"
            )
    before = bring_in(workspace, source, "leaves", val=0, test=0)
    write(workspace, tmp_path / "out", "domains", a="healthy", b="rust")
    after = bring_in(workspace, tmp_path / "out", "again", val=0, test=0)

    def masks(dataset: Dataset) -> dict[str, bytes]:
        return {row["sha256"]: (dataset.root / row["mask"]).read_bytes() for row in dataset.rows()}

    assert masks(after) == masks(before) and len(masks(after)) == 4
    assert json.loads((tmp_path / "out" / "domains.json").read_text()) == {"A": "healthy", "B": "rust"}
