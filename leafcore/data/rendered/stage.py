"""The stage that pictures with and without a leaf share: the ground and its light, and the final exposure."""

import cv2
import numpy as np

from leafcore.data.rendered.background import CANVAS_PX
from leafcore.data.rendered.camera import draw_camera, expose
from leafcore.data.rendered.fields import ByteArray, FloatArray, Rng, as_float, noise, smooth
from leafcore.data.rendered.light import Light

_GRID = 32  # the working frame is a multiple of this many pixels wide
_SHADOW_PX = 64
_TO_LINEAR = as_float((np.arange(256) / 255) ** 2)


def working_px(size_px: int) -> int:
    """Side of the working frame: about twice the picture's, a multiple of the grid."""
    return max(2, -(-2 * size_px // _GRID)) * _GRID


def enlarged(canvas: ByteArray, frame_px: int) -> FloatArray:
    """Bring a background canvas to the frame's size and into linear light; (F, F, 3) float32."""
    how = cv2.INTER_CUBIC if frame_px > CANVAS_PX else cv2.INTER_AREA
    full = canvas if frame_px == CANVAS_PX else cv2.resize(canvas, (frame_px, frame_px), interpolation=how)
    return as_float(cv2.LUT(full, _TO_LINEAR))


def light_ground(scene: FloatArray, light: Light, rng: Rng) -> None:
    """Let sun and shade play over the background; in place."""
    field = noise(rng, (64, 64), (5, 5), 3) + np.float32(rng.uniform(-0.5, 0.7))
    edge = rng.uniform(0.4, 1.2)
    lit = smooth(field, -edge, edge) * np.float32(0.4 + light.dapple)
    lit += np.float32(1 - 0.6 * light.dapple)
    planes = [
        lit * (sun * np.float32(0.9)) + sky * np.float32(0.8) for sun, sky in zip(light.sun, light.sky, strict=True)
    ]
    size = (scene.shape[1], scene.shape[0])
    scene *= cv2.resize(cv2.merge(planes), size, interpolation=cv2.INTER_LINEAR)


def cast_shadow(scene: FloatArray, cover: FloatArray, window: tuple[slice, slice], light: Light) -> None:
    """Darken the ground beside the leaf, away from the sun.

    Args:
        scene: (F, F, 3) float32 linear light; changed.
        cover: (h, w) float32 coverage of the leaf in [0, 1].
        window: Where `cover` lies in the scene.
        light: Where the sun stands.
    """
    frame_px, side = scene.shape[0], _SHADOW_PX
    full = np.zeros((frame_px, frame_px), np.float32)
    full[window] = cover
    small = cv2.resize(full, (side, side), interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, -3.0 * light.towards_sun[0]], [0, 1, -3.0 * light.towards_sun[1]]])
    soft = cv2.GaussianBlur(cv2.warpAffine(small, shift, (side, side)), (0, 0), 1.2)
    dark = 1 - np.float32(0.55) * as_float(cv2.resize(soft, (frame_px, frame_px), interpolation=cv2.INTER_LINEAR))
    scene *= cv2.merge([dark] * 3)


def photograph(scene: FloatArray, size_px: int, camera_rng: Rng, noise_rng: Rng) -> ByteArray:
    """Bring the scene to the picture's size by area averaging and expose it; (S, S, 3) uint8."""
    small = as_float(cv2.resize(scene, (size_px, size_px), interpolation=cv2.INTER_AREA))
    return expose(small, draw_camera(camera_rng), noise_rng)
