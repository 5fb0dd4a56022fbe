"""From heat maps to outlines: GrabCut seeded by the heat map alone, and tidying; free of torch.

A heat map of 7 x 7 cells says where the leaf is, not where it ends. GrabCut (Rother, Kolmogorov and Blake 2004,
"GrabCut: interactive foreground extraction using iterated graph cuts", SIGGRAPH) finds the end by color: it learns a
mixture of colors for leaf and background from the seeds, cuts the picture between them, and repeats. All of it happens
on a small square, so that a photograph of 24 megapixels takes no longer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from leafcore.data.mask_sets import Refinement
from leafcore.masks.corrections import Correction, Stroke
from leafcore.masks.maps import resize_map, threshold

SIDE = 256  # px of the square that masks are refined on
ITERATIONS = 5
SURE = 0.99  # certainly leaf is the heat map's peak alone: more would count background near it as leaf
BORDER_PX = 3  # this far from the edge, what the heat map does not speak for is certainly background
BRIDGE_PX = 5  # what joins two pieces and is thinner than this is no leaf
LEAST_KEPT = 0.1  # GrabCut that keeps less of what the heat map says has taken the leaf for the background
LONGEST = 16  # of a picture's sides, in units of the other, up to which a stroke keeps its shape

_BACKGROUND, _LEAF, _MAYBE_BACKGROUND, _MAYBE_LEAF = 0, 1, 2, 3  # as OpenCV counts them: odd is leaf


def needs_color(refinement: Refinement, strokes: Sequence[Stroke] = ()) -> bool:
    """Whether `refine` looks at the picture; else its heat map is enough."""
    return refinement.method == "grabcut" or bool(strokes)


class Outline(NamedTuple):
    """A picture's mask, (height, width) bool, and whether GrabCut lost the leaf, so that the heat map alone drew it."""

    mask: np.ndarray
    fell_back: bool


def refine(
    picture: np.ndarray,
    cam: np.ndarray,
    delta: float,
    refinement: Refinement,
    strokes: Sequence[Stroke] = (),
    *,
    invert: bool = False,
    size: tuple[int, int] | None = None,
) -> Outline:
    """Return a picture's mask. Strokes run GrabCut whatever the refinement says.

    GrabCut may take the whole leaf for background, where both have the same colors. Without a stroke that says so too,
    the thresholded heat map stays then.

    Args:
        picture: (H, W, 3) uint8; may be smaller than the photograph, or squashed as `load_square` does.
        cam: (h, w) float in [0, 1]; an empty one, or one with NaN, speaks for nothing.
        delta: The threshold, in [0, 1]; for GrabCut, from where on a pixel may be leaf.
        refinement: What is done after the threshold.
        strokes: What is leaf and what is not, by hand; a later one wins.
        invert: Whether leaf and background change places, before any stroke.
        size: (width, height) of the mask, px; the picture's own by default.

    """
    width, height = size or (picture.shape[1], picture.shape[0])
    cam = cam if np.isfinite(cam).all() else np.zeros_like(cam)
    if refinement.is_plain and not strokes:
        return Outline(threshold(cam, delta, width, height) ^ invert, fell_back=False)
    heat = resize_map(cam, SIDE, SIDE)
    mask = threshold(cam, delta, SIDE, SIDE)
    drawn = _draw(strokes, width / height) * (-1 if invert else 1)  # what is found now is turned over at the end
    fell_back = False
    if needs_color(refinement, strokes):
        cut = _grabcut(_square(picture), _seeds(heat, mask, drawn))
        fell_back = not strokes and bool((cut & mask).sum() < LEAST_KEPT * mask.sum())
        mask = mask if fell_back else cut
    mask = _tidy(mask, heat, drawn, refinement)
    outline: np.ndarray = resize_map(mask, width, height) >= 0.5
    return Outline(outline ^ invert, fell_back)


def corrected(
    picture: np.ndarray,
    cam: np.ndarray,
    delta: float,
    refinement: Refinement,
    correction: Correction | None,
    *,
    size: tuple[int, int] | None = None,
) -> Outline:
    """Return a picture's mask with what a person says of it, if anything; see `refine`."""
    said = correction or Correction(image="")
    own = delta if said.delta is None else said.delta
    return refine(picture, cam, own, refinement, said.strokes, invert=said.invert, size=size)


