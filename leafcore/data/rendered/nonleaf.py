"""Pictures of the same orchard without a leaf in focus: ground, sky, bark, apples, stones, tools."""

import cv2

from leafcore.data.rendered import props
from leafcore.data.rendered.background import CANVAS_PX, OUTDOORS, draw_background
from leafcore.data.rendered.fields import ByteArray, Rng, stream
from leafcore.data.rendered.light import draw_light
from leafcore.data.rendered.stage import enlarged, light_ground, photograph, working_px

_BACKGROUND, _LIGHT, _GROUND, _CAMERA, _NOISE = 61, 62, 63, 64, 65  # rooms of the seed


def render_nonleaf(size_px: int, *, seed: int) -> ByteArray:
    """Render a scene of the same orchard without a leaf in focus.

    Args:
        size_px: Side of the picture.
        seed: Fixes everything; >= 0.

    Returns:
        (S, S, 3) uint8 RGB; the same arguments give the same bytes.
    """
    rng = stream(seed, _BACKGROUND)
    kind, canvas = draw_background(rng, near=False)
    _furnish(canvas, rng, kind)
    cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.1), dst=canvas)
    scene = enlarged(canvas, working_px(size_px))
    light_ground(scene, draw_light(stream(seed, _LIGHT)), stream(seed, _GROUND))
    return photograph(scene, size_px, stream(seed, _CAMERA), stream(seed, _NOISE))


def _furnish(canvas: ByteArray, rng: Rng, kind: str) -> None:
    """Put up to three things that are no leaves into the foreground; in place."""

    def somewhere() -> tuple[float, float]:
        x, y = rng.uniform(0.1, 0.9, 2) * CANVAS_PX
        return float(x), float(y)

    for _ in range(int(rng.integers(0, 4))):
        thing = str(rng.choice(["apple", "stone", "twig", "tool", "trunk", "debris"]))
        if thing == "apple":
            props.draw_apple(canvas, rng, somewhere(), rng.uniform(18, 62))
        elif thing == "stone" and kind not in OUTDOORS:
            props.draw_stone(canvas, rng, somewhere(), rng.uniform(16, 50))
        elif thing == "twig":
            props.draw_twig(canvas, rng, somewhere(), (float(rng.uniform(-20, 276)), -10.0), rng.uniform(3, 14))
        elif thing == "tool":
            props.draw_tool(canvas, rng, somewhere(), rng.uniform(45, 100))
        elif thing == "trunk":
            foot = float(rng.uniform(0, CANVAS_PX))
            props.draw_twig(canvas, rng, (foot, -10.0), (foot + rng.normal(0, 50), 270.0), rng.uniform(20, 60))
        else:
            props.draw_debris(canvas, rng, int(rng.integers(3, 20)), (2.0, 7.0))
