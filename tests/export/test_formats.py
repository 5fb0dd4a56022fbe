"""Each format is read back by its own library."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from leafcore.data.formats import read
from leafcore.errors import DatasetError
from leafcore.export.configs import ExportConfig
from leafcore.export.export import export
from leafcore.export.formats import FORMATS, run_lengths
from leafcore.export.material import gather
from tests.export.conftest import SIZE_PX, decoded, leaf_mask, translated, write_set
from tests.watcher import Watcher


@pytest.fixture
def unpack(shelves, tmp_path):
    """Return a function that exports a set and unpacks it."""

    def unpacked(made, layout, content="synthetic"):
        folder = tmp_path / "unpacked"
        with zipfile.ZipFile(shelves.export(tmp_path, made, format=layout, content=content).zip) as archive:
            archive.extractall(folder)
        return folder

    return unpacked


def test_torchvision_reads_an_imagefolder(unpack):
    from torchvision.datasets import ImageFolder

    found = ImageFolder(unpack("chain", "imagefolder", "merged") / "train")
    counts = {name: found.targets.count(number) for name, number in found.class_to_idx.items()}
    assert counts == {"healthy": 2, "rust": 2, "rust+scab": 1}
    assert np.asarray(found[2][0]).shape == (SIZE_PX, SIZE_PX, 3)


def test_pictures_without_labels_have_a_folder_of_their_own(unpack):
    assert [path.name for path in (unpack("noise", "imagefolder") / "train").iterdir()] == ["unlabelled"]


def test_a_label_that_no_folder_can_be_called_is_refused(shelves):
    item = gather(shelves.config("taught"), shelves.workspace).items[0]
    item.row["labels"] = "rust/scab"
    with pytest.raises(DatasetError, match="'rust/scab' cannot be the name of a folder; choose csv, coco or hf"):
        FORMATS["imagefolder"].place(item)


def test_pandas_reads_the_table_of_a_csv_and_it_merges_with_the_competitions_own(unpack):
    folder = unpack("chain", "csv", "merged")
    table = pd.read_csv(folder / "train.csv")
    assert list(table.columns) == ["image", "labels"]
    assert table["labels"].value_counts().to_dict() == {"rust": 2, "healthy": 2, "rust scab": 1}
    assert all((folder / "train_images" / name).is_file() for name in table["image"])
    theirs = pd.DataFrame({"image": ["800113bb65efe69e.jpg"], "labels": ["healthy"]})
    assert pd.concat([theirs, table])["image"].is_unique


@pytest.mark.parametrize("layout", ["csv", "imagefolder"])
def test_our_own_import_reads_it_with_its_labels(unpack, layout):
    folder = unpack("taught", layout)
    listing = read(folder / "train" if layout == "imagefolder" else folder)
    assert [entry.labels for entry in listing.entries] == ["scab", "scab"]


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # its own
def test_pycocotools_reads_coco_with_the_leaf_of_each_source(unpack, shelves, capsys):
    from pycocotools.coco import COCO

    folder = unpack("chain", "coco", "merged")
    coco = COCO(folder / "annotations.json")
    assert sorted(category["name"] for category in coco.cats.values()) == ["healthy", "rust", "scab"]
    images = sorted(coco.imgs.values(), key=lambda image: image["id"])
    assert [image["synthetic"] for image in images] == [True, True, False, False, False]
    for image in images:
        assert decoded(folder / image["file_name"]).shape == (image["height"], image["width"], 3)
    labels = [[one["category_id"] for one in coco.imgToAnns[image["id"]]] for image in images]
    assert [len(one) for one in labels] == [1, 1, 2, 1, 1]
    first, second, real = (coco.imgToAnns[number][0] for number in (1, 2, 3))
    assert np.array_equal(coco.annToMask(real).astype(bool), leaf_mask(48, 40))
    left, top, width, height = map(int, real["bbox"])
    assert real["area"] == width * height == leaf_mask(48, 40).sum()
    assert leaf_mask(48, 40)[top : top + height, left : left + width].all()
    assert 0.15 < coco.annToMask(first).mean() < 0.25 and first["area"] == coco.annToMask(first).sum()
    assert coco.annToMask(second).sum() == 0 == second["area"]  # its source has no mask
    assert second["bbox"] == [0, 0, SIZE_PX, SIZE_PX]
    capsys.readouterr()  # pycocotools talks


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 31)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_run_lengths_are_those_of_pycocotools(shape, share):
    from pycocotools import mask as reference

    mask = np.random.default_rng(3).random(shape) < share
    rle = reference.frPyObjects({"size": list(shape), "counts": run_lengths(mask)}, *shape)
    assert rle == reference.encode(np.asfortranarray(mask.astype(np.uint8)))


@pytest.mark.parametrize(("made", "labels"), [("chain", ["rust"]), ("noise", []), ("stranger", ["rust", "scab"])])
def test_datasets_reads_hugging_faces_own(unpack, monkeypatch, tmp_path, made, labels):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    found = load_dataset("imagefolder", data_dir=str(unpack(made, "hf")), cache_dir=str(tmp_path / "cache"))
    assert list(found) == ["train"]
    assert len(found["train"]) == {"chain": 2, "noise": 3, "stranger": 1}[made]
    row = found["train"][0]
    assert (row["labels"], row["label"], row["synthetic"]) == (labels, " ".join(labels), True)
    assert row["image"].size == (SIZE_PX, SIZE_PX)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # its own
def test_a_translation_that_needed_no_mask_has_its_sources_leaf_all_the_same(own_shelf, tmp_path, capsys):
    from pycocotools.coco import COCO

    rows = [translated(own_shelf.dataset, image) for image in ("healthy/a.png", "healthy/b.png")]
    run = write_set(own_shelf.workspace, "synthesize", rows)
    made = export(ExportConfig(run=run.id, format="coco"), own_shelf.workspace, Watcher(tmp_path / "run"))
    with zipfile.ZipFile(made.zip) as archive:
        archive.extractall(tmp_path)
    coco = COCO(tmp_path / "annotations.json")
    first, second = coco.anns.values()
    assert 0.15 < coco.annToMask(first).mean() < 0.25 and coco.annToMask(second).sum() == 0
    assert "1 of 2 pictures, each its source's; the 1 without one" in (tmp_path / "DATA_CARD.md").read_text()
    capsys.readouterr()  # pycocotools talks
