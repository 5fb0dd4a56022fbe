"""The form of one apple leaf: outline with teeth, veins, and how the blade bends in space.

Leaf coordinates: `u` runs along the midrib from 0 (base) to 1 (tip), `v` across it, both in leaf lengths; `z` rises
towards the viewer of the upper side.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leafcore.data.rendered.fields import FloatArray, Rng, as_float

AnyFloat = NDArray[np.floating[Any]]

_TABLE = 2_048  # entries of the vein tables over q in [_Q_LOW, _Q_HIGH]
_Q_LOW, _Q_HIGH = -0.7, 1.1


@dataclass(frozen=True)
class Relief:
    """How the blade bends: heights in leaf lengths, phases in turns."""

    cup: float  # folding along the midrib; > 0 lifts both margins
    arch: float  # bending along the midrib; < 0 drops base and tip
    wave: float  # waviness of the margins
    wave_count: float
    wave_phases: tuple[float, float]  # left and right margin
    twist: float

    def curled(self, strength: float) -> "Relief":
        """Return the relief of the same leaf, curled up by disease; `strength` in [0, 1]."""
        side = 1 if self.cup >= 0 else -1
        cup = side * min(abs(self.cup) + 0.5 * strength, 0.75)
        return replace(self, cup=cup, wave=self.wave + 0.03 * strength)


@dataclass(frozen=True)
class LeafShape:
    """The geometry of one leaf, fixed by its seed."""

    outline: FloatArray  # (P, 2) closed polygon of (u, v)
    half_width: float  # of the blade, without teeth
    bow: float  # sideways bow of the midrib, leaf lengths
    slant: tuple[float, float]  # linear and square run of the lateral veins towards the tip
    vein_tables: FloatArray  # (2, 2048): distance to the nearest lateral vein along the midrib, per side
    vein_gap: float  # mean distance between lateral veins
    relief: Relief
    petiole: tuple[float, float]  # length in leaf lengths, bend in radians

    def bowed(self, u: FloatArray) -> FloatArray:
        """Sideways shift of the midrib at `u`, in leaf lengths."""
        return as_float(4 * self.bow * u * (1 - u))


def draw_shape(rng: Rng) -> LeafShape:
    """Draw the form of a leaf."""
    half_width = float(rng.uniform(0.29, 0.43))
    gap = float(rng.uniform(0.09, 0.14))
    relief = Relief(
        cup=float(np.clip(rng.normal(0.22, 0.2), -0.35, 0.6)),
        arch=float(np.clip(rng.normal(-0.15, 0.25), -0.5, 0.45)),
        wave=float(rng.gamma(2.0, 0.011)),
        wave_count=float(rng.uniform(1.5, 3.5)),
        wave_phases=(float(rng.uniform()), float(rng.uniform())),
        twist=float(rng.normal(0, 0.12)),
    )
    return LeafShape(
        outline=_outline(rng, half_width),
        half_width=half_width,
        bow=float(rng.normal(0, 0.025)),
        slant=(float(rng.uniform(0.55, 0.95)), float(rng.uniform(0.25, 0.8))),
        vein_tables=np.stack([_vein_table(rng, gap), _vein_table(rng, gap)]),
        vein_gap=gap,
        relief=relief,
        petiole=(float(rng.uniform(0.2, 0.38)), float(rng.normal(0, 0.35))),
    )


def _outline(rng: Rng, half_width: float) -> FloatArray:
    """Draw the serrated outline, (P, 2) float32: ovate, base round, tip pointed."""
    base, tip = rng.uniform(0.38, 0.56), rng.uniform(0.55, 0.9)
    acumen = rng.uniform(0.0, 0.07)
    teeth, depth = int(rng.integers(26, 42)), rng.uniform(0.008, 0.016)
    theta = np.linspace(0, np.pi, teeth * 6)
    t = (1 - np.cos(theta)) / 2
    peak = base / (base + tip)
    profile = t**base * (1 - t) ** tip / (peak**base * (1 - peak) ** tip)
    sides = []
    for sign in (1, -1):
        ripple = 1 + rng.normal(0, 0.05) + 0.03 * np.sin(2 * np.pi * (rng.uniform(1, 4) * t + rng.uniform()))
        u = t + acumen * np.clip((t - 0.86) / 0.14, 0, 1) ** 2
        v = half_width * profile * ripple
        sides.append(_with_teeth(rng, u, v, teeth, depth) * np.array([1, sign]))
    outline = np.concatenate([sides[0], sides[1][::-1]])
    outline[:, 0] /= outline[:, 0].max()
    return as_float(outline)


def _with_teeth(rng: Rng, u: AnyFloat, v: AnyFloat, teeth: int, depth: float) -> FloatArray:
    """Push one side of the outline out into forward-pointing teeth; (P, 2)."""
    du, dv = np.gradient(u), np.gradient(v)
    step = np.hypot(du, dv) + 1e-9
    arc = np.cumsum(step) / np.sum(step)
    warped = arc + 0.006 * np.sin(2 * np.pi * (arc * rng.uniform(3, 6) + rng.uniform()))
    heights = rng.uniform(0.55, 1.25, teeth + 2)
    place = np.clip(warped * teeth, 0, teeth + 0.999)
    push = depth * heights[place.astype(int)] * (place % 1) * np.clip(np.minimum(arc, 1 - arc) / 0.06, 0, 1)
    return as_float(np.stack([u - dv / step * push * 0.6 + du / step * push * 0.5, v + du / step * push], axis=1))


def _vein_table(rng: Rng, gap: float) -> FloatArray:
    """Tabulate the distance from q to the nearest lateral vein of one side; (2048,) float32."""
    veins = np.arange(0.02 + gap * rng.uniform(0, 1), 0.93, gap)
    veins = veins + rng.normal(0, gap * 0.16, len(veins))
    q = np.linspace(_Q_LOW, _Q_HIGH, _TABLE)
    return as_float(np.min(np.abs(q[:, None] - veins[None, :]), axis=1))


def vein_distance(shape: LeafShape, u: FloatArray, v: FloatArray, wiggle: FloatArray) -> FloatArray:
    """Measure how far along the midrib the nearest lateral vein lies.

    Args:
        shape: The leaf.
        u: (1, W) leaf coordinates.
        v: (H, 1) leaf coordinates.
        wiggle: (H, W) float32, unevenness of the veins, mean 0.

    Returns:
        (H, W) float32 in leaf lengths; multiply by the sine of the veins' angle for the true distance.
    """
    across = np.abs(v)
    q = (u - shape.slant[0] * across - shape.slant[1] * across**2) + wiggle * np.float32(0.009)
    index = ((q - np.float32(_Q_LOW)) * np.float32(_TABLE / (_Q_HIGH - _Q_LOW))).astype(np.int32)
    np.clip(index, 0, _TABLE - 1, out=index)
    rows = np.searchsorted(v[:, 0], 0)
    out = np.empty_like(q)
    out[:rows] = shape.vein_tables[0].take(index[:rows])
    out[rows:] = shape.vein_tables[1].take(index[rows:])
    return out


def height(relief: Relief, half_width: float, u: FloatArray, v: FloatArray) -> FloatArray:
    """Evaluate the bent blade's height over any broadcastable `u`, `v`; float32 in leaf lengths."""
    u, v = np.clip(u, -0.1, 1.1), np.clip(v, -1.2 * half_width, 1.2 * half_width)
    across = v / half_width
    phase = np.where(v < 0, relief.wave_phases[0], relief.wave_phases[1])
    wave = relief.wave * np.sin(2 * np.pi * (relief.wave_count * u + phase)) * across**2
    fold = relief.cup * (np.sqrt(v**2 + 0.0025) - 0.05)
    return as_float(fold + relief.arch * (u - 0.5) ** 2 + wave + relief.twist * (u - 0.5) * v)
