"""Harmless things on a leaf that a hasty eye takes for disease; every leaf may carry them, healthy or not."""

from collections.abc import Callable

import cv2
import numpy as np

from leafcore.data.rendered.fields import Rng, as_float, linear, paint, smooth
from leafcore.data.rendered.spots import scatter, spot_window
from leafcore.data.rendered.surface import Surface


def insect_holes(surface: Surface, rng: Rng) -> None:
    """Bite a few holes with a thin dry rim."""
    for spot in scatter(surface, rng, int(rng.integers(1, 5)), (0.01, 0.035)):
        r, view = spot_window(surface, rng, spot, reach=1.7, wobble=0.55)
        inside = smooth(view.of(surface.edge), 0.004, 0.012)
        paint(view.albedo, linear(146, 118, 70), smooth(r, 1.35, 1.0) * np.float32(rng.uniform(0.2, 0.9)))
        np.maximum(view.holes, smooth(r, 1.06, 0.94) * inside, out=view.holes)


def yellow_patch(surface: Surface, rng: Rng) -> None:
    """Let autumn or a lack of nutrients yellow parts of the blade."""
    field = surface.noise(rng, 0.4, 2) + smooth(surface.edge, 0.16, 0.0) * np.float32(rng.uniform(-0.5, 1.0))
    field -= surface.veins * np.float32(rng.uniform(0, 0.5))
    amount = smooth(field, -0.2, 2.4) * np.float32(rng.uniform(0.35, 1.0))
    paint(surface.albedo, linear(194, 180, rng.uniform(50, 86)), amount)


def margin_scorch(surface: Surface, rng: Rng) -> None:
    """Dry out stretches of the margin."""
    reach = rng.uniform(0.012, 0.06)
    where = surface.noise(rng, 0.3, 2) + np.float32(0.5) * surface.noise(rng, 0.04)
    depth = smooth(as_float(surface.edge - where * np.float32(reach * 0.5)), reach, reach * 0.45)
    dry = depth * smooth(where, 0.1, 0.9)
    paint(surface.albedo, linear(*(np.array([130, 96, 60]) * rng.uniform(0.75, 1.2))), dry * np.float32(0.92))
    surface.gloss *= 1 - dry * np.float32(0.7)


def soil_specks(surface: Surface, rng: Rng) -> None:
    """Splash soil on the blade: small ragged crumbs with no rim."""
    brown = linear(*(np.array([104, 78, 54]) * rng.uniform(0.6, 1.4)))
    for spot in scatter(surface, rng, int(rng.integers(4, 22)), (0.005, 0.018)):
        r, view = spot_window(surface, rng, spot, reach=1.7, wobble=0.8)
        paint(view.albedo, brown, smooth(r, 1.1, 0.6) * np.float32(0.9))
        view.gloss *= 1 - smooth(r, 1.2, 0.8)


def bird_dropping(surface: Surface, rng: Rng) -> None:
    """Drop one white splash with a dark middle."""
    for spot in scatter(surface, rng, 1, (0.03, 0.06)):
        r, view = spot_window(surface, rng, spot, reach=2.0, wobble=0.7, stretch=rng.uniform(1, 2))
        paint(view.albedo, linear(226, 224, 212), smooth(r, 1.1, 0.7) * np.float32(0.93))
        paint(view.albedo, linear(78, 72, 58), smooth(r, 0.55, 0.2) * np.float32(0.9))


def dust(surface: Surface, rng: Rng) -> None:
    """Settle road dust or spray residue: a pale film with drip edges, thinnest on the veins."""
    settled = smooth(surface.noise(rng, 0.4, 2) - surface.veins * np.float32(0.6), -1.0, 2.0)
    speckle = smooth(surface.noise(rng, 0.016, 2), -0.3, 1.6)
    tint = linear(*(np.array([198, 190, 172]) + rng.uniform(-16, 16, 3)))
    paint(surface.albedo, tint, settled * speckle * np.float32(rng.uniform(0.35, 0.85)))
    surface.gloss *= 1 - settled * np.float32(0.6)


def leaf_miner(surface: Surface, rng: Rng) -> None:
    """Draw the pale winding tunnel of a leaf miner."""
    start = next(iter(scatter(surface, rng, 1, (0.01, 0.011))))
    turns = np.cumsum(rng.normal(0, 0.45, 40)) + rng.uniform(0, 2 * np.pi)
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * 0.012
    path = np.array([surface.column(start.u), surface.row(start.v)]) + np.cumsum(steps, axis=0) * surface.px
    trail = np.zeros(surface.size, np.uint8)
    width = max(1, round(0.011 * surface.px))
    cv2.polylines(trail, [np.round(path * 16).astype(np.int32)], False, 255, width, cv2.LINE_AA, shift=4)
    tint = linear(178, 172, 112)
    paint(surface.albedo, tint, as_float(trail) * np.float32(rng.uniform(0.5, 0.85) / 255))


def red_blush(surface: Surface, rng: Rng) -> None:
    """Redden part of the blade, as cold nights or young growth do."""
    field = surface.noise(rng, 0.45, 2) + smooth(surface.edge, 0.12, 0.0) - surface.veins * np.float32(0.4)
    tint = linear(*(np.array([128, 70, 58]) * rng.uniform(0.8, 1.2)))
    paint(surface.albedo, tint, smooth(field, 0.0, 2.4) * np.float32(rng.uniform(0.25, 0.65)))


def old_bruises(surface: Surface, rng: Rng) -> None:
    """Darken a few rubbed places, dull olive with soft edges."""
    tint = linear(*(np.array([78, 80, 44]) * rng.uniform(0.8, 1.2)))
    for spot in scatter(surface, rng, int(rng.integers(1, 6)), (0.02, 0.05), near_midrib=0.1):
        r, view = spot_window(surface, rng, spot, reach=2.0, wobble=0.5, stretch=rng.uniform(1, 2))
        paint(view.albedo, tint, smooth(r, 1.6, 0.3) * np.float32(rng.uniform(0.25, 0.6)))


def water_drops(surface: Surface, rng: Rng) -> None:
    """Leave drops of rain: a bright lens with a dark upper rim."""
    for spot in scatter(surface, rng, int(rng.integers(4, 26)), (0.006, 0.024)):
        r, view = spot_window(surface, rng, spot, reach=1.3, wobble=0.12)
        view.height += np.sqrt(np.clip(1 - r * r, 0, 1)) * np.float32(spot.radius * 0.8)
        view.gloss += smooth(r, 1.05, 0.9) * np.float32(2.5)


_CHANCES: tuple[tuple[Callable[[Surface, Rng], None], float], ...] = (
    (yellow_patch, 0.2),
    (red_blush, 0.08),
    (old_bruises, 0.15),
    (dust, 0.16),
    (margin_scorch, 0.2),
    (leaf_miner, 0.08),
    (soil_specks, 0.22),
    (bird_dropping, 0.06),
    (insect_holes, 0.28),
)


def wear(surface: Surface, rng: Rng) -> None:
    """Give a leaf the wear of its season; the draws do not depend on its diseases."""
    chosen = rng.random(len(_CHANCES))
    seeds = rng.integers(2**62, size=len(_CHANCES))
    for (blemish, chance), luck, seed in zip(_CHANCES, chosen, seeds, strict=True):
        if luck < chance:
            blemish(surface, np.random.default_rng(seed))
