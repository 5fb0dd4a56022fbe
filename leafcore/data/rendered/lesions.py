"""The five diseases as they look on the upper side of an apple leaf, one function each.

Each function changes a `Surface` in place and draws only from the generator it is given. Half of the cases are mild:
a handful of small lesions.
"""

from collections.abc import Callable

import numpy as np

from leafcore.data.rendered.fields import FloatArray, Rng, as_float, linear, noise, paint, smooth
from leafcore.data.rendered.spots import scatter, spot_window
from leafcore.data.rendered.surface import Surface

Lesion = Callable[[Surface, Rng, float | None], None]  # surface, generator, severity (None: drawn)


def draw_severity(rng: Rng) -> float:
    """Draw how far the disease has come, in [0, 1]; 45 % of cases are mild (below 0.25)."""
    return float(rng.uniform(0.0, 0.25) if rng.random() < 0.45 else rng.uniform(0.25, 1.0))


def rust(surface: Surface, rng: Rng, severity: float | None = None) -> None:
    """Cedar apple rust: bright orange-yellow spots, redder in the middle, with dark dots and sometimes a halo."""
    level = draw_severity(rng) if severity is None else severity
    count = int(rng.integers(2, 6) + level * rng.integers(3, 16))
    halo = rng.uniform(0.0, 0.7)
    for spot in scatter(surface, rng, count, (0.013, 0.024 + 0.03 * level)):
        r, view = spot_window(surface, rng, spot, reach=2.0, wobble=0.22)
        tone = rng.uniform(0.85, 1.15)
        paint(view.albedo, linear(196, 190, 60), smooth(r, 1.9, 0.9) * np.float32(halo))
        paint(view.albedo, linear(min(255, 240 * tone), 158 * tone, 28), smooth(r, 1.12, 0.8) * np.float32(0.95))
        heart = np.float32(rng.uniform(0.3, 0.95))
        paint(view.albedo, linear(204, 84, 24), smooth(r, 0.75, 0.25) * heart)
        if spot.radius > 0.02:
            dots = smooth(noise(rng, r.shape, (9, 9)), 0.75, 1.15) * smooth(r, 0.65, 0.3)
            paint(view.albedo, linear(52, 22, 12), dots * np.float32(0.85))
        view.height += smooth(r, 1.1, 0.2) * np.float32(spot.radius * 0.16)
        view.gloss *= 1 - smooth(r, 1.2, 0.8) * np.float32(0.5)


def frog_eye_leaf_spot(surface: Surface, rng: Rng, severity: float | None = None) -> None:
    """Frog-eye leaf spot: round tan to grey-brown spots with a dark purple rim, the larger ones concentric."""
    level = draw_severity(rng) if severity is None else severity
    count = int(rng.integers(2, 6) + level * rng.integers(4, 22))
    season, dry = rng.uniform(), rng.uniform(0.35, 0.95)  # young spots are brown, old ones pale in the middle
    for spot in scatter(surface, rng, count, (0.012, 0.023 + 0.026 * level)):
        r, view = spot_window(surface, rng, spot, reach=1.5, wobble=0.22, stretch=rng.uniform(1.0, 1.35))
        age = np.clip(season + rng.normal(0, 0.25), 0, 1)
        heart = linear(168, 128, 84) * np.float32(1 - age) + linear(176, 164, 146) * np.float32(age)
        paint(view.albedo, linear(150, 150, 62), smooth(r, 1.45, 0.95) * np.float32(rng.uniform(0, 0.5)))
        paint(view.albedo, linear(72, 36, 44), smooth(r, 1.14, 0.92) * np.float32(0.95))
        paint(view.albedo, linear(120, 78, 50), smooth(r, 0.9, 0.74) * np.float32(0.9))
        paint(view.albedo, heart, smooth(r, 0.78, 0.4) * np.float32(dry * (0.35 + 0.65 * age)))
        if spot.radius > 0.024:
            ring = smooth(np.abs(r - np.float32(rng.uniform(0.38, 0.55))), 0.11, 0.03)
            paint(view.albedo, linear(104, 62, 42), ring * np.float32(0.7))
        view.height -= smooth(r, 1.0, 0.6) * np.float32(spot.radius * 0.1)
        view.gloss *= 1 - smooth(r, 1.15, 0.9) * np.float32(0.85)


def scab(surface: Surface, rng: Rng, severity: float | None = None) -> None:
    """Apple scab: olive to nearly black velvet patches with feathery edges, along veins, the blade puckered."""
    level = draw_severity(rng) if severity is None else severity
    count = int(rng.integers(2, 6) + level * rng.integers(3, 15))
    cover = _colonies(surface, rng, count, (0.022, 0.036 + 0.045 * level))
    feathers = surface.noise(rng, 0.035, 2)
    cover += surface.veins * np.float32(0.15) * smooth(cover, 0.02, 0.2)
    body = smooth(cover + feathers * np.float32(0.17), 0.22, 0.88)
    dark = float(rng.uniform(0.15, 1.0))
    olive = linear(84, 82, 42) * np.float32(1 - dark) + linear(46, 42, 28) * np.float32(dark)
    velvet = rng.uniform(0.7, 0.92) + 0.13 * surface.noise(rng, 0.012)
    paint(surface.albedo, linear(126, 132, 58), smooth(cover, 0.1, 0.5) * np.float32(rng.uniform(0, 0.4)))
    paint(surface.albedo, olive, body * np.clip(velvet, 0.3, 0.97).astype(np.float32))
    surface.gloss *= 1 - body * np.float32(0.95)
    surface.height += cover * np.float32(rng.uniform(0.004, 0.014)) * (1 + 0.5 * feathers)


