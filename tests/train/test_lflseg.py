import numpy as np
import pytest
import torch
from torch import nn

from leafcore.errors import CheckpointError
from leafcore.train.configs import LFLSegConfig
from leafcore.train.lflseg import GRID, LFLSeg
from leafcore.train.lflseg_data import LFLSegPictures

SIZE, LOADED = 64, 72  # px of the crops, px of the decoded pictures


def checkered(count, start):
    """Return pictures whose nine cells each have a grey of their own: (count, 72, 72, 3) uint8."""
    greys = start + np.arange(count * GRID**2).reshape(count, GRID, GRID)
    return np.repeat(greys.repeat(24, 1).repeat(24, 2)[..., None], 3, axis=3).astype(np.uint8)


def plain(count, grey):
    return np.full((count, LOADED, LOADED, 3), grey, np.uint8)


def make(batch_size=9, leaves=4, **values):
    pictures = LFLSegPictures(
        train_leaf=checkered(leaves, 10),
        val_leaf=values.pop("val_leaf", checkered(3, 100)),
        train_nonleaf=plain(5, 200),
        val_nonleaf=plain(2, 250),
        seen={},
    )
    fixed = {"dataset": "d", "backbone": "test_resnet", "pretrained": False, "size_px": SIZE, "epochs": 5}
    config = LFLSegConfig(**fixed | {"batch_size": batch_size} | values)
    return LFLSeg(config, pictures, torch.device("cpu"))


def grey_of(images):
    """Return the pixels of (N, 3, S, S) in [-1, 1] as grey levels."""
    return ((images[:, 0] + 1) * 127.5).round().int()


@pytest.mark.parametrize(("batch_size", "each"), [(3, 1), (4, 1), (9, 3), (32, 10)])
def test_a_batch_holds_a_third_of_each_class(batch_size, each):
    images, classes = make(batch_size).next_batch()
    assert images.shape == (3 * each, 3, SIZE, SIZE) and images.dtype == torch.float32
    assert classes.tolist() == [0] * each + [1] * each + [2] * each
    assert images.min() >= -1 and images.max() <= 1


def test_whole_leaves_are_whole_parts_are_ninths_and_others_are_others():
    images, _ = make(9).next_batch()
    greys = grey_of(images)
    for whole in greys[:3]:
        assert len(whole.unique()) == 9
    for part in greys[3:6]:
        assert len(part.unique()) == 1, "one cell, enlarged"
        assert 10 <= part[0, 0] < 10 + 4 * 9
    assert greys[6:].unique().tolist() == [200]


def test_every_ninth_of_every_leaf_is_a_part_once_a_pass():
    recipe = make(9, leaves=4)
    parts = torch.cat([grey_of(recipe.next_batch()[0])[3:6, 0, 0] for _ in range(12)])
    assert sorted(parts.tolist()) == list(range(10, 46))


def test_the_step_descends_the_cross_entropy():
    torch.manual_seed(0)
    recipe = make(9)
    images, classes = recipe.next_batch()
    recipe.net.train()
    with torch.no_grad():
        probabilities = recipe.net(images).softmax(1)
    wanted = -probabilities[torch.arange(9), classes].log().mean()
    losses = [recipe.step((images, classes))["cross_entropy"].item() for _ in range(6)]
    assert losses[0] == pytest.approx(wanted.item(), rel=1e-5) and losses[-1] < 0.8 * losses[0]


class ByBrightness(nn.Module):
    """Says non-leaf from grey 240 on, partial leaf for one grey, else full leaf."""

    def forward(self, images):
        flat = images.amax((1, 2, 3)) - images.amin((1, 2, 3)) < 0.01
        bright = images.mean((1, 2, 3)) > 240 / 127.5 - 1
        return nn.functional.one_hot(torch.where(bright, 2, flat.long()), 3).float()


@pytest.mark.parametrize(("answer", "scores"), [(0, (3 / 8, 1, 0, 0)), (1, (3 / 8, 0, 1, 0)), (2, (2 / 8, 0, 0, 1))])
def test_validation_counts_each_class(answer, scores):
    recipe = make()

    class Always(nn.Module):
        def forward(self, images):
            return nn.functional.one_hot(torch.full((len(images),), answer), 3)

    recipe.net = Always()
    got = recipe.end_epoch()
    names = ("val_accuracy", "val_accuracy_full", "val_accuracy_partial", "val_accuracy_nonleaf")
    assert [got[name] for name in names] == pytest.approx(scores), "three leaves, a part of each, two other things"


def test_validation_shows_whole_leaves_single_cells_and_other_things():
    recipe = make()
    recipe.net = ByBrightness()
    assert recipe.end_epoch()["val_accuracy"] == 1


def test_a_dataset_without_validation_leaves_is_scored_on_other_things_alone():
    recipe = make(val_leaf=checkered(0, 0))
    assert set(recipe.end_epoch()) == {"val_accuracy", "val_accuracy_nonleaf"}


def test_the_rate_ends_where_one_cycle_ends():
    recipe = make(max_steps_per_epoch=2)
    rates = []
    for _ in range(10):
        rates.append(recipe.optimizer.param_groups[0]["lr"])
        recipe.step(recipe.next_batch())
    assert max(rates) == rates[2] == pytest.approx(recipe.config.learning_rate), "after three tenths"
    assert rates[2:] == sorted(rates[2:], reverse=True) and rates[-1] < 1e-8


def test_a_backbone_that_no_heat_map_comes_of_is_refused_before_training():
    with pytest.raises(CheckpointError, match="MobileNetV3 does not end in global average pooling"):
        make(backbone="mobilenetv3_small_050")
