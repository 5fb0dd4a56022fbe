"""From heat maps to outlines: GrabCut seeded by the heat map alone, and tidying; free of torch.

A heat map of 7 x 7 cells says where the leaf is, not where it ends. GrabCut (Rother, Kolmogorov and Blake 2004,
SIGGRAPH) finds the end by color: it learns a mixture of colors for leaf and background from the seeds, cuts the picture
between them, and repeats. Everything happens on a small square, so that a photograph of 24 megapixels takes no longer.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from leafcore.data.mask_sets import Refinement
from leafcore.masks.corrections import Correction, Stroke
from leafcore.masks.maps import threshold

SIDE = 256  # px of the square that masks are refined on
ITERATIONS = 5
PLAIN = Refinement()
REFINED = Refinement(method="grabcut", largest=True, fill=True, smooth_px=7)


def refine(
    picture: np.ndarray,
    cam: np.ndarray,
    delta: float,
    refinement: Refinement,
    strokes: Sequence[Stroke] = (),
    *,
    invert: bool = False,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return a picture's mask. Strokes run GrabCut whatever the refinement says.

    Args:
        picture: (H, W, 3) uint8; may be smaller than the photograph, or squashed as `load_square` does.
        cam: (h, w) float in [0, 1]; an empty one, or one with NaN, gives an empty mask unless strokes say more.
        delta: The threshold, in [0, 1].
        refinement: What is done after the threshold.
        strokes: What is leaf and what is not, by hand.
        invert: Whether leaf and background change places, before any stroke.
        size: (width, height) of the mask, px; the picture's own by default.

    Returns:
        (height, width) bool, True on the leaf.
    """
    raise NotImplementedError


def corrected(
    picture: np.ndarray,
    cam: np.ndarray,
    delta: float,
    refinement: Refinement,
    correction: Correction | None,
    *,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return a picture's mask with what a person says of it; see `refine`."""
    raise NotImplementedError