def _colonies(surface: Surface, rng: Rng, count: int, radii: tuple[float, float]) -> FloatArray:
    """Grow soft colonies, stretched along the veins; (H, W) float32 in [0, 1], 1 in their middle."""
    cover = np.zeros(surface.size, np.float32)
    for spot in scatter(surface, rng, count, radii, near_midrib=0.2):
        r, view = spot_window(surface, rng, spot, reach=2.2, wobble=0.3, stretch=rng.uniform(1.0, 1.9))
        np.maximum(view.of(cover), smooth(r, 2.1, 0.1), out=view.of(cover))
    return cover


def powdery_mildew(surface: Surface, rng: Rng, severity: float | None = None) -> None:
    """Powdery mildew: a diffuse white-grey powder that pales the leaf; the blade curls (see `mildew_curl`)."""
    level = draw_severity(rng) if severity is None else severity
    spread = surface.noise(rng, 0.3, 2) * np.float32(0.7) + surface.noise(rng, 0.06, 2) * np.float32(0.28)
    spread += surface.veins * np.float32(0.25) + smooth(surface.edge, 0.1, 0.0) * np.float32(rng.uniform(-0.2, 0.6))
    start = 0.75 - 1.45 * level
    colonies = _colonies(surface, rng, int(rng.integers(2, 5) + 5 * level), (0.035, 0.075 + 0.04 * level))
    film = smooth(spread, start - 0.2, start + 1.5) * np.float32(0.62 + 0.38 * level)
    film = np.maximum(film, smooth(as_float(colonies + spread * np.float32(0.1)), 0.2, 0.85))
    powder = np.clip(0.78 + 0.24 * surface.noise(rng, 0.009) + 0.1 * surface.noise(rng, 0.03), 0, 1.2)
    pale = np.float32(0.15 + 0.25 * level)
    paint(surface.albedo, linear(150, 160, 118), smooth(spread, start - 0.8, start + 0.6) * pale)
    amount = film * powder.astype(np.float32) * np.float32(0.58 + 0.2 * level)
    paint(surface.albedo, linear(212, 214, 206), np.clip(amount, 0, 0.92))
    surface.gloss *= 1 - film * np.float32(0.95)
    surface.height += surface.noise(rng, 0.12) * np.float32(0.004 + 0.008 * level)


def mildew_curl(rng: Rng) -> float:
    """Draw how far mildew curls the blade, in [0, 1]; the severity is `powdery_mildew`'s when the seed is the same."""
    return draw_severity(rng)


def complex_disease(surface: Surface, rng: Rng, severity: float | None = None) -> None:
    """Too advanced to tell: brown dead areas, holes, yellowing, and the remains of two or three other diseases."""
    level = draw_severity(rng) if severity is None else severity
    yellowing = smooth(surface.noise(rng, 0.35, 2), 0.6 - 1.9 * level, 2.4 - 1.0 * level)
    yellowing *= 1 - np.float32(0.5) * surface.veins
    paint(surface.albedo, linear(186, 172, 58), yellowing * np.float32(rng.uniform(0.35, 0.85)))
    remains: list[Lesion] = [rust, frog_eye_leaf_spot, scab, powdery_mildew]
    for index in rng.choice(4, int(rng.integers(2, 4)), replace=False, p=[0.3, 0.3, 0.28, 0.12]):
        remains[index](surface, rng, float(rng.uniform(0.1, 0.55)))
    rough = surface.noise(rng, 0.12, 3)
    inward = surface.edge * np.float32(7) - np.float32(0.35 + 0.5 * level)
    dead = smooth(rough * np.float32(0.5) - inward, 0.25, 0.8)
    patches = smooth(surface.noise(rng, 0.2, 3), 2.0 - 0.7 * level, 2.35 - 0.7 * level)
    dead = np.maximum(dead, patches)
    _kill_tissue(surface, rng, dead)
    torn = smooth(surface.noise(rng, 0.09, 2) * dead, 1.25, 1.4)
    np.maximum(surface.holes, torn * smooth(surface.edge, 0.004, 0.012), out=surface.holes)


def _kill_tissue(surface: Surface, rng: Rng, dead: FloatArray) -> None:
    """Turn tissue brown and dull where `dead` (H, W) in [0, 1] says, with a darker front line."""
    brown = linear(*(np.array([134, 100, 64]) * rng.uniform(0.7, 1.15)))
    front = dead * (1 - dead) * np.clip(2 + 1.5 * surface.noise(rng, 0.08), 0, 4).astype(np.float32)
    grain = np.clip(0.9 + 0.12 * surface.noise(rng, 0.03, 2), 0.4, 1).astype(np.float32)
    paint(surface.albedo, brown, dead * grain)
    paint(surface.albedo, linear(66, 40, 32), front * np.float32(0.55))
    surface.gloss *= 1 - dead * np.float32(0.8)
    surface.height += dead * surface.noise(rng, 0.06, 2) * np.float32(0.006)


PAINTERS: dict[str, Lesion] = {
    "scab": scab,
    "frog_eye_leaf_spot": frog_eye_leaf_spot,
    "rust": rust,
    "powdery_mildew": powdery_mildew,
    "complex": complex_disease,
}
