import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from leafcore.data.manifest import load
from leafcore.data.mask_sets import MaskCard, MaskSet, mask_path, open_mask_set
from leafcore.errors import CheckpointError, DatasetError
from leafcore.train.translation_data import Domain, unpaired_data
from tests.conftest import carrier
from tests.watcher import Watcher


@pytest.fixture
def dataset(journey):
    return load(journey.workspace, journey.dataset)


@pytest.fixture
def masks(own, journey):
    return open_mask_set(own, journey.runs["masks"].id)


def changed(masks, **card):
    """Return a mask set whose card says something else."""
    return dataclasses.replace(masks, card=masks.card.model_copy(update=card))


def test_a_mask_is_cropped_and_mirrored_with_its_picture(own, dataset, tmp_path):
    records = dataset.select(split="train").head(4)
    masks = MaskSet("m", tmp_path, MaskCard(dataset=dataset.ref, delta=0.35, model="m", model_sha256=""), own)
    for image, picture in zip(records["image"], dataset.paths(records), strict=True):
        green = np.asarray(Image.open(picture))[..., 1] > 100
        mask_path(tmp_path, image).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(green.astype(np.uint8) * 255).save(mask_path(tmp_path, image))
    domain = Domain(own, dataset, records, masks, 48, Watcher(tmp_path))
    pictures, leaf = domain.crops(torch.arange(4).repeat(8), 32, torch.Generator().manual_seed(0))
    assert pictures.shape == (32, 3, 32, 32) and leaf.shape == (32, 1, 32, 32)
    green = (pictures[:, 1:2] + 1) * 127.5 > 100.01
    assert torch.equal(green, leaf.bool()) and 0 < leaf.mean() < 1
    assert len({crop.numpy().tobytes() for crop in leaf[::4]}) > 4, "other crops each time"


def test_pictures_are_in_range_and_masks_are_one_without_a_mask_set(own, dataset, tmp_path):
    domain = Domain(own, dataset, dataset.select(split="val"), None, 32, Watcher(tmp_path))
    pictures, masks = domain.whole()
    assert pictures.shape == (len(domain), 3, 32, 32) and pictures.dtype == torch.float32
    assert -1 <= pictures.min() < -0.2 and 0.2 < pictures.max() <= 1
    assert masks.unique().tolist() == [1.0]


def test_train_pictures_train_and_validation_pictures_are_probes(journey, own, settings, dataset, tmp_path):
    data = unpaired_data(settings("cyclegan", probes=2), own, None, Watcher(tmp_path))
    trained, probed = set(data.seen), set(data.probed)
    train, val = (set(dataset.select(split=split)["sha256"]) for split in ("train", "val"))
    assert trained < train and probed <= val and len(data.probes_a) == len(data.probes_b) == 2
    assert len(data) == max(len(data.domain_a), len(data.domain_b)) < len(train)


def test_a_pass_takes_every_picture_of_both_domains(own, settings, tmp_path):
    data = unpaired_data(settings("cyclegan"), own, None, Watcher(tmp_path))
    taken = torch.cat([data.stream_a.take(3) for _ in range(5)])
    assert sorted(taken[: len(data.domain_a)].tolist()) == list(range(len(data.domain_a)))


def test_pictures_without_a_mask_are_left_out(own, settings, masks, tmp_path):
    whole = unpaired_data(settings("leafgan"), own, masks, Watcher(tmp_path))
    left_out = whole.domain_a.records["image"].iloc[0]
    fewer = unpaired_data(settings("leafgan"), own, changed(masks, skipped={left_out: "damaged"}), Watcher(tmp_path))
    assert len(fewer.domain_a) == len(whole.domain_a) - 1
    assert left_out not in set(fewer.domain_a.records["image"])


def test_a_domain_without_any_mask_is_refused(own, settings, dataset, masks, tmp_path):
    none = changed(masks, skipped=dict.fromkeys(dataset.select(split="train", labels="rust")["image"], "damaged"))
    with pytest.raises(DatasetError, match="no train picture of 'rust' could be read when the masks were made"):
        unpaired_data(settings("leafgan"), own, none, Watcher(tmp_path))


def test_without_a_validation_mask_the_probes_are_train_pictures(own, settings, dataset, masks, tmp_path):
    watcher = Watcher(tmp_path)
    none = changed(masks, skipped=dict.fromkeys(dataset.select(split="val", labels="rust")["image"], "damaged"))
    data = unpaired_data(settings("leafgan"), own, none, watcher)
    assert watcher.warnings == ["rust has no validation picture: its samples show train pictures."]
    assert set(data.probes_b.records["sha256"]) <= set(data.domain_b.records["sha256"])


def test_without_validation_pictures_the_probes_are_train_pictures(own, settings, leaf_folders, tmp_path):
    watcher = Watcher(tmp_path)
    other = carrier(own)("import", source=leaf_folders, name="untested", val=0.0).result()["dataset"]
    data = unpaired_data(settings("cyclegan", dataset=other), own, None, watcher)
    assert len(watcher.warnings) == 2
    assert set(data.probed) <= set(data.seen)


def test_masks_of_another_version_are_refused(own, settings, masks, tmp_path):
    other = changed(masks, dataset="leaves@000000000000")
    with pytest.raises(CheckpointError, match="holds masks of leaves@000000000000, expected masks of leaves@"):
        unpaired_data(settings("leafgan"), own, other, Watcher(tmp_path))


def test_an_unknown_label_is_refused_with_those_there_are(own, settings, tmp_path):
    with pytest.raises(DatasetError, match="label: got 'mildew', expected one of .*: healthy, rust, scab"):
        unpaired_data(settings("cyclegan", b="mildew"), own, None, Watcher(tmp_path))
