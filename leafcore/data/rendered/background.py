"""Backgrounds: orchard foliage, soil, grass, sky, bark, a table, a sheet of paper; none has a leaf in focus.

A background is a canvas of constant size, (256, 256, 3) uint8 in screen colours; the scene enlarges it.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from leafcore.data.rendered import props
from leafcore.data.rendered.fields import ByteArray, FloatArray, Rng, as_float, noise

CANVAS_PX = 256
_FAR_PX = 96

OUTDOORS = ("foliage", "grass", "sky", "bark")  # where a twig may carry the leaf


def _tinted(rng: Rng, dark: Sequence[float], light: Sequence[float], field: FloatArray, cast: float = 0.1) -> ByteArray:
    """Colour a field in about [-1.5, 1.5] between two screen colours; uint8."""
    jitter = rng.uniform(1 - cast, 1 + cast, 3)
    steps = np.linspace(0, 1, 256)[:, None]
    ramp = np.clip((np.array(dark) * (1 - steps) + np.array(light) * steps) * jitter, 0, 255).astype(np.uint8)
    index = np.clip(field * np.float32(84) + np.float32(128), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.merge([index] * 3), ramp[None]), dtype=np.uint8)


def _grown(canvas: ByteArray, blur_px: float) -> ByteArray:
    """Blur a far layer and enlarge it to the canvas."""
    soft = cv2.GaussianBlur(canvas, (0, 0), max(blur_px, 0.4))
    return np.asarray(cv2.resize(soft, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _bokeh(canvas: ByteArray, rng: Rng, count: int, tone: tuple[int, int, int]) -> None:
    """Put soft discs of light on a far canvas."""
    veil = canvas.copy()
    for _ in range(count):
        at = rng.integers(0, canvas.shape[0], 2)
        cv2.circle(veil, (int(at[0]), int(at[1] * 0.8)), int(rng.integers(2, 8)), tone, -1, cv2.LINE_AA)
    cv2.addWeighted(veil, rng.uniform(0.4, 0.9), canvas, 0.1, 0, dst=canvas)


def foliage(rng: Rng, near: bool) -> ByteArray:
    """Orchard foliage out of focus, with gaps of sky; `near` adds neighbour leaves in half focus."""
    field = (
        noise(rng, (_FAR_PX, _FAR_PX), (6, 6), 3) + as_float(np.linspace(rng.uniform(-0.4, 1), -0.5, _FAR_PX))[:, None]
    )
    bright = rng.uniform(0.75, 1.25)
    far = _tinted(rng, [34 * bright, 54 * bright, 28 * bright], [138 * bright, 166 * bright, 92], field)
    for _ in range(int(rng.integers(8, 22))):
        at = rng.uniform(0, _FAR_PX, 2)
        props.paste_leaf(far, rng, (at[0], at[1]), rng.uniform(18, 44), rng.uniform(0.45, 1.3) * bright)
    if rng.random() < 0.6:
        _bokeh(far, rng, int(rng.integers(4, 26)), (226, 236, 224))
    if rng.random() < 0.45:
        ends = rng.uniform(-10, _FAR_PX + 10, (2, 2))
        props.draw_twig(far, rng, (ends[0, 0], 0.0), (ends[1, 0], float(_FAR_PX)), rng.uniform(2, 10))
    if rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 4))):
            at = rng.uniform(0, _FAR_PX, 2)
            props.draw_apple(far, rng, (at[0], at[1]), rng.uniform(7, 16))
    if rng.random() < 0.4:
        props.draw_debris(far, rng, int(rng.integers(3, 14)), (0.8, 3.0))
    canvas = _grown(far, rng.uniform(0.7, 2.6) + (0.0 if near else 1.0))
    if near:
        _neighbours(canvas, rng, int(rng.integers(1, 7)), bright)
    return canvas


def _neighbours(canvas: ByteArray, rng: Rng, count: int, bright: float) -> None:
    """Lay neighbour leaves over the canvas and blur them."""
    for _ in range(count):
        at = rng.uniform(-0.1, 1.1, 2) * CANVAS_PX
        props.paste_leaf(canvas, rng, (at[0], at[1]), rng.uniform(90, 190), rng.uniform(0.45, 1.15) * bright)
    cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1.2, 3.5), dst=canvas)


def soil(rng: Rng, near: bool) -> ByteArray:
    """Bare soil with stones and crumbs; `near` adds fallen leaves, blurred."""
    size = (CANVAS_PX, CANVAS_PX)
    field = noise(rng, size, (9, 9), 3) * 0.6 + noise(rng, size, (90, 90), 2) * 0.7
    tones = [([62, 46, 34], [156, 124, 94]), ([50, 44, 40], [128, 116, 104]), ([92, 58, 38], [184, 140, 102])]
    dark, light = tones[int(rng.integers(3))]
    canvas = _tinted(rng, dark, light, field)
    for _ in range(int(rng.integers(6, 30))):
        at = rng.uniform(0, CANVAS_PX, 2)
        props.draw_stone(canvas, rng, (at[0], at[1]), rng.uniform(2, 5) * rng.choice([1, 1, 2.6]))
    props.draw_debris(canvas, rng, int(rng.integers(4, 26)), (1.0, 4.5))
    blur = rng.uniform(0.4, 2.2)
    if near and rng.random() < 0.5:
        _neighbours(canvas, rng, int(rng.integers(1, 3)), 0.9)
    cv2.GaussianBlur(canvas, (0, 0), blur, dst=canvas)
    return canvas


def grass(rng: Rng, near: bool) -> ByteArray:
    """Grass with clover flowers and dry blades; `near` adds a neighbour leaf, blurred."""
    field = noise(rng, (CANVAS_PX, CANVAS_PX), (10, 10), 3)
    canvas = _tinted(rng, [36, 56, 24], [112, 140, 58], field)
    base = np.array([98.0, 136, 52])
    lean = rng.normal(0, 0.5)
    count = int(rng.integers(80, 140))
    for depth in np.linspace(0.1, 1, count):  # from the far, dark blades to the near, bright ones
        x, y = rng.uniform(-20, CANVAS_PX + 20), CANVAS_PX * (0.3 + 0.95 * depth) + rng.normal(0, 25)
        long, tilt = rng.uniform(30, 130), lean + rng.normal(0, 0.3)
        tone = base * (0.35 + 0.9 * depth) * rng.uniform(0.7, 1.35) + rng.uniform([-16, -12, -12], [40, 20, 10])
        tip = (x + long * np.sin(tilt), y - long * np.cos(tilt))
        ends = as_float(np.array([[x, y], [(x + tip[0]) / 2 + rng.normal(0, 6), (y + tip[1]) / 2], tip]))
        props.line(canvas, ends, props.shaded(tone, 1.0), rng.uniform(1, 3.4))
    props.draw_debris(canvas, rng, int(rng.integers(2, 22)), (1.0, 4.0))
    blur = rng.uniform(0.8, 3.8)
    if near and rng.random() < 0.6:
        _neighbours(canvas, rng, int(rng.integers(1, 4)), 1.0)
    cv2.GaussianBlur(canvas, (0, 0), blur, dst=canvas)
    return canvas


def sky(rng: Rng, near: bool) -> ByteArray:
    """Bright sky through a thin canopy, with bokeh; `near` adds neighbour leaves."""
    slope = np.linspace(-1.2, 1.2, _FAR_PX)[:, None] * np.ones((1, _FAR_PX))
    field = as_float(slope) + 0.5 * noise(rng, (_FAR_PX, _FAR_PX), (4, 4), 3)
    blue = rng.uniform(0, 1)
    dark = [206 - 96 * blue, 216 - 60 * blue, 222 - 4 * blue]
    far = _tinted(rng, dark, [238, 242, 240], field)
    for _ in range(int(rng.integers(3, 16))):
        at = rng.uniform(0, 1, 2) ** [1, 0.7] * _FAR_PX
        props.paste_leaf(far, rng, (at[0], at[1]), rng.uniform(14, 44), rng.uniform(0.5, 1.3))
    for _ in range(int(rng.integers(0, 4))):
        ends = rng.uniform(-10, _FAR_PX + 10, 2)
        props.draw_twig(far, rng, (ends[0], 0.0), (ends[1], float(_FAR_PX)), rng.uniform(1, 5))
    _bokeh(far, rng, int(rng.integers(6, 24)), (250, 250, 240))
    canvas = _grown(far, rng.uniform(0.6, 2.4) + (0.0 if near else 1.2))
    if near:
        _neighbours(canvas, rng, int(rng.integers(0, 4)), 1.0)
    return canvas


def bark(rng: Rng, near: bool) -> ByteArray:
    """A trunk or a weathered board; `near` adds a neighbour leaf, blurred."""
    size = (CANVAS_PX, CANVAS_PX)
    field = noise(rng, size, (4, 40), 3) * 0.75 + noise(rng, size, (30, 90), 2) * 0.4
    tones = [([48, 38, 32], [150, 128, 108]), ([70, 66, 62], [176, 170, 160]), ([92, 60, 36], [186, 140, 96])]
    dark, light = tones[int(rng.integers(3))]
    canvas = _tinted(rng, dark, light, field)
    if rng.random() < 0.5:
        canvas = np.ascontiguousarray(canvas.transpose(1, 0, 2))
    lichen = np.clip(noise(rng, size, (14, 14), 3) - 1.1, 0, 0.6)[..., None]
    canvas = np.asarray(canvas * (1 - lichen) + np.array([168, 176, 140]) * lichen, dtype=np.uint8)
    props.draw_debris(canvas, rng, int(rng.integers(0, 10)), (1.0, 4.0))
    blur = rng.uniform(0.5, 3.0)
    if near and rng.random() < 0.5:
        _neighbours(canvas, rng, int(rng.integers(1, 4)), 1.0)
    cv2.GaussianBlur(canvas, (0, 0), blur, dst=canvas)
    return canvas


def table(rng: Rng, near: bool) -> ByteArray:
    """A grey table, lit from one side, with crumbs and sometimes a tool at the edge."""
    x, y = np.meshgrid(np.linspace(-1, 1, CANVAS_PX), np.linspace(-1, 1, CANVAS_PX))
    fall = rng.uniform(-1, 1, 2)
    field = as_float(x * fall[0] + y * fall[1]) + 0.12 * noise(rng, (CANVAS_PX, CANVAS_PX), (120, 120), 2)
    level = rng.uniform(60, 170)
    canvas = _tinted(rng, [level * 0.7] * 3, [level * 1.3] * 3, field, 0.03)
    props.draw_debris(canvas, rng, int(rng.integers(0, 12)), (1.0, 4.0))
    if rng.random() < 0.3:
        edge = rng.choice([0.06, 0.94])
        props.draw_tool(canvas, rng, (CANVAS_PX * edge, CANVAS_PX * rng.uniform(0.1, 0.9)), rng.uniform(40, 70))
    cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.5), dst=canvas)
    return canvas


def paper(rng: Rng, near: bool) -> ByteArray:
    """A hand-made sheet: warm white, fibres, deckle shadows, a few specks."""
    size = (CANVAS_PX, CANVAS_PX)
    field = noise(rng, size, (5, 5), 2) * 0.5 + noise(rng, size, (128, 128)) * 0.45
    warm = rng.uniform(0, 40)
    canvas = _tinted(rng, [196, 192 - warm * 0.3, 186 - warm], [240, 238, 234 - warm * 0.7], field, 0.03)
    for _ in range(int(rng.integers(20, 60))):
        a = rng.uniform(0, CANVAS_PX, 2)
        b = a + rng.normal(0, 12, 2)
        tone = np.array([170, 160, 140]) * rng.uniform(0.75, 1.3)
        props.line(canvas, props.curve(rng, (a[0], a[1]), (b[0], b[1]), 0.2), props.shaded(tone, 1.0), 1)
    props.draw_debris(canvas, rng, int(rng.integers(0, 10)), (0.8, 3.0))
    cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.0), dst=canvas)
    return canvas


KINDS: dict[str, tuple[Callable[[Rng, bool], ByteArray], float]] = {
    "foliage": (foliage, 0.5),
    "grass": (grass, 0.12),
    "sky": (sky, 0.11),
    "soil": (soil, 0.08),
    "bark": (bark, 0.07),
    "table": (table, 0.06),
    "paper": (paper, 0.06),
}


def draw_background(rng: Rng, *, near: bool) -> tuple[str, ByteArray]:
    """Draw a background.

    Args:
        rng: Chooses the kind and draws it.
        near: Whether neighbour leaves in half focus may appear.

    Returns:
        The kind's name and the canvas, (256, 256, 3) uint8.
    """
    kind = str(rng.choice(list(KINDS), p=[share for _, share in KINDS.values()]))
    return kind, KINDS[kind][0](rng, near)
