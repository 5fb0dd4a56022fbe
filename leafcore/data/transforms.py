"""Random crops and flips: the parameters are drawn once per picture and applied to the picture and its mask alike."""

from collections.abc import Sequence

import torch


def random_crop_flip(tensors: Sequence[torch.Tensor], size_px: int, generator: torch.Generator) -> list[torch.Tensor]:
    """Crop a random square out of each item and mirror every other one, at random.

    Args:
        tensors: Aligned batches (N, C, H, W) of equal N, H and W: pictures, their masks.
        size_px: The side of the crop, at most H and W.
        generator: Draws one corner and one flip per item.

    Returns:
        The batches as (N, C, size_px, size_px), contiguous.
    """
    count, _, height, width = tensors[0].shape
    tops = torch.randint(height - size_px + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(width - size_px + 1, (count,), generator=generator).tolist()
    flips = (torch.rand(count, generator=generator) < 0.5).tolist()
    results = []
    for tensor in tensors:
        crops = [
            tensor[i, :, top : top + size_px, left : left + size_px].flip(-1)
            if flip
            else tensor[i, :, top : top + size_px, left : left + size_px]
            for i, (top, left, flip) in enumerate(zip(tops, lefts, flips, strict=True))
        ]
        results.append(torch.stack(crops))
    return results


def load_size(size_px: int) -> int:
    """Return the side that pictures are resized to before cropping: the paper's 286 for 256, and in proportion."""
    return round(size_px * 286 / 256)
