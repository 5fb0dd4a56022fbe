"""Rendered apple leaves: a dataset drawn by code, for demos, tests and teaching.

Every picture comes from two seeds. The leaf's seed fixes outline, veins, colour, wear and lesions; the view's seed
fixes background, pose, light and camera. Nothing is taken from photographs, so nothing needs a licence, and the mask
of the leaf is exact.

Reading order: `plan` (which images), `scene` and `nonleaf` (one image), then what a scene is made of: `shape` and
`surface` (a flat leaf), `harmless`, `lesions` and `spots` (what is painted on it), `pose` and `light` (how it is seen),
`background`, `props` and `stage` (what is behind it), `camera`; `fields` holds noise and colours.
"""

from leafcore.data.rendered.nonleaf import render_nonleaf
from leafcore.data.rendered.plan import LABELS, VERSION, RenderedImage, plan_images
from leafcore.data.rendered.scene import Rendered, render_leaf

__all__ = ["LABELS", "VERSION", "Rendered", "RenderedImage", "plan_images", "render_leaf", "render_nonleaf"]
