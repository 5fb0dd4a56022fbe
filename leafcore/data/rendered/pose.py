"""How a leaf lies in the frame: rotation, tilt and place, and the map from picture pixels back to the leaf."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leafcore.data.rendered.fields import FloatArray, Rng, as_float
from leafcore.data.rendered.shape import LeafShape, Relief, height

_STEPS = 32  # nodes of the coarse map across the whole frame


@dataclass(frozen=True)
class Pose:
    """Where a leaf is. Frame coordinates run from 0 to 1 across the picture, `y` downwards."""

    rotation: NDArray[np.float64]  # (3, 3), leaf to camera; the camera looks along -z
    scale: float  # leaf length in frame widths, before foreshortening
    centre: tuple[float, float]

    def project(self, shape: LeafShape, relief: Relief, u: FloatArray, v: FloatArray) -> FloatArray:
        """Project leaf points to the frame.

        Args:
            shape: The leaf's geometry.
            relief: The blade's bending.
            u: (P,) leaf coordinates.
            v: (P,) leaf coordinates.

        Returns:
            (P, 2) float32 of x and y in frame coordinates.
        """
        flat = np.clip(u, 0, 1)
        points = np.stack([u - 0.5, v + shape.bowed(flat), height(relief, shape.half_width, flat, v)])
        return as_float((self.rotation[:2] @ points).T * self.scale + np.array(self.centre))

    def to_leaf(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn a (3,) direction of the camera's space into the leaf's."""
        return self.rotation.T @ direction


def draw_pose(rng: Rng, shape: LeafShape, relief: Relief, *, tilt: float = 0.33) -> Pose:
    """Draw a pose that fills 45 to 85 % of the frame and at least an eighth of its area."""
    turn, axis = rng.uniform(0, 2 * np.pi, 2)
    lean = min(abs(rng.normal(0, tilt)), 0.7)
    rotation = _turn(turn) @ _turn(axis) @ _lean(lean) @ _turn(-axis)
    share, cut, luck = rng.uniform(0.55, 0.86), rng.uniform(0.02, 0.12), rng.random()
    place, side = rng.uniform(-1, 1, 2), int(rng.integers(4))
    flat = Pose(rotation, 1.0, (0.0, 0.0)).project(shape, relief, shape.outline[:, 0], shape.outline[:, 1])
    low, high = flat.min(axis=0), flat.max(axis=0)
    area = abs(float(cv2.contourArea(flat)))
    scale = max(share / float(max(high - low)), float(np.sqrt(0.135 / area)))
    scale = min(scale, 0.95 / float(max(high - low)))
    extent = (high - low) * scale
    offset = place * np.maximum(0.97 - extent, 0) / 2
    if luck < 0.17:  # the frame cuts the leaf slightly
        offset[side % 2] = (1 if side < 2 else -1) * ((1 - extent[side % 2]) / 2 + cut * extent[side % 2])
    centre = 0.5 + offset - (low + high) / 2 * scale
    return Pose(rotation, scale, (float(centre[0]), float(centre[1])))


def _turn(angle: float) -> NDArray[np.float64]:
    """Rotation in the picture plane, (3, 3)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _lean(angle: float) -> NDArray[np.float64]:
    """Rotation about the x axis, (3, 3)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def leaf_maps(
    pose: Pose, shape: LeafShape, relief: Relief, frame_px: int
) -> tuple[tuple[slice, slice], FloatArray, FloatArray]:
    """Compute, for the part of the frame that the blade may touch, which leaf point each pixel shows.

    The map is solved on a coarse grid by fixed-point iteration over the relief and enlarged.

    Args:
        pose: The pose.
        shape: The leaf's geometry.
        relief: The blade's bending.
        frame_px: Side of the frame in pixels, a multiple of 32.

    Returns:
        The rows and columns of the frame, and the maps `u` and `v` over them, (h, w) float32.
    """
    step = frame_px // _STEPS
    seen = pose.project(shape, relief, shape.outline[:, 0], shape.outline[:, 1]) * _STEPS
    low = np.clip(np.floor(seen.min(axis=0)) - 1, 0, _STEPS - 2).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + 1, low + 2, _STEPS).astype(int)
    x = (np.arange(low[0] - 1, high[0] + 1) + 0.5) / _STEPS
    y = (np.arange(low[1] - 1, high[1] + 1) + 0.5) / _STEPS
    px, py = np.meshgrid((x - pose.centre[0]) / pose.scale, (y - pose.centre[1]) / pose.scale)
    inverse = np.linalg.inv(pose.rotation[:2, :2])
    u, v = np.full_like(px, 0.5), np.zeros_like(px)
    for _ in range(8):
        z = height(relief, shape.half_width, as_float(u), as_float(v))
        qx, qy = px - pose.rotation[0, 2] * z, py - pose.rotation[1, 2] * z
        u = inverse[0, 0] * qx + inverse[0, 1] * qy + 0.5
        v = inverse[1, 0] * qx + inverse[1, 1] * qy - shape.bowed(as_float(np.clip(u, 0, 1)))
    window = (slice(low[1] * step, high[1] * step), slice(low[0] * step, high[0] * step))
    maps = [_enlarge(as_float(m), step) for m in (u, v)]
    return window, maps[0], maps[1]


def _enlarge(coarse: FloatArray, step: int) -> FloatArray:
    """Enlarge a coarse map by `step` and drop the one-node rim it was computed with."""
    full = cv2.resize(coarse, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    return as_float(np.ascontiguousarray(full[step:-step, step:-step]))
