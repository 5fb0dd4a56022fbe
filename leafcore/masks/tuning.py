"""How masks depend on the threshold delta; free of torch, so that a slider can ask on every move.

A picture's area curve holds the share of it that is leaf at every delta. Everything else follows from the curves: how
many masks are empty or full, which are unstable, where the areas hardly depend on delta.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leafcore.masks.configs import EMPTY, FULL, MOST_EMPTY
from leafcore.masks.maps import resize_map
from leafcore.measure.masks import boundary_f

STEPS = 100
DELTAS = np.arange(STEPS + 1) / STEPS  # where curves are known: 0, 0.01, ... 1
SIDE = 64  # px of the square that areas are counted on
REFERENCE_SIDE = 128  # px of the square that masks are compared with masks of reference on
SLACK = 0.25  # of a plateau: how much steeper than its flattest place it may be, in shares of the mask per unit delta
WINDOW = 5  # steps of delta on either side that a slope is taken over
ORDERS = ("worst first", "least leaf", "most leaf", "least sure")


def step_of(delta: float) -> int:
    """Return which of `DELTAS` is nearest to a threshold."""
    return round(delta * STEPS)


def area_curves(maps: np.ndarray) -> np.ndarray:
    """Return the share of each picture that is leaf at every delta.

    Args:
        maps: (N, h, w) float in [0, 1]; NaN counts as 0.

    Returns:
        (N, 101) float64 in [0, 1], falling along `DELTAS`; all zero where a map is.
    """
    if not len(maps):
        return np.zeros((0, len(DELTAS)))
    return np.stack([_shares(_enlarged(cam, SIDE)) for cam in maps])


def _enlarged(cam: np.ndarray, side: int) -> np.ndarray:
    return resize_map(np.nan_to_num(cam), side, side)


def _shares(values: np.ndarray) -> np.ndarray:
    """Return the share of values that reach each delta; 0 where all values are, as in `maps.threshold`."""
    if not values.any():
        return np.zeros(len(DELTAS))
    shares: np.ndarray = 1.0 - np.searchsorted(np.sort(values.ravel()), DELTAS.astype(np.float32)) / values.size
    return shares


# --- presets ----------------------------------------------------------------------------------------------------------


def otsu(curves: np.ndarray) -> float:
    """Return the delta that divides the heat of all pictures best in two (Otsu 1979, eq. 18).

    Args:
        curves: (N, 101), from `area_curves`; maps of zeros have no say.

    Returns:
        One of `DELTAS`: the first at which the variance between what is below and what reaches it is greatest; 0.5 if
        no picture has any heat.
    """
    seen = curves[curves.any(1)]
    if not len(seen):
        return 0.5
    above = seen.mean(0)  # share that reaches each delta
    weights = -np.diff(above, append=0.0)  # share between this delta and the next
    levels = np.minimum(DELTAS + 0.5 / STEPS, 1.0)
    moments = np.cumsum((weights * levels)[::-1])[::-1]  # first moment of what reaches each delta
    below = 1.0 - above
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moments[0] * above - moments) ** 2 / (above * below)
    return float(DELTAS[int(np.nanargmax(np.where((above > 0) & (below > 0), between, -1.0)))])


def percentile(curves: np.ndarray, share: float) -> float:
    """Return the highest delta that this share of all heat reaches: masks then cover this much on average.

    Args:
        curves: (N, 101), from `area_curves`; maps of zeros have no say.
        share: In (0, 1].

    Returns:
        One of `DELTAS`; 0.5 if no picture has any heat.
    """
    seen = curves[curves.any(1)]
    if not len(seen):
        return 0.5
    return float(DELTAS[int(np.flatnonzero(seen.mean(0) >= share)[-1])])


# --- which pictures to look at ----------------------------------------------------------------------------------------


def slopes(curves: np.ndarray) -> np.ndarray:
    """Return how fast areas fall with delta, as a central difference over 0.05 on either side.

    Args:
        curves: (..., 101).

    Returns:
        The same shape: |dA / d delta|, in shares of the picture per unit of delta.
    """
    steps = np.arange(len(DELTAS))
    low, high = np.maximum(steps - WINDOW, 0), np.minimum(steps + WINDOW, STEPS)
    fall: np.ndarray = (curves[..., low] - curves[..., high]) / (DELTAS[high] - DELTAS[low])
    return fall


def worst_first(curves: np.ndarray, delta: float) -> np.ndarray:
    """Return the pictures in the order in which they deserve a look: empty and full masks, then unstable ones.

    Args:
        curves: (N, 101).
        delta: The threshold that they are judged at.

    Returns:
        (N,) int64; equal ones stay in their order.
    """
    areas = curves[:, step_of(delta)]
    extreme = (areas < EMPTY) | (areas > FULL)
    return np.lexsort((-slopes(curves)[:, step_of(delta)], ~extreme))


def in_order(order: str, curves: np.ndarray, probabilities: np.ndarray, delta: float) -> np.ndarray:
    """Return the pictures in one of `ORDERS`.

    Args:
        order: One of `ORDERS`; "least sure" begins where full leaf is least likely.
        curves: (N, 101).
        probabilities: (N, 3).
        delta: The threshold that they are judged at.

    Returns:
        (N,) int64; equal ones stay in their order.
    """
    areas = curves[:, step_of(delta)]
    if order == "worst first":
        return worst_first(curves, delta)
    keys = {"least leaf": areas, "most leaf": -areas, "least sure": probabilities[:, 0]}
    return np.argsort(keys[order], kind="stable")


def spread(labels: Sequence[str], limit: int, seed: int = 0) -> np.ndarray:
    """Draw at most so many pictures, as many of each label set as there are.

    Args:
        labels: The label set of each picture.
        limit: How many to draw.
        seed: Of the draw.

    Returns:
        (min(N, limit),) int64, label sets taking turns.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    turns: dict[str, int] = {}
    turn = np.empty(len(labels), int)
    for place, index in enumerate(shuffled):
        turn[place] = turns[labels[index]] = turns.get(labels[index], -1) + 1
    return shuffled[np.argsort(turn, kind="stable")][:limit]


