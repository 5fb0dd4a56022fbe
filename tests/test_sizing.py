import pytest
import torch

from leafcore.sizing import by_change, feather, in_tiles, tile_starts


@pytest.mark.parametrize(
    ("size", "starts"), [(32, [0]), (40, [0, 8]), (56, [0, 24]), (57, [0, 12, 25]), (80, [0, 24, 48])]
)
def test_tiles_cover_a_side_and_overlap_by_a_quarter_at_least(size, starts):
    assert tile_starts(size, 32) == starts
    assert all(after - before <= 24 for before, after in zip(starts, starts[1:], strict=False))


def test_two_tiles_fade_into_each_other_evenly():
    side = feather(32)[16]
    assert side[8:24].eq(1).all() and side.min() > 0
    torch.testing.assert_close(side[24:] + side[:8], torch.ones(8))


def test_tiles_that_disagree_leave_no_step_between_neighbouring_pixels():
    """Each tile says another value; the picture goes from one to the other over the overlap, and never jumps."""
    calls = iter(range(100))
    made = in_tiles(lambda images, masks, seeds: torch.full_like(images, float(next(calls) % 2)), 32)(
        torch.zeros(1, 3, 32, 56), None, [0]
    )
    row = made[0, 0, 0]
    assert (row[0], row[-1]) == (0, 1)
    assert row.diff().abs().max() < 0.25, "a hard seam would be 1"


def test_a_step_sees_a_picture_at_its_own_size_with_its_mask():
    seen = []

    def look(images, masks, seeds):
        seen.append((images.shape, masks.shape, list(seeds)))
        return images

    by_change(look, 16)(torch.zeros(2, 3, 40, 40), torch.ones(2, 1, 40, 40), [5, 6])
    assert seen == [((2, 3, 16, 16), (2, 1, 16, 16), [5, 6])]


def test_what_a_step_cannot_see_stays():
    """Stripes of single pixels vanish at half the size; a step that greys everything cannot take them away."""
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::2] = 0.5
    made = by_change(lambda images, masks, seeds: images + 0.25, 32)(stripes, None, [0])
    torch.testing.assert_close(made, stripes + 0.25, rtol=0, atol=1e-5)
