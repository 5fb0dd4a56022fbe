import numpy as np
import pytest
import torch
from PIL import Image

from leafcore.data.transforms import limit_detail, load_size, random_crop_flip


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


# --- detail -----------------------------------------------------------------------------------------------------------


def noise(count: int, size_px: int) -> torch.Tensor:
    return torch.rand(count, 3, size_px, size_px, generator=generator()) * 255


def spectrum(images: torch.Tensor, above: float) -> float:
    """Return the share of the energy at frequencies above so many cycles per picture."""
    energy = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().sum((0, 1))
    along = torch.fft.fftfreq(images.shape[-1]) * images.shape[-1]
    high = (along[:, None].square() + along[None].square()).sqrt() > above
    return float(energy[high].sum() / energy.sum())


@pytest.mark.parametrize("detail", [0.25, 0.5])
def test_nothing_finer_than_the_detail_is_left(detail: float) -> None:
    images = noise(4, 64)
    reduced = limit_detail(images, [detail] * 4, 64)
    finest = 64 * detail / 2 * 2**0.5  # cycles per picture, along the diagonal
    assert reduced.shape == (4, 3, 64, 64) and reduced.dtype == torch.float32
    assert spectrum(images, finest) > 0.5 and spectrum(reduced, finest) < 0.1


def test_full_detail_changes_nothing() -> None:
    images = noise(3, 40)
    assert torch.equal(limit_detail(images, [1.0] * 3, 40), images)
    assert torch.equal(limit_detail(images.byte(), [1.0] * 3, 40), images.byte().float())


def test_each_picture_has_its_own_detail() -> None:
    images = noise(1, 48).expand(3, 3, 48, 48)
    together = limit_detail(images, [0.25, 1.0, 0.5], 48)
    assert together.std((1, 2, 3)).argsort().tolist() == [0, 2, 1]
    assert torch.equal(together[2:], limit_detail(images[:1], [0.5], 48))


def test_a_larger_picture_is_reduced_like_pillow_does() -> None:
    images = noise(1, 90)
    pixels = images[0].permute(1, 2, 0).round().byte().numpy()
    wanted = np.asarray(Image.fromarray(pixels).resize((30, 30), Image.Resampling.BILINEAR), dtype=np.float32)
    found = limit_detail(images.round(), [1.0], 30)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - wanted).max() <= 1.01, "Pillow rounds twice"


def test_a_smaller_picture_is_enlarged_and_keeps_what_it_has() -> None:
    images = noise(2, 20)
    enlarged = limit_detail(images, [1.0, 0.9], 60)
    assert enlarged.shape == (2, 3, 60, 60) and torch.equal(enlarged, limit_detail(images, [20 / 60] * 2, 60))


def test_the_least_detail_is_a_picture_of_eight_pixels() -> None:
    images = noise(2, 64)
    assert torch.equal(*(limit_detail(images, [detail] * 2, 64) for detail in (1e-3, 8 / 64)))
