import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from leafcore.data import nonleaf
from leafcore.data.layouts import GRID
from leafcore.data.manifest import load
from leafcore.errors import DatasetError
from leafcore.images import load_square
from leafcore.train import lflseg_data
from leafcore.train.lflseg_data import cut_parts, leaf_size, lflseg_pictures, part_detail
from tests.watcher import Watcher


def as_set(pictures):
    return {picture.tobytes() for picture in pictures}


def test_leaves_come_from_train_and_validation_only(own, settings, tmp_path):
    config = settings("lflseg")
    pictures = lflseg_pictures(config, own, Watcher(tmp_path))
    dataset = load(own, config.dataset)
    for split, found in (("train", pictures.train_leaf), ("val", pictures.val_leaf)):
        paths = dataset.paths(dataset.select(split=split))
        assert as_set(found) == as_set(load_square(path, 72) for path in paths)
    assert set(pictures.seen["lflseg"]) == set(dataset.select(split="train")["sha256"])
    assert set(pictures.seen["probe"]) == set(dataset.select(split="val")["sha256"])


def test_other_things_are_divided_and_none_is_on_both_sides(own, settings, nonleaf_folder, tmp_path):
    pictures = lflseg_pictures(settings("lflseg"), own, Watcher(tmp_path))
    train, val = as_set(pictures.train_nonleaf), as_set(pictures.val_nonleaf)
    assert (len(train), len(val)) == (7, 1) and not train & val
    again = lflseg_pictures(settings("lflseg"), own, Watcher(tmp_path))
    assert np.array_equal(again.val_nonleaf, pictures.val_nonleaf), "the same seed divides alike"


def test_folders_below_the_folder_count_and_other_files_do_not(own, settings, tmp_path):
    (tmp_path / "things" / "below").mkdir(parents=True)
    (tmp_path / "things" / "readme.txt").write_text("no picture")
    for index, name in enumerate(("a.png", "below/b.JPG", "below/c.webp")):
        Image.new("RGB", (40, 30), (80 * index, 0, 0)).save(tmp_path / "things" / name)
    config = settings("lflseg", nonleaf=str(tmp_path / "things"))
    pictures = lflseg_pictures(config, own, Watcher(tmp_path))
    assert len(pictures.train_nonleaf) + len(pictures.val_nonleaf) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_other_things_are_refused(own, settings, tmp_path, count):
    folder = tmp_path / "things"
    folder.mkdir()
    for index in range(count):
        Image.new("RGB", (8, 8)).save(folder / f"{index}.png")
    wanted = f"nonleaf: {folder} holds {count} pictures that can be read, expected at least 2"
    with pytest.raises(DatasetError, match=wanted) as raised:
        lflseg_pictures(settings("lflseg", nonleaf=str(folder)), own, Watcher(tmp_path))
    assert "\n" not in str(raised.value)


