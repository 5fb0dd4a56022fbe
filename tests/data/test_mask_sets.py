import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data.manifest import Card, Dataset, load, save
from leafcore.data.mask_sets import MaskCard, MaskSet, mask_path, open_mask_set, save_card
from leafcore.errors import CheckpointError, ConfigError, NotFoundError
from leafcore.export.configs import ExportConfig
from leafcore.images import load_mask
from leafcore.runs import create_run
from leafcore.workspace import Workspace
from tests.conftest import Journey
from tests.data.test_resplit import table

CARD = MaskCard(dataset="leaves@1", delta=0.35, model="lflseg", model_sha256="ab", skipped={"rust/b.jpg": "damaged"})


@pytest.fixture
def leaves() -> Dataset:
    images = ["healthy/a.jpg", "rust/b.jpg", "rust/größer 1.png"]
    records = pd.DataFrame({"image": images, "sha256": ["aa", "bb", "cc"]}, dtype="string")
    return Dataset("leaves", "1", records, Card(root="/photos", source="", format="", license="", created=0))


def test_a_mask_set_comes_back_as_it_was_saved(workspace: Workspace) -> None:
    run = create_run(workspace, "masks", ExportConfig(run="any"))
    save_card(run.folder, CARD)
    assert open_mask_set(workspace, run.id) == MaskSet(run.id, run.folder, CARD, workspace)


def test_each_picture_has_its_own_mask_beside_no_other(workspace: Workspace, leaves: Dataset) -> None:
    masks = MaskSet("run", Path("/runs/run"), CARD, workspace)
    assert masks.paths(leaves.records) == [
        Path("/runs/run/masks/healthy/a.jpg.png"),
        Path("/runs/run/masks/rust/b.jpg.png"),
        Path("/runs/run/masks/rust/größer 1.png.png"),
    ]
    assert mask_path(Path("x"), "a.jpg") != mask_path(Path("x"), "a.png")


def test_pictures_without_a_mask_are_left_out(workspace: Workspace, leaves: Dataset) -> None:
    masks = MaskSet("run", Path("/runs/run"), CARD, workspace)
    assert masks.masked(leaves, leaves.records)["image"].tolist() == ["healthy/a.jpg", "rust/größer 1.png"]


@pytest.mark.parametrize("other", [{"version": "2"}, {"name": "apple"}])
def test_masks_of_a_dataset_that_is_gone_are_refused_elsewhere(
    workspace: Workspace, leaves: Dataset, other: dict[str, str]
) -> None:
    masks = MaskSet("20261121-masks", Path("/runs/run"), CARD, workspace)
    theirs = dataclasses.replace(leaves, **other)
    with pytest.raises(CheckpointError) as caught:
        masks.masked(theirs, theirs.records)
    text = str(caught.value)
    assert f"run 20261121-masks holds masks of leaves@1, expected masks of {theirs.ref}" in text
    assert f"python -m leafcore masks --dataset {theirs.name} --model lflseg" in text and "\n" not in text


def test_masks_go_with_their_pictures_into_other_versions(workspace: Workspace, leaves: Dataset) -> None:
    saved = table(len(leaves.records)).assign(image=leaves.records["image"], sha256=leaves.records["sha256"])
    made_for = save(workspace, "leaves", saved, leaves.card)
    masks = MaskSet("m", Path("/runs/run"), CARD.model_copy(update={"dataset": made_for.ref}), workspace)
    thinned = dataclasses.replace(leaves, name="few", records=leaves.records.iloc[[2, 0]])
    assert masks.masked(thinned, thinned.records)["image"].tolist() == ["rust/größer 1.png", "healthy/a.jpg"]
    for changes in ({"sha256": "painted over"}, {"image": "another.jpg"}):
        other = dataclasses.replace(thinned, records=thinned.records.assign(**changes))
        with pytest.raises(CheckpointError, match=f"holds masks of {made_for.ref}, expected masks of few@1"):
            masks.masked(other, other.records)


def test_a_run_that_has_not_made_all_its_masks_is_no_mask_set(workspace: Workspace) -> None:
    run = create_run(workspace, "masks", ExportConfig(run="any"))
    (run.folder / "masks").mkdir()
    with pytest.raises(NotFoundError, match=f"run {run.id} is a masks run in state queued and holds no complete mask"):
        open_mask_set(workspace, run.id)


def test_an_unknown_run_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="there is no run 'nothing'"):
        open_mask_set(workspace, "nothing")
    with pytest.raises(ConfigError):
        open_mask_set(workspace, "../leaves")


def test_a_finished_masks_run_has_a_mask_in_the_size_of_every_picture(journey: Journey) -> None:
    masks = open_mask_set(journey.workspace, journey.runs["masks"].id)
    dataset = load(journey.workspace, journey.dataset)
    records = masks.masked(dataset, dataset.records)
    assert masks.card.dataset == dataset.ref and masks.card.images == len(records) == len(dataset.records)
    areas = []
    for path in masks.paths(records):
        with Image.open(path) as image:
            assert image.format == "PNG" and image.mode == "L" and image.size == (48, 48)
            assert set(np.unique(np.asarray(image))) <= {0, 255}
        areas.append(load_mask(path).mean())
    assert masks.card.mean_area == pytest.approx(np.mean(areas))
