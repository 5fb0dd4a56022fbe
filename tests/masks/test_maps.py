import numpy as np
import pytest
import torch
import torch.nn.functional as F

from leafcore.masks.maps import heat_overlay, resize_map, threshold

PEAK = np.array([[0.0, 0.2, 0.0], [0.4, 1.0, 0.1], [0.0, 0.3, 0.0]], np.float32)


@pytest.mark.parametrize(("width", "height"), [(30, 30), (61, 17), (3, 3)])
def test_a_map_is_enlarged_bilinearly_to_the_pictures_own_size(width, height):
    enlarged = resize_map(PEAK, width, height)
    reference = F.interpolate(torch.from_numpy(PEAK)[None, None], (height, width), mode="bilinear")[0, 0].numpy()
    assert enlarged.shape == (height, width) and enlarged.dtype == np.float32
    assert np.abs(enlarged - reference).max() < 1e-5


def test_enlarging_does_not_rescale():
    assert resize_map(PEAK * 0.5, 40, 40).max() <= 0.5
    assert resize_map(np.full((2, 2), 0.3, np.float32), 9, 5) == pytest.approx(0.3)


def test_a_mask_is_where_the_map_reaches_delta():
    mask = threshold(PEAK, 0.35, 3, 3)
    assert mask.tolist() == [[False, False, False], [True, True, False], [False, False, False]]
    assert threshold(PEAK, 0.4, 3, 3)[1, 0], "reaching counts"


def test_a_lower_delta_takes_more():
    masks = [threshold(PEAK, delta, 50, 40) for delta in (0.0, 0.2, 0.35, 0.6, 1.0)]
    assert all((larger | smaller == larger).all() for larger, smaller in zip(masks, masks[1:], strict=False))
    assert masks[0].all(), "delta 0 is all of the picture"


def test_delta_1_takes_the_peak_alone():
    assert threshold(PEAK, 1.0, 3, 3).sum() == 1
    assert threshold(np.array([[1.0, 0.0]], np.float32), 1.0, 8, 4).tolist() == [[True] * 2 + [False] * 6] * 4


@pytest.mark.parametrize("delta", [0.0, 0.35, 1.0])
def test_an_empty_map_is_an_empty_mask(delta):
    assert not threshold(np.zeros((7, 7), np.float32), delta, 20, 10).any()


def test_a_heat_overlay_brightens_where_the_map_is_high():
    picture = np.full((30, 40, 3), 100, np.uint8)
    shown = heat_overlay(picture, PEAK)
    assert shown.shape == picture.shape and shown.dtype == np.uint8
    assert shown[15, 20].sum() > shown[0, 0].sum()
    assert shown[0, 0].tolist() == [45, 45, 47], "45 % picture, 55 % of the darkest colour"
