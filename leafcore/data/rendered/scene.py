"""Compose photographs: a leaf in a pose under a light, before a background, through a camera."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from leafcore.data.rendered import props
from leafcore.data.rendered.background import CANVAS_PX, OUTDOORS, draw_background
from leafcore.data.rendered.fields import ByteArray, FloatArray, Rng, as_float, linear, stream
from leafcore.data.rendered.harmless import water_drops, wear
from leafcore.data.rendered.lesions import PAINTERS, mildew_curl
from leafcore.data.rendered.light import Light, draw_light, shade
from leafcore.data.rendered.plan import LABELS
from leafcore.data.rendered.pose import Pose, draw_pose, leaf_maps
from leafcore.data.rendered.shape import LeafShape, Relief, draw_shape
from leafcore.data.rendered.stage import cast_shadow, enlarged, light_ground, photograph, working_px
from leafcore.data.rendered.surface import Surface, grow_leaf
from leafcore.errors import DatasetError

# Rooms of a leaf's seed and of a view's seed: each has its own generator.
_SHAPE, _COLOUR, _WEAR, _LESION = 1, 2, 3, 11
_POSE, _LIGHT, _BACKGROUND, _CAMERA, _NOISE, _DROPS, _DAPPLES, _TWIG, _GROUND = range(31, 40)


@dataclass(frozen=True)
class Rendered:
    """A rendered photograph and the truth about it."""

    image: ByteArray  # (S, S, 3) uint8 RGB
    mask: ByteArray  # (S, S) uint8 in {0, 255}, 255 = the main leaf, its holes and stalk included


@dataclass(frozen=True)
class _Laid:
    """A lit leaf as the frame sees it; arrays over the window it touches."""

    window: tuple[slice, slice]
    colours: FloatArray  # (h, w, 3) linear light
    blade: FloatArray  # (h, w) coverage without regard to holes, [0, 1]
    tissue: FloatArray  # (h, w) coverage less holes, [0, 1]


def render_leaf(labels: Iterable[str], size_px: int, *, leaf_seed: int, view_seed: int) -> Rendered:
    """Render a photograph of one apple leaf.

    Args:
        labels: "healthy" alone, or any of the diseases in `LABELS`.
        size_px: Side of the picture; the scene looks the same at every size.
        leaf_seed: Fixes the leaf: outline, veins, colour, wear, lesion layout; >= 0.
        view_seed: Fixes the photograph: background, pose, light, blur, neighbours, noise; >= 0.

    Returns:
        The picture and its mask; the same arguments give the same bytes.

    Raises:
        DatasetError: If a label is unknown, or "healthy" stands beside a disease.
    """
    present = _checked(labels)
    frame_px = working_px(size_px)
    shape = draw_shape(stream(leaf_seed, _SHAPE))
    pose = draw_pose(stream(view_seed, _POSE), shape, shape.relief)
    light = draw_light(stream(view_seed, _LIGHT))
    relief = shape.relief
    if "powdery_mildew" in present:
        relief = relief.curled(mildew_curl(_lesion_rng(leaf_seed, "powdery_mildew")))
    surface = _paint_leaf(shape, pose.scale * frame_px, present, leaf_seed)
    drops = stream(view_seed, _DROPS)
    if drops.random() < 0.12:
        water_drops(surface, drops)
    laid = _lay(surface, relief, pose, light, stream(view_seed, _DAPPLES), frame_px)

    kind, canvas = draw_background(stream(view_seed, _BACKGROUND), near=True)
    stalk = _stalk(shape, relief, pose)
    if kind in OUTDOORS:
        _hang_on_twig(canvas, stream(view_seed, _TWIG), stalk)
    scene = enlarged(canvas, frame_px)
    light_ground(scene, light, stream(view_seed, _GROUND))
    if kind not in OUTDOORS:
        cast_shadow(scene, laid.tissue, laid.window, light)
    cover = _draw_stalk(scene, stalk, light)
    _blend(scene, cover, laid)
    image = photograph(scene, size_px, stream(view_seed, _CAMERA), stream(view_seed, _NOISE))
    return Rendered(image, _main_component(cover, size_px))


def _checked(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the labels in `LABELS` order, or raise."""
    asked = set(labels)
    known = ", ".join(LABELS)
    unknown = sorted(asked - set(LABELS))
    if unknown:
        raise DatasetError(f"Cannot render label {', '.join(map(repr, unknown))}: the renderer knows {known}.")
    if not asked or ("healthy" in asked and len(asked) > 1):
        got = ", ".join(sorted(asked)) or "none"
        raise DatasetError(f"Cannot render labels {got}: give 'healthy' alone, or one or more of {known}.")
    return tuple(label for label in LABELS if label in asked)