# --- where delta hardly matters ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plateau:
    """A range of thresholds in which masks hardly depend on delta.

    Attributes:
        low: Its first delta.
        flattest: Where masks depend on delta least.
        high: Its last delta.
    """

    low: float
    flattest: float
    high: float


def plateau(curves: np.ndarray) -> Plateau | None:
    """Return where masks are stable and hold a leaf.

    A mask lies inside every mask of a lower delta, so what a small step of delta takes away is 1 - IoU of the two: the
    fall of the area in shares of the mask itself, |dA / d delta| / A. This is how maximally stable extremal regions are
    found (Matas et al. 2002, sec. 2), here for the mean area. The fall in shares of the picture would not do: it goes
    to 0 with the mask, so it is least where hardly a leaf is left. Under a heat of exp(-r^2) the area is as
    ln(1 / delta): that fall is least at delta 1, the one in shares of the mask at 1 / e = 0.37.

    Only deltas count at which at most a tenth of the masks is empty or full. The plateau is all around the best of them
    where the fall is at most 0.25 more: a change of delta by 0.1 then takes 2.5 percent of the mask more at most.

    Args:
        curves: (N, 101), from `area_curves`; maps of zeros have no say.

    Returns:
        None if too many masks are empty or full at every delta, or no picture has any heat.
    """
    seen = curves[curves.any(1)]
    if not len(seen):
        return None
    inside = ((seen < EMPTY) | (seen > FULL)).mean(0) <= MOST_EMPTY
    if not inside.any():
        return None
    mean = seen.mean(0)
    fall = np.full(len(DELTAS), np.inf)
    fall[inside] = slopes(mean)[inside] / mean[inside]
    flattest = int(fall.argmin())
    is_flat = fall <= fall[flattest] + SLACK
    low = high = flattest
    while low > 0 and is_flat[low - 1]:
        low -= 1
    while high < STEPS and is_flat[high + 1]:
        high += 1
    return Plateau(float(DELTAS[low]), float(DELTAS[flattest]), float(DELTAS[high]))


# --- with masks of reference ------------------------------------------------------------------------------------------


def overlap_curve(cam: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a picture's mask with its mask of reference at every delta.

    Args:
        cam: (h, w) float in [0, 1].
        reference: (S, S) bool, squashed to a square as the picture is.

    Returns:
        (101,) float64 in [0, 1]; 1 where both are empty.
    """
    values = _enlarged(cam, len(reference))
    leaves = _shares(values) * values.size
    hits = np.zeros(len(DELTAS))
    if reference.any() and values.any():
        leaf = np.sort(values[reference])
        hits = len(leaf) - np.searchsorted(leaf, DELTAS.astype(np.float32)).astype(float)
    union = leaves + reference.sum() - hits
    overlap: np.ndarray = np.divide(hits, union, out=np.ones(len(DELTAS)), where=union > 0)
    return overlap


def boundary_curve(cam: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the boundary F of a picture's mask with its mask of reference at every delta; see `boundary_f`.

    Args:
        cam: (h, w) float in [0, 1].
        reference: (S, S) bool, squashed to a square as the picture is.

    Returns:
        (101,) float64 in [0, 1]: computed at every fifth of `DELTAS`, straight lines between.
    """
    values = _enlarged(cam, len(reference))
    coarse = DELTAS[::WINDOW]
    scores = [boundary_f((values >= delta) & values.any(), reference) for delta in coarse.astype(np.float32)]
    return np.interp(DELTAS, coarse, scores)
