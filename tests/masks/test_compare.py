import math

import numpy as np
import pytest

from leafcore.data.manifest import load
from leafcore.data.mask_sets import MaskCard, mask_path, open_mask_set, save_card
from leafcore.errors import ConfigError, NotFoundError
from leafcore.files import write_bytes
from leafcore.images import encode_png
from leafcore.masks.compare import compare_sets
from leafcore.masks.configs import MasksConfig
from leafcore.runs import create_run
from tests.conftest import carrier


@pytest.fixture
def dataset(own, journey):
    return load(own, journey.dataset)


def make_set(own, dataset, shares, skipped=()):
    """A mask set: of each picture, so much of its left side."""
    run = create_run(own, "masks", MasksConfig(dataset=dataset.ref, model="m"), title="", uses=())
    for record, share in zip(dataset.rows(), shares, strict=False):
        mask = np.zeros((64, 64), np.uint8)
        mask[:, : round(64 * share)] = 255
        write_bytes(mask_path(run.folder, record["image"]), encode_png(mask))
    missing = {image: "damaged" for image in skipped}
    save_card(run.folder, MaskCard(dataset=dataset.ref, delta=0.35, model="m", model_sha256="0", skipped=missing))
    return run.id


def test_the_most_different_masks_come_first(own, dataset):
    images = list(dataset.records["image"])
    first = make_set(own, dataset, [0.5] * len(images))
    second = make_set(own, dataset, [0.5, 0.25, 0.75] + [0.5] * (len(images) - 3))
    found = compare_sets(own, first, second)
    rows = found.pictures
    assert list(rows["image"][:2]) == [images[1], images[2]] and len(rows) == len(images)
    assert list(rows["iou"][:3]) == pytest.approx([1 / 2, 2 / 3, 1.0], abs=0.01)
    assert rows["second_area"][0] == pytest.approx(0.25) and rows["boundary_f"][0] < 1 == rows["boundary_f"][2]
    assert found.mean_iou == pytest.approx(rows["iou"].mean()) and not found.missing


def test_a_picture_without_a_mask_in_one_set_is_left_out_and_named(own, dataset):
    images = list(dataset.records["image"])
    first = make_set(own, dataset, [0.5] * len(images))
    second = make_set(own, dataset, [0.5] * len(images), skipped=[images[0]])
    found = compare_sets(own, first, second)
    assert found.missing == (images[0],) and images[0] not in set(found.pictures["image"])


def test_sets_without_a_picture_in_common_have_no_mean(own, dataset):
    images = list(dataset.records["image"])
    first, second = make_set(own, dataset, [], skipped=images), make_set(own, dataset, [0.5] * len(images))
    assert math.isnan(compare_sets(own, first, second).mean_iou)


def test_sets_of_different_datasets_are_not_compared(own, dataset, leaf_folders):
    other = load(own, carrier(own)("import", source=leaf_folders, name="other").result()["dataset"])
    sets = [make_set(own, one, [0.5] * len(one.records)) for one in (dataset, other)]
    with pytest.raises(ConfigError, match=r"holds masks of \S+, \S+ of other; expected two sets of the same dataset"):
        compare_sets(own, *sets)


def test_a_run_that_made_no_masks_is_named(own, dataset, journey):
    made = make_set(own, dataset, [0.5] * len(dataset.records))
    assert open_mask_set(own, made).id == made
    with pytest.raises(NotFoundError, match="holds no complete mask set"):
        compare_sets(own, made, journey.runs["lflseg"].id)
