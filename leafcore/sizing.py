"""Translating pictures of another size than a translator was trained at: by its change enlarged, or in tiles."""

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import interpolate

from leafcore.chains import overlap_of

Apply = Callable[[torch.Tensor, torch.Tensor | None, Sequence[int]], torch.Tensor]  # pictures, masks, seeds


def by_change(apply: Apply, trained_px: int) -> Apply:
    """Return a step for pictures of any size: it sees them at its own, and its change is enlarged and added.

    What the picture shows more finely than the step can see stays as it is.

    Args:
        apply: The step, for (N, 3, T, T) float32 in [-1, 1].
        trained_px: T.
    """

    def applied(images: torch.Tensor, masks: torch.Tensor | None, seeds: Sequence[int]) -> torch.Tensor:
        size = (trained_px, trained_px)
        seen = interpolate(images, size, mode="bicubic", antialias=True).clamp(-1, 1)
        leaves = None if masks is None else interpolate(masks, size, mode="nearest")
        change = apply(seen, leaves, seeds) - seen
        enlarged = interpolate(change, images.shape[-2:], mode="bilinear", antialias=True)
        return (images + enlarged).clamp(-1, 1)

    return applied


def in_tiles(apply: Apply, tile_px: int) -> Apply:
    """Return a step for larger pictures: it is applied to overlapping tiles, which fade into each other.

    Args:
        apply: The step, for (N, 3, T, T) float32 in [-1, 1].
        tile_px: T; a picture's sides are at least that.
    """

    def applied(images: torch.Tensor, masks: torch.Tensor | None, seeds: Sequence[int]) -> torch.Tensor:
        window = feather(tile_px).to(images)
        total, weight = torch.zeros_like(images), torch.zeros_like(images[:1, :1])
        for top in tile_starts(images.shape[-2], tile_px):
            for left in tile_starts(images.shape[-1], tile_px):
                at = (..., slice(top, top + tile_px), slice(left, left + tile_px))
                total[at] += window * apply(images[at], None if masks is None else masks[at], seeds)
                weight[at] += window
        return total / weight

    return applied


def tile_starts(size_px: int, tile_px: int) -> list[int]:
    """Return where the fewest tiles begin that cover a side, evenly spread, overlapping by a quarter at least."""
    count = math.ceil((size_px - tile_px) / (tile_px - overlap_of(tile_px))) + 1
    return [round(index * (size_px - tile_px) / max(count - 1, 1)) for index in range(count)]


def feather(tile_px: int) -> torch.Tensor:
    """Return a tile's weights, (T, T) float32 in (0, 1]: squared sines that rise over the overlap at every edge."""
    overlap = overlap_of(tile_px)
    rise = torch.sin(torch.pi / 2 * (torch.arange(overlap) + 0.5) / overlap) ** 2
    side = torch.cat([rise, torch.ones(tile_px - 2 * overlap), rise.flip(0)])
    return side[:, None] * side[None]
