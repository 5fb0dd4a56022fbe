"""Things that stand around in an orchard, drawn on 8-bit canvases: other leaves, twigs, apples, stones, tools.

A canvas is (H, W, 3) uint8 in screen colours and is changed in place. Places and lengths are in canvas pixels.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from leafcore.data.rendered.fields import ByteArray, FloatArray, Rng, as_float
from leafcore.data.rendered.light import draw_light, shade
from leafcore.data.rendered.pose import Pose
from leafcore.data.rendered.shape import draw_shape
from leafcore.data.rendered.surface import grow_leaf

Point = tuple[float, float]

_SPRITES = 14
_SPRITE_PX = 84
_SUBPIXEL = 4  # bits, for OpenCV's `shift`


@lru_cache(maxsize=1)
def _sprites() -> list[tuple[ByteArray, FloatArray]]:
    """Neighbour leaves, rendered once: colour (h, w, 3) uint8 and coverage (h, w) float32 in [0, 1]."""
    made = []
    flat = Pose(np.eye(3), 1.0, (0.5, 0.5))
    for index in range(_SPRITES):
        rng = np.random.default_rng([77, index])
        shape = draw_shape(rng)
        surface = grow_leaf(shape, _SPRITE_PX, rng)
        lit = shade(surface, shape.relief, flat, draw_light(rng), rng)
        colour = np.sqrt(np.clip(1 - np.exp(-1.6 * lit), 0, 1)) * 255
        made.append((colour.astype(np.uint8), surface.alpha))
    return made


def paste_leaf(
    canvas: ByteArray, rng: Rng, centre: Point, length: float, gain: float, angle: float | None = None
) -> None:
    """Paste a neighbour leaf.

    Args:
        canvas: Changed in place.
        rng: Chooses the leaf, its angle, narrowing and tint.
        centre: Of the leaf.
        length: Leaf length in pixels.
        gain: Brightness factor.
        angle: Direction of the leaf in radians; drawn when None.
    """
    colour, cover = _sprites()[int(rng.integers(_SPRITES))]
    drawn, squash = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.0)
    tint = gain * rng.uniform([0.8, 0.88, 0.7], [1.15, 1.12, 1.2])
    turn = drawn if angle is None else angle
    zoom = length / _SPRITE_PX
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    matrix = np.stack([along * zoom, across * zoom * squash], axis=1)
    middle = np.array([cover.shape[1] / 2, cover.shape[0] / 2])
    reach = np.abs(matrix) @ middle
    low = np.maximum(np.floor(np.array(centre) - reach), 0).astype(int)
    high = np.minimum(np.ceil(np.array(centre) + reach), [canvas.shape[1], canvas.shape[0]]).astype(int)
    if np.any(high <= low):
        return
    affine = np.concatenate([matrix, (np.array(centre) - low - matrix @ middle)[:, None]], axis=1)
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    patch = cv2.warpAffine(colour, affine, size, borderMode=cv2.BORDER_REPLICATE)
    patch = np.clip(patch * tint, 0, 255).astype(np.uint8)
    weight = as_float(cv2.warpAffine(cover, affine, size))
    view = canvas[low[1] : high[1], low[0] : high[0]]
    view[:] = cv2.blendLinear(patch, view, weight, 1 - weight)


def shaded(colour: NDArray[np.float64], factor: float) -> tuple[float, float, float]:
    """Scale a screen colour and keep it in [0, 255], as OpenCV wants it."""
    r, g, b = np.clip(colour * factor, 0, 255)
    return float(r), float(g), float(b)


def line(canvas: ByteArray, points: FloatArray, colour: tuple[float, float, float], width: float) -> None:
    """Draw a smooth polyline through (P, 2) points."""
    fixed = [np.round(points * (1 << _SUBPIXEL)).astype(np.int32)]
    cv2.polylines(canvas, fixed, False, colour, max(1, round(width)), cv2.LINE_AA, shift=_SUBPIXEL)


def polygon(canvas: ByteArray, points: FloatArray, colour: tuple[float, float, float]) -> None:
    """Fill a polygon of (P, 2) points."""
    fixed = [np.round(points * (1 << _SUBPIXEL)).astype(np.int32)]
    cv2.fillPoly(canvas, fixed, colour, cv2.LINE_AA, shift=_SUBPIXEL)


def curve(rng: Rng, start: Point, end: Point, sag: float) -> FloatArray:
    """Draw a curved path between two points, (16, 2) float32; `sag` is its unevenness as a share of the length."""
    t = np.linspace(0, 1, 16)[:, None]
    a, b = np.array(start), np.array(end)
    across = np.array([a[1] - b[1], b[0] - a[0]])
    wave = rng.normal(0, sag) * np.sin(np.pi * t) + rng.normal(0, sag / 2) * np.sin(2 * np.pi * t)
    return as_float(a + (b - a) * t + across * wave)


def draw_twig(canvas: ByteArray, rng: Rng, start: Point, end: Point, width: float) -> None:
    """Draw a twig as a shaded cylinder with a few buds."""
    bark = np.array([[112, 96, 80], [136, 122, 104], [94, 72, 56], [124, 88, 66]][int(rng.integers(4))])
    path = curve(rng, start, end, 0.06)
    light = rng.uniform(0.8, 1.2)
    line(canvas, path, shaded(bark, 0.6 * light), width)
    line(canvas, path - np.float32(0.14 * width), shaded(bark, 0.95 * light), width * 0.65)
    line(canvas, path - np.float32(0.24 * width), shaded(bark, 1.25 * light), width * 0.25)
    for _ in range(int(6 + width)):  # rings and scars
        index, tone = int(rng.integers(1, 15)), rng.uniform(0.6, 1.2)
        step = path[index] - path[index - 1]
        across = np.array([-step[1], step[0]]) / (np.hypot(*step) + 1e-6) * width * rng.uniform(0.2, 0.5)
        at = path[index] + step * np.float32(rng.uniform(-0.5, 0.5))
        line(canvas, as_float(np.stack([at - across, at + across])), shaded(bark, tone * light), 1)
    for index in rng.integers(2, 14, int(rng.integers(0, 4)) if width < 16 else 0):
        at = (round(float(path[index, 0])), round(float(path[index, 1])))
        cv2.circle(canvas, at, max(1, round(width * 0.7)), shaded(bark, 0.8 * light), -1, cv2.LINE_AA)


def ball(
    canvas: ByteArray,
    rng: Rng,
    centre: Point,
    radius: float,
    colours: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Draw a round shaded thing, an apple or a pebble, its skin varying between two screen colours."""
    x0, x1 = int(max(0, centre[0] - radius - 1)), int(min(canvas.shape[1], centre[0] + radius + 2))
    y0, y1 = int(max(0, centre[1] - radius - 1)), int(min(canvas.shape[0], centre[1] + radius + 2))
    blush, spot = rng.uniform(-0.8, 0.8, 2), rng.uniform(-0.5, 0.0, 2)
    if x1 <= x0 or y1 <= y0:
        return
    x = as_float((np.arange(x0, x1) - centre[0]) / radius)[None, :]
    y = as_float((np.arange(y0, y1) - centre[1]) / radius)[:, None]
    squared = x * x + y * y
    depth = np.sqrt(np.clip(1 - squared, 0, 1))
    amount = np.clip(0.5 + x * blush[0] + y * blush[1], 0, 1)[..., None]
    skin = colours[0] * (1 - amount) + colours[1] * amount
    skin = skin * (0.45 + 0.6 * np.clip(depth * 0.7 - 0.45 * y - 0.2 * x, 0, 1))[..., None]
    skin = skin + 150 * np.clip(1 - ((x - spot[0]) ** 2 + (y - spot[1]) ** 2) * 14, 0, 1)[..., None] ** 2
    cover = np.clip((1 - np.sqrt(squared)) * radius + 0.5, 0, 1)[..., None]
    view = canvas[y0:y1, x0:x1]
    view[:] = np.clip(view * (1 - cover) + skin * cover, 0, 255).astype(np.uint8)


