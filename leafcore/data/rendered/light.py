"""Light on a leaf: sun, sky and dapples, and the shading of a flat surface seen in a pose."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leafcore.data.rendered.fields import FloatArray, Rng, as_float, noise
from leafcore.data.rendered.pose import Pose
from leafcore.data.rendered.shape import Relief, height
from leafcore.data.rendered.surface import Surface


@dataclass(frozen=True)
class Light:
    """The light of one photograph; colours are linear and about 1 in sum of sun and sky."""

    sun: FloatArray  # (3,) colour
    sky: FloatArray  # (3,) colour
    towards_sun: NDArray[np.float64]  # (3,) unit vector in the camera's space
    towards_sky: NDArray[np.float64]  # (3,) unit vector towards the brightest part of the sky
    dapple: float  # share of the sun that leaves in between take away in their shadow, [0, 1]
    shadow_cell: float  # size of the dapples in leaf lengths
    shadow_edge: float  # softness of their edges in 64ths of a leaf length
    flecks: bool  # whether the shadow is a canopy's, with flecks of sun, or that of a few leaves
    through: float  # how much light comes through the blade from behind, [0, 1]


def draw_light(rng: Rng) -> Light:
    """Draw overcast, open shade, hard sun or back light."""
    kind = rng.choice(["overcast", "shade", "sun", "back"], p=[0.3, 0.2, 0.38, 0.12])
    strength = {"overcast": 0.25, "shade": 0.1, "sun": 0.85, "back": 0.45}[str(kind)] * rng.uniform(0.8, 1.25)
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.2)
    towards = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    around = rng.uniform(0, 2 * np.pi)
    warm, cool = rng.uniform(0.0, 0.16), rng.uniform(0.0, 0.14)
    return Light(
        sun=as_float(np.array([1 + warm, 1.0, 1 - 1.4 * warm]) * strength * 1.25),
        sky=as_float(np.array([1 - cool, 1.0, 1 + 1.2 * cool]) * (1.0 - 0.72 * min(strength, 1.0))),
        towards_sun=towards,
        towards_sky=np.array([np.cos(around), np.sin(around), 1.1]) / np.sqrt(2.21),
        dapple=float(rng.uniform(0.5, 1.0) if kind in ("sun", "back") and rng.random() < 0.65 else 0.0),
        shadow_cell=float(rng.uniform(0.22, 0.6)),
        shadow_edge=float(rng.uniform(0.7, 2.6)),
        flecks=bool(rng.random() < 0.4),
        through=float(rng.uniform(0.4, 0.9) if kind == "back" else 0.0),
    )


def _slopes(surface: Surface, relief: Relief) -> tuple[FloatArray, FloatArray]:
    """Slopes of blade and micro relief along u and v; both (H, W) float32."""
    u = np.linspace(float(surface.u[0, 0]), float(surface.u[0, -1]), 49, dtype=np.float32)[None, :]
    v = np.linspace(float(surface.v[0, 0]), float(surface.v[-1, 0]), 41, dtype=np.float32)[:, None]
    z = height(relief, surface.shape.half_width, u, v)
    dv, du = np.gradient(z, v[:, 0], u[0])
    size = (surface.size[1], surface.size[0])
    scale = surface.px / 8  # Sobel's 3 x 3 kernel sums to 8 slopes
    fine = surface.height
    along = as_float(cv2.Sobel(fine, cv2.CV_32F, 1, 0, ksize=3, scale=scale))
    across = as_float(cv2.Sobel(fine, cv2.CV_32F, 0, 1, ksize=3, scale=scale))
    along += cv2.resize(as_float(du), size, interpolation=cv2.INTER_LINEAR)
    across += cv2.resize(as_float(dv), size, interpolation=cv2.INTER_LINEAR)
    return along, across


def _sunlit(surface: Surface, light: Light, rng: Rng) -> FloatArray:
    """Where the sun reaches the blade between the shadows of other leaves; (H, W) float32 in [0, 1]."""
    high, wide = surface.size[0] / surface.px, surface.size[1] / surface.px
    grid = np.full((round(64 * high), round(64 * wide)), 255, np.uint8)
    if light.flecks:
        cell = light.shadow_cell
        field = noise(rng, (grid.shape[0], grid.shape[1]), (int(high / cell) + 3, int(wide / cell) + 3), 2)
        grid[field < rng.uniform(-0.6, 0.4)] = 0
    else:
        for _ in range(int(rng.integers(1, 4))):
            turn, size = rng.uniform(0, 2 * np.pi), rng.uniform(20, 52)
            spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * size
            other = (surface.shape.outline - np.array([0.5, 0])) * rng.uniform([0.9, 0.5], [1.2, 1.1]) @ spin
            other += rng.uniform(0, 1, 2) * grid.shape[::-1]
            cv2.fillPoly(grid, [np.round(other * 16).astype(np.int32)], 0, cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(as_float(grid) / 255, (0, 0), light.shadow_edge)
    full = cv2.resize(soft, (surface.size[1], surface.size[0]), interpolation=cv2.INTER_LINEAR)
    return 1 - np.float32(light.dapple) * (1 - as_float(full))


def shade(surface: Surface, relief: Relief, pose: Pose, light: Light, rng: Rng) -> FloatArray:
    """Light a leaf.

    Args:
        surface: Colour, relief and gloss of the flat leaf.
        relief: How the blade bends.
        pose: How it lies before the camera.
        light: The photograph's light.
        rng: Draws the dapples.

    Returns:
        (H, W, 3) float32 linear light leaving towards the camera, >= 0, seldom above 2.
    """
    along, across = _slopes(surface, relief)
    unit = 1 / np.sqrt(1 + along * along + across * across)
    sun, eye = pose.to_leaf(light.towards_sun), pose.to_leaf(np.array([0.0, 0.0, 1.0]))
    half = (sun + eye) / np.linalg.norm(sun + eye)
    sky = pose.to_leaf(light.towards_sky)
    half_sky = (sky + eye) / np.linalg.norm(sky + eye)

    def facing(direction: NDArray[np.float64]) -> FloatArray:
        x, y, z = (np.float32(c) for c in direction)
        return as_float((z - x * along - y * across) * unit)

    lit = _sunlit(surface, light, rng) if light.dapple > 0 else np.ones((1, 1), np.float32)
    cool = np.clip(facing(half_sky), 0, 1)
    cool *= cool
    cool *= cool
    cool *= cool * surface.gloss * np.float32(0.14)
    direct = np.maximum(facing(sun), 0) * lit
    open_sky = 0.42 + 0.58 * facing(sky)
    shine = np.clip(facing(half), 0, 1)
    broad = shine**2
    broad *= broad
    broad *= broad  # the eighth power
    narrow = broad * broad
    narrow *= narrow
    sheen = (np.float32(0.06) * broad + np.float32(0.26) * narrow) * surface.gloss * lit
    glow = np.float32(light.through) * lit * (1 - np.float32(0.55) * surface.veins)
    planes = []
    for plane, sun_level, sky_level, gain in zip(surface.albedo, light.sun, light.sky, (1.5, 1.9, 0.5), strict=True):
        out = plane * (direct * sun_level + open_sky * sky_level)
        if light.through > 0:
            out += plane * glow * np.float32(gain)
        out += sheen * sun_level + cool * sky_level
        planes.append(out)
    return as_float(cv2.merge(planes))
