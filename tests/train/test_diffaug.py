import pytest
import torch

from leafcore.train import diffaug
from leafcore.train.diffaug import diff_augment


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gradients_reach_the_pictures():
    pictures = torch.rand(3, 3, 64, 64, requires_grad=True)
    diff_augment(pictures, drawn()).sum().backward()
    assert all(picture.any() for picture in pictures.grad)


def test_the_same_draws_do_the_same_and_others_do_not():
    pictures = torch.rand(3, 3, 64, 64)
    assert torch.equal(diff_augment(pictures, drawn()), diff_augment(pictures, drawn()))
    assert not torch.equal(diff_augment(pictures, drawn()), diff_augment(pictures, drawn(1)))


def test_half_the_side_is_cut_out_at_most():
    kept = diffaug._cut_out(torch.ones(200, 3, 64, 64), drawn())
    holes = (kept == 0).all(1).sum((1, 2))
    assert holes.max() == 32 * 32, "where the square lies inside"
    assert holes.min() >= 16 * 16, "a quarter of it where its center is in a corner"


def test_pictures_move_by_an_eighth_of_the_side_at_most_over_zeros():
    at = torch.zeros(300, 3, 64, 64)
    at[:, :, 32, 32] = 1
    places = diffaug._shift(at, drawn())[:, 0].nonzero()[:, 1:] - 32
    assert len(places) == 300 and places.min() == -8 and places.max() == 8
    moved = diffaug._shift(torch.ones(20, 3, 64, 64), drawn())
    assert set(moved.unique().tolist()) == {0.0, 1.0}


def test_colors_change_within_the_papers_ranges():
    grey = torch.full((500, 3, 8, 8), 0.25)
    shifted = diffaug._recolor(grey, drawn())[:, 0, 0, 0] - 0.25  # saturation and contrast leave plain grey alone
    assert -0.5 <= shifted.min() < -0.45 and 0.45 < shifted.max() <= 0.5
    halves = torch.ones(500, 3, 8, 8)
    halves[..., :4] = -1
    contrast = diffaug._recolor(halves, drawn()).amax((1, 2, 3)) - diffaug._recolor(halves, drawn()).amin((1, 2, 3))
    assert 1.0 <= contrast.min() < 1.1 and 2.9 < contrast.max() <= 3.0
    red = torch.zeros(500, 3, 1, 1)
    red[:, 0] = 0.3
    colored = diffaug._recolor(red, drawn())
    spread = (colored.amax(1) - colored.amin(1)).flatten()
    assert spread.min() < 0.02 and spread.max() == pytest.approx(0.3 * 2 * 1.5, abs=0.1)