def draw_apple(canvas: ByteArray, rng: Rng, centre: Point, radius: float) -> None:
    """Draw an apple, green to red, with a stalk."""
    green, red, gold = np.array([150.0, 172, 84]), np.array([184.0, 48, 44]), np.array([214.0, 180, 90])
    pair = [(green, green * 0.9), (green, red), (red, red * 0.7), (gold, red), (green, gold)]
    colours = pair[int(rng.integers(len(pair)))]
    top = (centre[0] + float(rng.normal(0, 0.1)) * radius, centre[1] - 0.9 * radius)
    stalk = curve(rng, (top[0], top[1] + 0.2 * radius), (top[0] + radius * 0.1, top[1] - 0.4 * radius), 0.1)
    ball(canvas, rng, centre, radius, colours)
    line(canvas, stalk, (84, 66, 44), max(1.0, radius * 0.09))


def draw_stone(canvas: ByteArray, rng: Rng, centre: Point, radius: float) -> None:
    """Draw a stone with a lit upper side and a shadow below."""
    grey = np.array([1.0, 0.97, 0.92]) * rng.uniform(90, 190) + rng.uniform(-8, 12, 3)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    reach = radius * rng.uniform(0.75, 1.1, 9)
    ring = np.stack([np.cos(angles) * reach * 1.2, np.sin(angles) * reach * 0.85], axis=1)
    for push, factor, size in ((0.22, 0.35, 1.08), (0.0, 0.8, 1.0), (-0.14, 1.05, 0.75), (-0.22, 1.2, 0.4)):
        polygon(canvas, as_float(ring * size + np.array(centre) + push * radius), shaded(grey, factor))