# --- seeds ------------------------------------------------------------------------------------------------------------


def _square(picture: np.ndarray) -> np.ndarray:
    if picture.shape[:2] == (SIDE, SIDE):
        return picture
    small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(small)


def _draw(strokes: Sequence[Stroke], aspect: float) -> np.ndarray:
    """Return what strokes cover: (SIDE, SIDE) int8, 1 for leaf, -1 for background, 0 for nothing said.

    Args:
        strokes: In the order in which they were drawn.
        aspect: The picture's width by its height; strokes are as thick in both directions of the picture.
    """
    import cv2

    width = round(SIDE * min(max(aspect, 1.0), LONGEST))
    height = round(SIDE * min(max(1.0 / aspect, 1.0), LONGEST))
    canvas = np.zeros((height, width), np.uint8)
    for stroke in strokes:
        points = stroke.points if len(stroke.points) > 1 else stroke.points * 2  # OpenCV draws no line of one point
        corners = np.array(points) * (width - 1, height - 1)
        thickness = max(1, round(stroke.width * SIDE))
        color = 1 if stroke.kind == "include" else 2
        cv2.polylines(canvas, [corners.round().astype(np.int32)], isClosed=False, color=color, thickness=thickness)
    small = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    covered: np.ndarray = np.array([0, 1, -1], np.int8)[small]
    return covered


def _seeds(heat: np.ndarray, mask: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return what GrabCut begins with, one of OpenCV's four classes per pixel; hardly anything is certain."""
    seeds = np.where(mask, _MAYBE_LEAF, _MAYBE_BACKGROUND).astype(np.uint8)
    edge = np.ones_like(mask)
    edge[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = False
    seeds[edge & ~mask] = _BACKGROUND
    seeds[mask & (heat >= SURE)] = _LEAF
    seeds[drawn > 0], seeds[drawn < 0] = _LEAF, _BACKGROUND
    return seeds


def _grabcut(square: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return where GrabCut finds the leaf, (SIDE, SIDE) bool; the seeds themselves if one side has none."""
    import cv2

    leaf: np.ndarray = seeds % 2 == 1
    if leaf.all() or not leaf.any():
        return leaf
    # The mixtures begin with random centers: a resumed run must draw the mask that an uninterrupted one would.
    cv2.setRNGSeed(0)
    pixels, whole = np.ascontiguousarray(square[..., ::-1]), (0, 0, SIDE, SIDE)
    mixtures = np.zeros((1, 65)), np.zeros((1, 65))
    found, _, _ = cv2.grabCut(pixels, seeds.copy(), whole, *mixtures, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    outline: np.ndarray = np.asarray(found) % 2 == 1
    return outline


# --- tidying ----------------------------------------------------------------------------------------------------------


def _tidy(mask: np.ndarray, weight: np.ndarray, drawn: np.ndarray, refinement: Refinement) -> np.ndarray:
    """Return a mask without stray pieces, holes and fringes, as far as asked; what strokes say stays."""
    import cv2

    if refinement.largest:
        mask = _heaviest(mask, weight, drawn > 0)
    if refinement.fill:
        mask = mask | _holes(mask, drawn < 0)
    if refinement.smooth_px:
        mask = cv2.medianBlur(mask.astype(np.uint8), refinement.smooth_px | 1) > 0  # the side must be odd
    return (mask | (drawn > 0)) & (drawn >= 0)


def _heaviest(mask: np.ndarray, weight: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the piece that the heat map speaks for most, and every piece that a stroke wants."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRIDGE_PX, BRIDGE_PX))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, pieces = cv2.connectedComponents(opened)
    if count == 1:  # there is only background
        return mask
    weights = np.bincount(pieces.ravel(), weight.ravel(), minlength=count)
    kept = {1 + int(np.argmax(weights[1:])), *np.unique(pieces[wanted]).tolist()} - {0}
    return np.isin(pieces, list(kept))


def _holes(mask: np.ndarray, unwanted: np.ndarray) -> np.ndarray:
    """Return the gaps in a mask that reach neither the picture's edge nor a stroke that excludes."""
    import cv2

    _, gaps = cv2.connectedComponents((~mask).astype(np.uint8), connectivity=4)
    frame = np.concatenate([gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]])
    open_ones = {0, *frame.tolist(), *gaps[unwanted].tolist()}
    return ~np.isin(gaps, list(open_ones))
