"""How alike two masks are: by their areas, and by their outlines."""

import math

import numpy as np

TOLERANCE = 0.0075  # of the picture's diagonal; Csurka et al. 2013 (section 3) take the same


def intersection_over_union(mask: np.ndarray, exact: np.ndarray) -> float:
    """Return the overlap of two masks, (H, W) bool: 1 where both are empty."""
    either = np.logical_or(mask, exact).sum()
    return float(np.logical_and(mask, exact).sum() / either) if either else 1.0


def boundary_f(mask: np.ndarray, exact: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Return how well two outlines agree: the F measure of their pixels within a tolerance of each other.

    Precision is the share of the mask's outline that lies near the exact one, recall the other way round (Csurka,
    Larlus and Perronnin 2013, "What is a good evaluation measure for semantic segmentation?", BMVC; DAVIS, Perazzi et
    al. 2016, matches within a disc alike).

    Args:
        mask: (H, W) bool.
        exact: (H, W) bool.
        tolerance: As a share of the picture's diagonal; rounded up to whole pixels.

    Returns:
        In [0, 1]; 1 where neither has an outline, 0 where one has none.
    """
    import cv2

    one, other = _outline(mask), _outline(exact)
    if not one.any() or not other.any():
        return float(one.any() == other.any())
    reach = math.ceil(tolerance * math.hypot(*mask.shape))

    def share_near(outline: np.ndarray, goal: np.ndarray) -> float:
        away = cv2.distanceTransform((~goal).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return float((away[outline] <= reach).mean())

    precision, recall = share_near(one, other), share_near(other, one)
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _outline(mask: np.ndarray) -> np.ndarray:
    """Return the mask's pixels that touch its outside; the picture's edge is no outside."""
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outline: np.ndarray = mask & ~inner
    return outline
