"""Pictures with their masks, drawn anew whenever the threshold moves."""

from typing import Literal, get_args

import numpy as np
import streamlit as st

from leafcore.data.mask_sets import Refinement
from leafcore.images import draw_contour, overlay_mask
from leafcore.masks.corrections import Correction
from leafcore.masks.maps import heat_overlay, threshold
from leafcore.masks.refine import corrected

View = Literal["Mask", "Contour", "Heat map", "Photo"]
VIEWS: tuple[View, ...] = get_args(View)


def mask_of(
    picture: np.ndarray,
    cam: np.ndarray,
    delta: float,
    refinement: Refinement,
    correction: Correction | None,
    source: str,
) -> np.ndarray:
    """Return a picture's mask as a mask set would hold it, at the size of what is shown.

    Args:
        picture: (H, W, 3) uint8.
        cam: (h, w) float in [0, 1].
        delta: The threshold.
        refinement: What is done after it.
        correction: What a person says of it.
        source: Names picture and model, so that a refined mask is computed once.

    Returns:
        (H, W) bool.
    """
    height, width = picture.shape[:2]
    if refinement.is_plain and correction is None:
        return threshold(cam, delta, width, height)
    said = "" if correction is None else correction.model_dump_json()
    return _refined(source, (width, height), delta, refinement.model_dump_json(), said, picture, cam)


@st.cache_data(max_entries=1024, show_spinner=False)
def _refined(
    source: str,
    size: tuple[int, int],
    delta: float,
    refinement: str,
    correction: str,
    _picture: np.ndarray,
    _cam: np.ndarray,
) -> np.ndarray:
    del source  # the key
    said = Correction.model_validate_json(correction) if correction else None
    return corrected(_picture, _cam, delta, Refinement.model_validate_json(refinement), said, size=size).mask


def draw(picture: np.ndarray, cam: np.ndarray, mask: np.ndarray, view: View) -> np.ndarray:
    """Return a picture as a view shows it.

    Args:
        picture: (H, W, 3) uint8.
        cam: (h, w) float in [0, 1].
        mask: (H, W) bool.
        view: Darkened outside the mask, with its contour, under the heat map with it, or as it is.
    """
    if view == "Mask":
        return overlay_mask(picture, mask)
    if view == "Contour":
        return draw_contour(picture, mask)
    if view == "Heat map":
        return draw_contour(heat_overlay(picture, cam), mask)
    return picture
