from dataclasses import replace

import pytest
import torch

from leafcore.data.mask_sets import open_mask_set
from leafcore.data.seen import load_seen
from leafcore.errors import CheckpointError, NotFoundError
from leafcore.train.leafgan import LeafGAN
from leafcore.train.loop import train
from tests.conftest import carrier, write_folders
from tests.watcher import Watcher


@pytest.fixture
def make(journey, settings, tmp_path):
    def build():
        torch.manual_seed(0)
        return LeafGAN.from_config(settings("leafgan"), journey.workspace, torch.device("cpu"), Watcher(tmp_path))

    return build


@pytest.fixture
def batch(make):
    """A batch whose masks cover the left half."""
    batch = make().next_batch()
    mask = torch.zeros_like(batch.mask_a)
    mask[..., :16] = 1
    return replace(batch, mask_a=mask, mask_b=mask.flip(0))


def repainted(pictures, mask):
    return torch.where(mask.bool(), pictures, torch.rand_like(pictures) * 2 - 1)


def test_discriminators_see_the_leaf_only(make, batch):
    fake_a, fake_b = (torch.rand_like(batch.real_a) * 2 - 1 for _ in range(2))
    losses = make()._step_discriminators(batch, fake_a, fake_b)
    other = replace(batch, real_a=repainted(batch.real_a, batch.mask_a), real_b=repainted(batch.real_b, batch.mask_b))
    again = make()._step_discriminators(other, repainted(fake_a, batch.mask_b), repainted(fake_b, batch.mask_a))
    assert {name: loss.item() for name, loss in losses.items()} == {name: loss.item() for name, loss in again.items()}
    leaf = replace(batch, real_a=-batch.real_a)
    assert make()._step_discriminators(leaf, fake_a, fake_b)["disc_a"] != losses["disc_a"]


def test_the_image_pool_remembers_leaves_only(make, batch):
    recipe = make()
    recipe._step_discriminators(batch, torch.rand_like(batch.real_a), torch.rand_like(batch.real_b))
    assert not recipe.pool_b.state_dict()["images"][..., 16:].any()


def test_background_loss_is_zero_when_nothing_changes_outside_the_mask(make, batch):
    recipe = make()
    leaf_only = torch.where(batch.mask_a.bool(), torch.rand_like(batch.real_a), batch.real_a)
    other_too = batch.real_b + 0.25
    losses = recipe.background_losses(batch, other_too, leaf_only)
    assert losses["background_a"] == 0
    assert losses["background_b"].item() == pytest.approx(0.25 / 2), "half of the picture is background"


def test_the_background_loss_has_a_weight_of_its_own(make):
    recipe = make()
    names = ("adversarial_ab", "cycle_a", "identity_b", "background_a", "background_b")
    assert [recipe.weight(name) for name in names] == [1, 10, 5, 5, 5]


def test_what_the_masks_model_has_seen_counts_as_seen(make, journey):
    recipe = make()
    masks = load_seen(open_mask_set(journey.workspace, journey.runs["masks"].id).folder)
    assert masks["lflseg"] and recipe.seen["lflseg"] == masks["lflseg"]
    assert recipe.seen["generator"] and recipe.seen["probe"]


def test_masks_of_other_pictures_are_refused(own, settings, tmp_path):
    folders = write_folders(tmp_path / "others", {"healthy": 40, "rust": 12})
    other = carrier(own)("import", source=folders, name="others").result()["dataset"]
    with pytest.raises(CheckpointError, match="holds masks of leaves@.*expected masks of others@") as raised:
        train(settings("leafgan", dataset=other), own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value)


def test_masks_of_a_run_that_made_none_are_refused(journey, settings, tmp_path):
    with pytest.raises(NotFoundError, match="holds no complete mask set"):
        train(settings("leafgan", masks=journey.runs["lflseg"].id), journey.workspace, Watcher(tmp_path / "run"))
