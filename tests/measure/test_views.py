import pytest
import torch

from leafcore.measure.views import VIEWS, View, cut_tiles, large_px, vote


def pictures(count=2, size_px=12):
    return torch.randint(0, 256, (count, 3, size_px, size_px), generator=torch.Generator().manual_seed(0)).byte()


def left_and_top(images):
    """Return a "network" of two classes whose answer can be worked out: how bright the left half is, and the top."""
    values = images.float() / 255
    side = images.shape[-1]
    return torch.stack([values[..., : side // 2].mean((1, 2, 3)), values[..., : side // 2, :].mean((1, 2, 3))], 1)


def test_one_view_is_the_picture_itself():
    whole = pictures()
    assert torch.equal(vote(left_and_top, whole, whole, 0, 1), left_and_top(whole))


def test_votes_of_two_views_are_the_mean_of_what_is_said_of_both():
    whole = pictures()
    said, of_mirrored = left_and_top(whole), left_and_top(whole.flip(-1))
    assert torch.allclose(vote(left_and_top, whole, whole, 0, 2), (said + of_mirrored) / 2)
    assert torch.allclose(of_mirrored[:, 1], said[:, 1]) and not torch.allclose(of_mirrored[:, 0], said[:, 0])


def test_tiles_vote_beside_the_whole_picture():
    large = pictures(1, 12)
    whole = large[..., ::2, ::2][..., :8, :8]
    corners = [large[..., top : top + 8, left : left + 8] for top in (0, 4) for left in (0, 4)]
    by_hand = torch.stack([left_and_top(region) for region in (whole, *corners)]).mean(0)
    assert torch.allclose(vote(left_and_top, whole, large, 4, 1), by_hand)


@pytest.mark.parametrize("tiles", [4, 9, 16])
def test_tiles_are_of_the_networks_size_cover_the_picture_and_share_half_with_their_neighbours(tiles):
    side = large_px(32, tiles)
    place = torch.arange(side * side).view(1, 1, side, side)
    cut = list(cut_tiles(place, tiles))
    assert len(cut) == tiles and all(tile.shape == (1, 1, 32, 32) for tile in cut)
    assert torch.cat([tile.flatten() for tile in cut]).unique().numel() == side * side
    shared = set(cut[0].flatten().tolist()) & set(cut[1].flatten().tolist())
    assert len(shared) == 32 * 16


@pytest.mark.parametrize(("tta", "axes"), [(2, [(-1,)]), (4, [(-1,)]), (8, [(-1,), (-2,), (-1, -2)])])
def test_votes_do_not_change_when_the_picture_is_flipped(tta, axes):
    whole = pictures()
    for axis in axes:
        flipped = whole.flip(axis)
        assert torch.allclose(
            vote(left_and_top, whole, whole, 0, tta), vote(left_and_top, flipped, flipped, 0, tta), atol=2e-3
        )


def test_a_zoomed_view_is_the_middle_with_more_contrast():
    picture = torch.full((1, 3, 24, 24), 100, dtype=torch.uint8)
    picture[..., 8:16, 8:16] = 140
    seen = View(zoomed=True)(picture)
    assert seen.shape == picture.shape and seen.dtype == torch.uint8
    assert (seen > 120).sum() > (picture > 120).sum()
    assert int(seen.max()) - int(seen.min()) == pytest.approx(40 * 1.2, abs=2)


def test_no_view_is_there_twice():
    assert len(set(VIEWS)) == len(VIEWS) == 8
