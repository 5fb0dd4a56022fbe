"""From heat maps to masks and pictures; free of torch, so that a slider can do it on every move."""

import numpy as np
from PIL import Image

_INFERNO = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float32)
_STOPS = np.linspace(0, 255, len(_INFERNO))
_PALETTE = np.stack([np.interp(np.arange(256), _STOPS, part) for part in _INFERNO.T], 1).astype(np.uint8).tobytes()


def resize_map(cam: np.ndarray, width: int, height: int) -> np.ndarray:
    """Enlarge a heat map to a picture, bilinearly and without rescaling it again, as the paper's code does.

    Args:
        cam: (h, w) float in [0, 1].
        width: Of the picture, px.
        height: Of the picture, px.

    Returns:
        (height, width) float32 in [0, 1].
    """
    return np.asarray(Image.fromarray(cam.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR))


def threshold(cam: np.ndarray, delta: float, width: int, height: int) -> np.ndarray:
    """Return the mask: where the enlarged heat map reaches delta. An empty heat map gives an empty mask.

    Args:
        cam: (h, w) float in [0, 1].
        delta: In [0, 1].
        width: Of the picture, px.
        height: Of the picture, px.

    Returns:
        (height, width) bool, True on the leaf.
    """
    if not cam.any():
        return np.zeros((height, width), bool)
    mask: np.ndarray = resize_map(cam, width, height) >= delta
    return mask


def heat_overlay(image: np.ndarray, cam: np.ndarray) -> np.ndarray:
    """Lay a heat map over a picture: dark for 0, yellow for 1.

    Args:
        image: (H, W, 3) uint8.
        cam: (h, w) float in [0, 1].

    Returns:
        (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    levels = (resize_map(np.nan_to_num(cam), width, height) * 255).astype(np.uint8)
    heat = Image.fromarray(levels).convert("P")
    heat.putpalette(_PALETTE)
    return np.asarray(Image.blend(Image.fromarray(image), heat.convert("RGB"), 0.55))
