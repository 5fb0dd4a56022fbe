"""Tiles and test-time augmentation: a picture is looked at several times, and what is said of each view is summed.

After the cassava study, which looks at four crops that cover a photograph, each of them four times, flipped, zoomed and
with another contrast. Here the views are the same for every picture, not drawn, so that a prediction can be repeated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt

import torch
from torchvision.transforms.v2 import functional as change

ZOOM = 1.2  # of the zoomed views, as is their contrast
CONTRAST = 1.2


@dataclass(frozen=True)
class View:
    """How a picture is changed before it is looked at.

    Attributes:
        mirrored: Left and right change places.
        upended: Top and bottom do.
        zoomed: Its middle fills the view, and its contrast is higher.
    """

    mirrored: bool = False
    upended: bool = False
    zoomed: bool = False

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the view of each of (N, 3, S, S) uint8 pictures, the same shape and type."""
        axes = [axis for axis, flipped in ((-1, self.mirrored), (-2, self.upended)) if flipped]
        images = images.flip(axes) if axes else images
        if not self.zoomed:
            return images
        side = images.shape[-1]
        middle = change.center_crop(images, [round(side / ZOOM)] * 2)
        enlarged = change.resize(middle, [side, side], antialias=True)
        zoomed: torch.Tensor = change.adjust_contrast(enlarged, CONTRAST)
        return zoomed


# The first two are closed under mirroring, and so are the first four; all eight under both flips: a prediction from
# them does not change with its picture's.
VIEWS = (
    View(),
    View(mirrored=True),
    View(upended=True, zoomed=True),
    View(mirrored=True, upended=True, zoomed=True),
    View(upended=True),
    View(mirrored=True, upended=True),
    View(zoomed=True),
    View(mirrored=True, zoomed=True),
)


def large_px(size_px: int, tiles: int) -> int:
    """Return the side that a picture must have for so many tiles of `size_px`, each half over its neighbours."""
    return size_px * (isqrt(tiles) + 1) // 2 if tiles else size_px


def cut_tiles(images: torch.Tensor, tiles: int) -> Iterator[torch.Tensor]:
    """Yield crops on a square grid that cover the pictures; neighbours share half of their side.

    Args:
        images: (N, 3, L, L), with L as `large_px` says.
        tiles: How many, a square number; 0 for none.

    Yields:
        (N, 3, S, S), row by row.
    """
    grid = isqrt(tiles)
    side = 2 * images.shape[-1] // (grid + 1)
    for row in range(grid):
        for column in range(grid):
            top, left = row * side // 2, column * side // 2
            yield images[..., top : top + side, left : left + side]


def vote(
    probabilities: Callable[[torch.Tensor], torch.Tensor],
    whole: torch.Tensor,
    large: torch.Tensor,
    tiles: int,
    tta: int,
) -> torch.Tensor:
    """Return what is said of pictures, all views together: the sum of their probabilities, over their number.

    Args:
        probabilities: Takes (N, 3, S, S) uint8 and returns (N, classes) in [0, 1].
        whole: (N, 3, S, S) uint8 pictures.
        large: The same, (N, 3, L, L) uint8 with L as `large_px` says; tiles are cut from it.
        tiles: Local crops beside the whole picture: 0 or a square number.
        tta: How many of `VIEWS` each is looked at in, from the first.

    Returns:
        (N, classes) float32 in [0, 1].
    """
    regions = [whole, *cut_tiles(large, tiles)]
    votes = sum(probabilities(view(region)).float() for region in regions for view in VIEWS[:tta])
    return torch.as_tensor(votes) / (len(regions) * tta)
