"""The upper side of a leaf laid flat: colour, micro relief and gloss on a grid of leaf coordinates.

Lesions and blemishes are painted here, so that nothing of them can ever lie outside the leaf.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from leafcore.data.rendered.fields import (
    FloatArray,
    Rng,
    as_float,
    linear,
    mix,
    noise,
    paint,
    smooth,
    vein_net,
)
from leafcore.data.rendered.shape import LeafShape, vein_distance

_RIM = 0.03  # of flat ground kept around the outline, leaf lengths

_GREENS = (  # screen colours of apple foliage in neutral light
    linear(104, 138, 52),
    linear(74, 116, 50),
    linear(58, 98, 46),
    linear(44, 82, 44),
    linear(66, 112, 70),
    linear(134, 158, 58),
)
_PURPLE = linear(86, 60, 64)  # cultivars with red foliage
_VEIN = linear(176, 188, 112)


@dataclass
class Surface:
    """A flat leaf to paint on; every array is float32 and (H, W) unless said otherwise."""

    shape: LeafShape
    px: float  # pixels per leaf length
    u: FloatArray  # (1, W) along the midrib
    v: FloatArray  # (H, 1) across it
    alpha: FloatArray  # coverage of the blade, [0, 1]
    edge: FloatArray  # distance to the margin in leaf lengths, 0 outside
    veins: FloatArray  # [0, 1], 1 on midrib and lateral veins
    domes: FloatArray  # [0, 1], 0 on lateral veins, 1 midway between them
    albedo: FloatArray  # (3, H, W) linear light, [0, 1]
    height: FloatArray  # micro relief in leaf lengths
    gloss: FloatArray  # [0, 1], wax shine
    holes: FloatArray  # [0, 1], 1 where tissue is missing

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.alpha.shape[0], self.alpha.shape[1]

    def noise(self, rng: Rng, cell: float, octaves: int = 1) -> FloatArray:
        """Draw noise whose coarsest cells measure `cell` leaf lengths; (H, W) float32."""
        wide, high = 1.08, 2 * (self.shape.half_width + _RIM)
        return noise(rng, self.size, (int(high / cell) + 2, int(wide / cell) + 2), octaves)

    def column(self, u: float) -> float:
        """Pixel column of `u`."""
        return (u - float(self.u[0, 0])) * self.px

    def row(self, v: float) -> float:
        """Pixel row of `v`."""
        return (v - float(self.v[0, 0])) * self.px


def grow_leaf(shape: LeafShape, px: float, colour_rng: Rng) -> Surface:
    """Lay out the grid of a leaf and paint its healthy tissue.

    Args:
        shape: The geometry.
        px: Pixels per leaf length.
        colour_rng: Draws the leaf's colour and texture, the same draws at every `px`.

    Returns:
        A healthy surface.
    """
    half = shape.half_width + _RIM
    cols, rows = round(1.08 * px), round(2 * half * px)
    u = as_float((np.arange(cols) + 0.5) / px - _RIM)[None, :]
    v = as_float((np.arange(rows) + 0.5) / px - half)[:, None]
    points = (shape.outline + np.array([_RIM, half])) * px - 0.5
    cover = np.zeros((rows, cols), np.uint8)
    cv2.fillPoly(cover, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    edge = as_float(cv2.distanceTransform((cover > 127).astype(np.uint8), cv2.DIST_L2, 3)) / np.float32(px)
    blank = np.zeros((rows, cols), np.float32)
    surface = Surface(
        shape=shape, px=px, u=u, v=v, alpha=as_float(cover / np.float32(255)), edge=edge, veins=blank, domes=blank,
        albedo=np.empty((3, rows, cols), np.float32), height=blank, gloss=blank, holes=blank.copy(),
    )  # fmt: skip
    _lay_veins(surface, colour_rng)
    _paint_tissue(surface, colour_rng)
    return surface


def _lay_veins(surface: Surface, rng: Rng) -> None:
    """Fill in veins, the domes between them and the relief they make."""
    shape = surface.shape
    wiggle = surface.noise(rng, 0.15)
    lateral = vein_distance(shape, surface.u, surface.v, wiggle)
    across = np.abs(surface.v)
    fade = np.clip(1.15 - across / shape.half_width, 0.25, 1)
    pixel = 0.55 / surface.px  # nothing is drawn thinner than the grid can show
    thin = np.float32(max(0.0035, pixel))
    midrib = np.maximum(np.float32(0.0085) * (1.05 - surface.u), np.float32(max(0.0025, pixel)))
    side_lines = np.clip(1.5 - lateral * np.float32(0.75) / thin, 0, 1) * fade
    middle = np.clip(1.5 - across / midrib, 0, 1)
    surface.veins = np.maximum(side_lines * np.float32(0.62), middle)
    dome = np.clip(lateral * np.float32(2 / shape.vein_gap), 0, 1)
    surface.domes = dome * (2 - dome)
    puff = np.float32(shape.vein_gap * rng.uniform(0.015, 0.075))
    groove = np.clip(1 - across / np.float32(0.035), 0, 1)
    surface.height = as_float(surface.domes * fade * puff - groove * groove * np.float32(0.012))
    surface.height += surface.noise(rng, 0.045, 2) * np.float32(rng.uniform(0.0008, 0.0026))


def _paint_tissue(surface: Surface, rng: Rng) -> None:
    """Paint healthy tissue: one colour for the leaf, its fine venation, lighter veins, an uneven bloom of wax."""
    colour = mix(rng, *_GREENS)
    if rng.random() < 0.05:
        colour = mix(rng, colour, _PURPLE, _PURPLE)
    vein_colour = colour + (_VEIN - colour) * np.float32(rng.uniform(0.35, 0.8))
    warmth = rng.normal(0, 0.06, 3)
    net = vein_net(rng, surface.size, 0.9)
    mottle = surface.noise(rng, 0.22, 3)
    grain = surface.noise(rng, 0.012)
    value = 1 + mottle * np.float32(0.07) + grain * np.float32(0.035) + net * np.float32(rng.uniform(0.06, 0.2))
    value -= surface.domes * np.float32(rng.uniform(-0.02, 0.07))
    for plane, level, shift in zip(surface.albedo, colour, warmth, strict=True):
        np.multiply(value + mottle * np.float32(shift), level, out=plane)
    paint(surface.albedo, vein_colour, surface.veins * np.float32(rng.uniform(0.45, 0.85)))
    rim = smooth(surface.edge, 0.012, 0.0) * np.float32(rng.uniform(0.1, 0.4))
    paint(surface.albedo, vein_colour, rim)
    np.maximum(surface.albedo, 0.004, out=surface.albedo)
    shine = np.float32(rng.uniform(0.25, 1.0))
    surface.gloss = np.clip(shine * (1 + 0.25 * mottle - 0.3 * net), 0, 1.5).astype(np.float32)