def test_scenes_of_our_own_are_drawn_once(own, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(nonleaf, "SCENES", 4)
    config = settings("lflseg", nonleaf="rendered")
    pictures = lflseg_pictures(config, own, Watcher(tmp_path))
    assert len(as_set([*pictures.train_nonleaf, *pictures.val_nonleaf])) == 4
    files = sorted((own.cache / "nonleaf").rglob("*.png"))
    written = [file.stat().st_mtime_ns for file in files]
    lflseg_pictures(config, own, Watcher(tmp_path))
    assert [file.stat().st_mtime_ns for file in files] == written and len(files) == 4


def test_a_dataset_without_train_pictures_is_refused(own, settings, tmp_path, monkeypatch):
    dataset = load(own, settings("lflseg").dataset)
    untrained = dataset.records[dataset.records["split"] != "train"]
    monkeypatch.setattr(lflseg_data, "load", lambda workspace, ref: type(dataset)("x", "y", untrained, dataset.card))
    with pytest.raises(DatasetError, match="x@y has no train picture to learn leaves from"):
        lflseg_pictures(settings("lflseg"), own, Watcher(tmp_path))


# --- bad files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Ten pictures without a leaf, and what a Mac and other programs leave beside them."""
    folder = tmp_path / "things"
    (folder / ".thumbnails").mkdir(parents=True)
    (folder / "sub.png").mkdir()
    for index in range(10):
        Image.new("RGB", (40, 30), (20 * index, 0, 0)).save(folder / f"{index}.png")
        (folder / f"._{index}.png").write_bytes(b"Mac OS X        resource fork")
    Image.new("RGB", (8, 8)).save(folder / ".thumbnails" / "small.png")
    return folder


def test_hidden_files_are_no_pictures(own, settings, folder, tmp_path):
    watcher = Watcher(tmp_path)
    pictures = lflseg_pictures(settings("lflseg", nonleaf=str(folder)), own, watcher)
    assert len(pictures.train_nonleaf) + len(pictures.val_nonleaf) == 10
    assert watcher.warnings == []


def test_a_hidden_folder_may_be_named(own, settings, folder, tmp_path):
    hidden = folder.rename(tmp_path / ".things")
    pictures = lflseg_pictures(settings("lflseg", nonleaf=str(hidden)), own, Watcher(tmp_path))
    assert len(pictures.train_nonleaf) + len(pictures.val_nonleaf) == 10


def test_pictures_that_cannot_be_read_are_counted_named_and_left_out(own, settings, folder, tmp_path):
    for index in (1, 4, 6, 8):
        whole = (folder / f"{index}.png").read_bytes()
        (folder / f"{index}.png").write_bytes(b"" if index == 4 else whole[: len(whole) // 2])
    config = settings("lflseg", nonleaf=str(folder))
    watcher = Watcher(tmp_path)
    pictures = lflseg_pictures(config, own, watcher)
    assert (len(pictures.train_nonleaf), len(pictures.val_nonleaf)) == (5, 1)
    (warning,) = watcher.warnings
    assert warning.startswith("nonleaf: 4 pictures left out, first: ") and "\n" not in warning
    assert [str(folder / f"{index}.png") in warning for index in (1, 4, 6, 8)] == [True, True, True, False]
    again = Watcher(tmp_path)
    assert np.array_equal(lflseg_pictures(config, own, again).val_nonleaf, pictures.val_nonleaf)
    assert again.warnings == [warning]


def test_one_picture_that_can_be_read_is_too_few(own, settings, folder, tmp_path):
    for index in range(1, 10):
        (folder / f"{index}.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=f"nonleaf: {folder} holds 1 pictures that can be read, ") as raised:
        lflseg_pictures(settings("lflseg", nonleaf=str(folder)), own, Watcher(tmp_path))
    assert "\n" not in str(raised.value)


# --- sizes and detail -------------------------------------------------------------------------------------------------


def records(*sides):
    return pd.DataFrame({"width": [side * 2 for side in sides], "height": sides})


@pytest.mark.parametrize(
    ("sides", "leaf_px", "detail"),
    [
        ([4000] * 3, 3 * 250, 1),  # no more than a part can show
        ([400] + [500] * 30, 500, 500 / 750),  # no more than there is; a few small ones do not count
        ([256] * 3 + [4000] * 7, 256, 256 / 750),  # but many do
        ([128] * 3, 250, 128 / 750),  # no less than the network's pictures need; enlarging adds no detail
    ],
)
def test_leaves_are_kept_as_large_as_parts_can_use(sides, leaf_px, detail):
    assert leaf_size(records(*sides), 224) == leaf_px
    assert part_detail(records(*sides), leaf_px, 224) == pytest.approx(detail)


def test_many_leaves_are_kept_smaller_so_that_they_fit():
    many = records(*[4000] * 13_000)
    side = leaf_size(many, 224)
    assert 250 < side < 750 and 0.98 * lflseg_data.LEAF_BYTES < 3 * 13_000 * side**2 <= lflseg_data.LEAF_BYTES
    assert part_detail(many, side, 224) == pytest.approx(side / 750)


def test_parts_are_cut_where_the_leaf_is_large(own, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(lflseg_data, "leaf_size", lambda records, size_px: 150)
    pictures = lflseg_pictures(settings("lflseg"), own, Watcher(tmp_path))
    assert pictures.train_leaf.shape[1:] == (150, 150, 3) and pictures.train_nonleaf.shape[1:] == (72, 72, 3)
    assert cut_parts(pictures.train_leaf, torch.arange(GRID**2)).shape == (9, 3, 50, 50)
    assert pictures.detail == pytest.approx(48 / 3 / 72), "of pictures of 48 px, shown at 72"


def test_the_nine_parts_of_a_picture_are_the_picture():
    leaves = np.arange(2 * 6 * 6 * 3, dtype=np.uint8).reshape(2, 6, 6, 3)
    parts = cut_parts(leaves, torch.arange(9, 18)).permute(0, 2, 3, 1).numpy()
    rows = [np.concatenate(list(parts[start : start + 3]), axis=1) for start in (0, 3, 6)]
    assert np.array_equal(np.concatenate(rows), leaves[1])