def draw_debris(canvas: ByteArray, rng: Rng, count: int, sizes: tuple[float, float]) -> None:
    """Strew petals, dry crumbs, seeds and bits of bark: orange, brown, white and black things."""
    tones = np.array(
        [[226, 128, 36], [204, 92, 40], [142, 92, 52], [96, 62, 40], [240, 232, 226], [236, 196, 200], [34, 28, 24],
         [222, 186, 62], [150, 40, 48]]
    )  # fmt: skip
    for _ in range(count):
        tone, bright = tones[int(rng.integers(len(tones)))], rng.uniform(0.7, 1.1)
        at = rng.uniform(0, 1, 2) * [canvas.shape[1], canvas.shape[0]]
        size, flat, angle = rng.uniform(*sizes), rng.uniform(0.35, 0.9), rng.uniform(0, 360)
        box = ((float(at[0]), float(at[1])), (float(size * 2), float(size * 2 * flat)), float(angle))
        cv2.ellipse(canvas, box, shaded(tone, bright), -1, cv2.LINE_AA)


def draw_tool(canvas: ByteArray, rng: Rng, centre: Point, size: float) -> None:
    """Draw a tool: secateurs, a pen, a plant label or a coil of wire."""
    kind, turn = int(rng.integers(4)), rng.uniform(0, 2 * np.pi)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    def at(*points: Point) -> FloatArray:
        return as_float(np.array(points) * size @ axes + np.array(centre))

    grip = np.array([[196, 44, 36], [222, 120, 30], [40, 44, 48], [52, 92, 150]][int(rng.integers(4))])
    if kind == 0:
        polygon(canvas, at((0, -0.05), (0.55, -0.22), (0.85, -0.08), (0.1, 0.1)), (176, 180, 184))
        polygon(canvas, at((0, 0.05), (0.5, 0.2), (0.7, 0.05), (0.1, -0.05)), (120, 124, 130))
        line(canvas, at((0, 0), (-0.4, -0.18), (-0.95, -0.2)), shaded(grip, 1.0), size * 0.14)
        line(canvas, at((0, 0), (-0.4, 0.16), (-0.95, 0.24)), shaded(grip, 0.8), size * 0.14)
    elif kind == 1:
        line(canvas, at((-0.9, 0), (0.7, 0)), shaded(grip, 0.9), size * 0.13)
        line(canvas, at((-0.9, -0.03), (0.7, -0.03)), shaded(grip, 1.35), size * 0.04)
        polygon(canvas, at((0.7, -0.07), (0.7, 0.07), (0.92, 0)), (60, 56, 52))
    elif kind == 2:
        paper = shaded(np.array([238, 234, 214]), rng.uniform(0.8, 1.0))
        polygon(canvas, at((-0.8, -0.3), (0.8, -0.3), (0.8, 0.3), (-0.8, 0.3)), paper)
        for row in (-0.14, 0.02, 0.16):
            line(canvas, at((-0.6, row), (rng.uniform(0.1, 0.6), row)), (70, 70, 84), size * 0.03)
    else:
        for ring in rng.uniform(0.5, 0.9, 4):
            t = np.linspace(0, 2 * np.pi, 28)
            path = np.stack([np.cos(t) * ring, np.sin(t) * ring * 0.7], axis=1) * size @ axes + np.array(centre)
            line(canvas, as_float(path), shaded(np.array([150, 150, 152]), rng.uniform(0.6, 1.2)), size * 0.035)
