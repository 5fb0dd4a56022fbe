"""Scalar fields and colours that every part of the renderer shares: seeded noise, soft steps, painting.

All noise is cut from one constant tile of white noise at an offset drawn from the caller's generator, then enlarged.
The number of noise cells never depends on the picture's size, so 64, 128 and 256 px show the same scene.
"""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
Rng = np.random.Generator

TILE_PX = 512
_NOISE_SEED = 40_961


def stream(seed: int, room: int) -> Rng:
    """Make the generator of one room (shape, light, lesions, ...) of a seed, so that rooms never disturb each other."""
    return np.random.default_rng([seed, room])


@lru_cache(maxsize=1)
def _tile() -> FloatArray:
    """White noise, (512, 512) float32, mean 0, standard deviation 1."""
    tile = np.random.default_rng(_NOISE_SEED).standard_normal((TILE_PX, TILE_PX)).astype(np.float32)
    tile.setflags(write=False)
    return tile


@lru_cache(maxsize=1)
def _net_tile() -> FloatArray:
    """A Voronoi net like the fine venation of a leaf, (384, 384) float32 in [0, 1], 1 on the lines."""
    from scipy.spatial import cKDTree

    side, cells = 384, 1_600
    seeds = np.random.default_rng(_NOISE_SEED + 1).uniform(0, side, (cells, 2))
    rows, cols = np.mgrid[0:side, 0:side] + 0.5
    near, _ = cKDTree(seeds).query(np.stack([rows.ravel(), cols.ravel()], axis=1), k=2)
    net = 1 - np.clip((near[:, 1] - near[:, 0]) / 3.5, 0, 1)
    return as_float(net.reshape(side, side))


def _enlarge(tile: FloatArray, rng: Rng, size: tuple[int, int], cells: tuple[int, int]) -> FloatArray:
    """Cut `cells` (rows, columns) from a tile at a drawn offset and resize to `size` (rows, columns)."""
    rows, cols = (min(max(2, n), side - 1) for n, side in zip(cells, tile.shape, strict=True))
    top, left = int(rng.integers(tile.shape[0] - rows)), int(rng.integers(tile.shape[1] - cols))
    shrinks = rows > size[0] or cols > size[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    patch = np.ascontiguousarray(tile[top : top + rows, left : left + cols])
    return as_float(cv2.resize(patch, (size[1], size[0]), interpolation=how))


def as_float(array: Any) -> FloatArray:
    """Give an array the float32 type that OpenCV's stubs lose; no copy when it already is float32."""
    return np.asarray(array, dtype=np.float32)


def noise(rng: Rng, size: tuple[int, int], cells: tuple[int, int], octaves: int = 1) -> FloatArray:
    """Draw smooth noise.

    Args:
        rng: Where the offset is drawn from; one draw per octave.
        size: Rows and columns of the answer.
        cells: Rows and columns of the coarsest noise grid.
        octaves: How many grids are summed, each twice as fine and half as strong.

    Returns:
        `size` float32, mean about 0, values mostly in [-2, 2].
    """
    total = _enlarge(_tile(), rng, size, cells)
    for octave in range(1, octaves):
        finer = (cells[0] << octave, cells[1] << octave)
        total += _enlarge(_tile(), rng, size, finer) * np.float32(0.5**octave)
    return total


def vein_net(rng: Rng, size: tuple[int, int], share: float) -> FloatArray:
    """Draw the fine net of veins: `share` of the net tile enlarged to `size`; float32 in [0, 1], 1 on the lines."""
    cells = int(383 * share)
    return _enlarge(_net_tile(), rng, size, (cells, cells))


def smooth(x: FloatArray, low: float, high: float) -> FloatArray:
    """Step softly from 0 at `low` to 1 at `high` (falling when `low > high`); same shape, float32 in [0, 1]."""
    t = np.clip((x - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return as_float(t * t * (3 - 2 * t))


def linear(*srgb: float) -> FloatArray:
    """Turn an 8-bit screen colour into linear light: (3,) float32 in [0, 1] by the square law used all over here."""
    return as_float((np.asarray(srgb, dtype=np.float32) / 255) ** 2)


def mix(rng: Rng, *colours: FloatArray) -> FloatArray:
    """Mix colours by random weights that sum to 1; (3,) float32."""
    weights = rng.dirichlet(np.full(len(colours), 0.8)).astype(np.float32)
    return as_float(sum(w * c for w, c in zip(weights, colours, strict=True)))


def paint(planes: FloatArray, colour: FloatArray, amount: FloatArray) -> None:
    """Blend one colour into planar linear light, in place.

    Args:
        planes: (3, H, W) float32; changed.
        colour: (3,) float32.
        amount: (H, W) float32 in [0, 1].
    """
    for plane, value in zip(planes, colour, strict=True):
        plane += (value - plane) * amount
