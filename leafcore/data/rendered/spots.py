"""Where spots lie on a leaf, and the small windows they are painted through."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from leafcore.data.rendered.fields import FloatArray, Rng, noise
from leafcore.data.rendered.surface import Surface


@dataclass(frozen=True)
class Spot:
    """One spot: centre and radius in leaf lengths."""

    u: float
    v: float
    radius: float


@dataclass
class Window:
    """Views into a surface around one spot; writing to them changes the surface."""

    rows: slice
    cols: slice
    albedo: FloatArray  # (3, h, w)
    height: FloatArray  # (h, w)
    gloss: FloatArray  # (h, w)
    holes: FloatArray  # (h, w)

    def of(self, field: FloatArray) -> FloatArray:
        """The window's part of another (H, W) field."""
        return field[self.rows, self.cols]


def scatter(
    surface: Surface, rng: Rng, count: int, radii: tuple[float, float], near_midrib: float = 0.0
) -> Iterator[Spot]:
    """Place spots on the blade, most of them in one loose cluster.

    Args:
        surface: The leaf.
        rng: Source of randomness; the draws do not depend on the surface's resolution.
        count: Number of spots.
        radii: Smallest and largest radius in leaf lengths; small ones are more frequent.
        near_midrib: Share of spots that are drawn in towards the midrib.

    Yields:
        Spots whose centre lies on the blade.
    """
    outline = surface.shape.outline
    side = outline[: len(outline) // 2]
    centre = rng.uniform([0.2, -0.5], [0.8, 0.5])
    spread = rng.uniform(0.2, 1.0)
    for index in range(count):
        loose = rng.uniform([0.04, -0.88], [0.95, 0.88])
        u, across = centre + (loose - centre) * (spread if rng.random() < 0.7 else 1.0)
        half_width = float(np.interp(u, side[:, 0], side[:, 1]))
        growth = rng.uniform() ** 2 if index else rng.uniform(0.75, 1.0)  # the first spot is a grown one
        radius = radii[0] + (radii[1] - radii[0]) * growth
        if rng.random() < near_midrib:
            across *= 0.25
        yield Spot(float(u), float(across) * half_width, radius)


def spot_window(
    surface: Surface, rng: Rng, spot: Spot, *, reach: float, wobble: float, stretch: float = 1.0
) -> tuple[FloatArray, Window]:
    """Cut the window of a spot and measure each pixel's distance from its centre.

    Args:
        surface: The leaf.
        rng: Draws the unevenness of the spot's edge.
        spot: The spot.
        reach: How far the window goes, in radii.
        wobble: Unevenness of the edge, in radii.
        stretch: Elongation along the lateral veins, >= 1.

    Returns:
        The distance in radii, (h, w) float32, and the window.
    """
    far = spot.radius * reach * stretch
    top, bottom = int(surface.row(spot.v - far)), int(surface.row(spot.v + far)) + 2
    left, right = int(surface.column(spot.u - far)), int(surface.column(spot.u + far)) + 2
    shift = rng.normal(0, 0.12)
    rows = slice(max(0, top), min(surface.size[0], bottom))
    cols = slice(max(0, left), min(surface.size[1], right))
    du, dv = surface.u[:, cols] - np.float32(spot.u), surface.v[rows] - np.float32(spot.v)
    along = (du + dv * np.float32(np.sign(spot.v))) * np.float32(0.7071)
    squared = du * du + dv * dv - along * along * np.float32(1 - 1 / stretch**2)
    r = np.sqrt(np.maximum(squared, 0)) * np.float32(1 / spot.radius) + np.float32(shift * 0.3)
    r += noise(rng, (r.shape[0], r.shape[1]), (5, 5), 2) * np.float32(wobble * 0.5)
    both = (rows, cols)
    view = Window(
        rows,
        cols,
        surface.albedo[:, rows, cols],
        surface.height[both],
        surface.gloss[both],
        surface.holes[both],
    )
    return r, view
