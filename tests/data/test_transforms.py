import pytest
import torch

from leafcore.data.transforms import load_size, random_crop_flip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int, height: int, width: int) -> torch.Tensor:
    """Return pictures in which each pixel is its own number: (N, 1, H, W)."""
    return torch.arange(height * width).reshape(1, 1, height, width).expand(count, 1, height, width)


def test_a_picture_and_its_mask_are_moved_alike() -> None:
    pictures = numbered(64, 20, 24)
    masks = (pictures % 3 == 0).float()
    colours = pictures.expand(64, 3, 20, 24)
    cropped, cropped_masks = random_crop_flip([colours, masks], 16, generator())
    assert cropped.shape == (64, 3, 16, 16) and cropped_masks.shape == (64, 1, 16, 16)
    assert torch.equal(cropped_masks, (cropped[:, :1] % 3 == 0).float())


def test_each_crop_is_a_piece_of_its_picture_mirrored_or_not() -> None:
    (crops,) = random_crop_flip([numbered(200, 18, 20)], 16, generator())
    places = set()
    for crop in crops[:, 0]:
        is_mirrored = bool(crop[0, 0] > crop[0, -1])
        upright = crop.flip(-1) if is_mirrored else crop
        top, left = divmod(int(upright[0, 0]), 20)
        expected = torch.arange(18 * 20).reshape(18, 20)[top : top + 16, left : left + 16]
        assert torch.equal(upright, expected)
        places.add((top, left, is_mirrored))
    assert places == {(top, left, flip) for top in range(3) for left in range(5) for flip in (False, True)}


def test_about_half_are_mirrored_and_corners_are_drawn_evenly() -> None:
    (crops,) = random_crop_flip([numbered(4000, 17, 16)], 16, generator())
    mirrored = (crops[:, 0, 0, 0] > crops[:, 0, 0, -1]).float().mean().item()
    lower = (crops[:, 0, 0].amin(dim=1) >= 16).float().mean().item()
    assert mirrored == pytest.approx(0.5, abs=0.04) and lower == pytest.approx(0.5, abs=0.04)  # five deviations


def test_the_same_seed_draws_the_same_crops() -> None:
    pictures = numbered(8, 20, 20)
    (one,), (same,) = (random_crop_flip([pictures], 16, generator(3)) for _ in range(2))
    (other,) = random_crop_flip([pictures], 16, generator(4))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_a_mask_beside_the_picture_does_not_change_the_draw() -> None:
    pictures = numbered(8, 20, 20)
    (alone,) = random_crop_flip([pictures], 16, generator())
    together, _ = random_crop_flip([pictures, pictures], 16, generator())
    assert torch.equal(alone, together)


def test_a_crop_of_the_full_size_only_mirrors() -> None:
    (crops,) = random_crop_flip([numbered(50, 16, 16)], 16, generator())
    whole = torch.arange(256).reshape(16, 16)
    assert all(torch.equal(crop, whole) or torch.equal(crop, whole.flip(-1)) for crop in crops[:, 0])


def test_crops_are_contiguous_and_the_pictures_unchanged() -> None:
    pictures = torch.randint(0, 255, (4, 3, 20, 20), dtype=torch.uint8, generator=generator())
    before = pictures.clone()
    (crops,) = random_crop_flip([pictures], 16, generator())
    assert crops.is_contiguous() and crops.dtype == torch.uint8
    crops.zero_()
    assert torch.equal(pictures, before)


@pytest.mark.parametrize(("size_px", "load_px"), [(256, 286), (128, 143), (64, 72), (32, 36)])
def test_pictures_are_loaded_in_the_papers_proportion(size_px: int, load_px: int) -> None:
    assert load_size(size_px) == load_px