def _lesion_rng(leaf_seed: int, label: str) -> Rng:
    """Generator of one disease on one leaf."""
    return stream(leaf_seed, _LESION + LABELS.index(label))


def _paint_leaf(shape: LeafShape, px: float, present: tuple[str, ...], leaf_seed: int) -> Surface:
    """Grow the leaf, wear it, and make it ill."""
    surface = grow_leaf(shape, px, stream(leaf_seed, _COLOUR))
    wear(surface, stream(leaf_seed, _WEAR))
    for label in present:
        if label in PAINTERS:
            PAINTERS[label](surface, _lesion_rng(leaf_seed, label), None)
    return surface


def _lay(surface: Surface, relief: Relief, pose: Pose, light: Light, rng: Rng, frame_px: int) -> _Laid:
    """Light the surface and bring it into the frame."""
    colours = shade(surface, relief, pose, light, rng)
    window, u, v = leaf_maps(pose, surface.shape, relief, frame_px)
    columns = (u - surface.u[0, 0]) * np.float32(surface.px)
    rows = (v - surface.v[0, 0]) * np.float32(surface.px)
    seen = cv2.remap(colours, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    blade = as_float(cv2.remap(surface.alpha, columns, rows, cv2.INTER_LINEAR))
    tissue = blade
    if surface.holes.any():
        tissue = blade * (1 - as_float(cv2.remap(surface.holes, columns, rows, cv2.INTER_LINEAR)))
    return _Laid(window, as_float(seen), blade, tissue)


def _stalk(shape: LeafShape, relief: Relief, pose: Pose) -> FloatArray:
    """Path of the leaf stalk from the blade outwards, (8, 2) float32 in frame coordinates."""
    length, bend = shape.petiole
    t = np.linspace(-0.08, 1, 8)
    return pose.project(shape, relief, as_float(-t * length), as_float(bend * length * t**2))


def _hang_on_twig(canvas: ByteArray, rng: Rng, stalk: FloatArray) -> None:
    """Lead a twig past the end of the stalk."""
    end = stalk[-1] * CANVAS_PX
    turn, width, luck = rng.uniform(0, 2 * np.pi), rng.uniform(4, 11), rng.random()
    if luck > 0.65:
        return
    reach = np.array([np.cos(turn), np.sin(turn)]) * CANVAS_PX
    twig = canvas.copy()
    start, stop = end - reach, end + reach
    props.draw_twig(twig, rng, (float(start[0]), float(start[1])), (float(stop[0]), float(stop[1])), width)
    cv2.GaussianBlur(twig, (0, 0), 0.8, dst=twig)
    canvas[:] = twig


def _draw_stalk(scene: FloatArray, stalk: FloatArray, light: Light) -> FloatArray:
    """Draw the stalk into the scene, in place; returns its coverage, (F, F) float32 in [0, 1]."""
    frame_px = scene.shape[0]
    path = stalk * frame_px
    cover = np.zeros(scene.shape[:2], np.uint8)
    props.line(cover, path, (255.0, 255.0, 255.0), 0.014 * frame_px)
    weight = as_float(cover / np.float32(255))
    bright = (light.sun * np.float32(0.5) + light.sky) * linear(150, 158, 92)
    rim = 0.014 * frame_px + 2
    low, high = np.floor(path.min(axis=0) - rim).astype(int), np.ceil(path.max(axis=0) + rim).astype(int)
    low, high = np.clip(low, 0, frame_px - 1), np.clip(high, 1, frame_px)
    part = (slice(low[1], high[1]), slice(low[0], high[0]))
    scene[part] += (bright - scene[part]) * weight[part][..., None]
    return weight


def _blend(scene: FloatArray, cover: FloatArray, laid: _Laid) -> None:
    """Lay the leaf over scene and coverage, in place."""
    view = scene[laid.window]
    view[:] = cv2.blendLinear(laid.colours, np.ascontiguousarray(view), laid.tissue, 1 - laid.tissue)
    np.maximum(cover[laid.window], laid.blade, out=cover[laid.window])


def _main_component(cover: FloatArray, size_px: int) -> ByteArray:
    """Threshold the coverage at the picture's size and keep the largest connected part; (S, S) uint8."""
    small = cv2.resize(cover, (size_px, size_px), interpolation=cv2.INTER_AREA)
    count, parts, stats, _ = cv2.connectedComponentsWithStats((small >= 0.5).astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros((size_px, size_px), np.uint8)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.where(parts == largest, 255, 0).astype(np.uint8)
