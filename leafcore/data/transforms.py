"""What is done to batches of decoded pictures: random crops and flips, and less detail."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

LEAST_PX = 8  # no picture is reduced below this side


def random_crop_flip(
    tensors: Sequence[torch.Tensor], size_px: int, generator: torch.Generator, *, flip: bool = True
) -> list[torch.Tensor]:
    """Crop a random square out of each item and mirror every other one, at random, a picture and its mask alike.

    Args:
        tensors: Aligned batches (N, C, H, W) of equal N, H and W: pictures, their masks.
        size_px: The side of the crop, at most H and W.
        generator: Draws one corner and one flip per item.
        flip: Whether any is mirrored.

    Returns:
        The batches as (N, C, size_px, size_px), contiguous.
    """
    count, _, height, width = tensors[0].shape
    tops = torch.randint(height - size_px + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(width - size_px + 1, (count,), generator=generator).tolist()
    flips = ((torch.rand(count, generator=generator) < 0.5) & flip).tolist()
    results = []
    for tensor in tensors:
        crops = [
            tensor[i, :, top : top + size_px, left : left + size_px].flip(-1)
            if mirrored
            else tensor[i, :, top : top + size_px, left : left + size_px]
            for i, (top, left, mirrored) in enumerate(zip(tops, lefts, flips, strict=True))
        ]
        results.append(torch.stack(crops))
    return results


def limit_detail(images: torch.Tensor, details: Sequence[float], size_px: int) -> torch.Tensor:
    """Reduce each picture to what it may show, antialiased, and bring all to one size.

    Args:
        images: (N, C, H, H), any type.
        details: Per picture, in (0, 1]: along a side of the result, the share of pixels that hold detail of their own.
            A picture that holds less than that keeps what it has.
        size_px: The side of the result.

    Returns:
        (N, C, size_px, size_px) float32, in the unit of `images`.
    """
    results = []
    for image, detail in zip(images.float().split(1), details, strict=True):
        side = max(LEAST_PX, round(detail * size_px))
        if side < min(size_px, image.shape[-1]):
            image = _resize(image, side)
        results.append(_resize(image, size_px))
    return torch.cat(results)


def _resize(image: torch.Tensor, side: int) -> torch.Tensor:
    if image.shape[-1] == side:
        return image
    return F.interpolate(image, size=side, mode="bilinear", antialias=True)


def load_size(size_px: int) -> int:
    """Return the side that pictures are resized to before cropping: the paper's 286 for 256, and in proportion."""
    return round(size_px * 286 / 256)
