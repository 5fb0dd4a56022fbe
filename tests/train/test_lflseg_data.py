import numpy as np
import pytest
from PIL import Image

from leafcore.data.manifest import load
from leafcore.errors import DatasetError
from leafcore.images import load_square
from leafcore.train import lflseg_data
from leafcore.train.lflseg_data import lflseg_pictures
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
    with pytest.raises(DatasetError, match=f"nonleaf: {folder} holds {count} pictures, expected at least 2") as raised:
        lflseg_pictures(settings("lflseg", nonleaf=str(folder)), own, Watcher(tmp_path))
    assert "\n" not in str(raised.value)


def test_scenes_of_our_own_are_drawn_once(own, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(lflseg_data, "RENDERED_NONLEAF", 4)
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
