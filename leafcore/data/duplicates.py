"""Pictures that show the same photograph: the same file twice, or one that was saved again, resized or shifted.

Two steps, the cheap one first. A perceptual hash (64 bits of a discrete cosine transform: Zauner 2010, "Implementation
and Benchmarking of Perceptual Image Hash Functions") says which pairs could be alike; it sees no colour and little
detail, and on masked leaves it takes outlines for pictures. So each pair's thumbnails are compared as well.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from leafcore.images import open_rgb

MAX_DISTANCE = 6  # of 64 bits; saving a picture again changes up to 4
MIN_LIKENESS = 0.97  # orchard photographs shifted by some pixels reach 0.974, neighbouring shots of one leaf 0.965
THUMBNAIL_PX = 32
BLOCK = 2048  # rows compared at a time: 2048 x N distances of one byte
MIN_BAND_BITS = 6


@dataclass(frozen=True)
class Pair:
    """Two pictures that may be one.

    Attributes:
        first: Row of the first picture.
        second: Row of the second, a later one.
        distance: How many of 64 bits of their perceptual hashes differ; 0 for the same file.
        likeness: Correlation of their thumbnails, -1 to 1; 1 for the same file.
    """

    first: int
    second: int
    distance: int
    likeness: float


def perceptual_hash(image: Image.Image) -> str:
    """Return a picture's perceptual hash, 16 hex digits."""
    import imagehash

    return str(imagehash.phash(image))


def small(image: Image.Image) -> np.ndarray:
    """Return a picture averaged into a square of 32 px, (32, 32, 3) float32 in [0, 255]."""
    square = image.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    return np.asarray(square, dtype=np.float32)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two thumbnails over all pixels and channels, -1 to 1.

    A picture of one colour correlates with nothing, so two of those are alike if they are equal.
    """
    one, other = one.ravel() - one.mean(), other.ravel() - other.mean()
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    if scale == 0.0:
        return float(np.array_equal(one, other))
    return float(one @ other) / scale


def candidates(hashes: Sequence[str], max_distance: int = MAX_DISTANCE) -> Iterator[tuple[int, int, int]]:
    """Yield the pairs whose perceptual hashes differ in few bits.

    Two hashes that differ in at most d bits agree in one of d + 1 bands of bits, so only those are compared whose band
    is the same: with 9 bits to a band, one pair in seventy. Bands of fewer than 6 bits sort nothing out; then all are.

    Args:
        hashes: 16 hex digits each; an empty one is like no other.
        max_distance: How many bits may differ.

    Yields:
        The rows of the first and of the second picture, first < second, and how many bits differ.
    """
    known = np.flatnonzero([bool(value) for value in hashes])
    bits = np.array([int(hashes[int(row)], 16) for row in known], dtype=np.uint64)
    seen: set[tuple[int, int]] = set()
    for band in _bands(bits, max_distance):
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for bucket in np.split(order, edges):
            for one, other, distance in _within(bits[bucket], max_distance):
                first, second = sorted((int(known[bucket[one]]), int(known[bucket[other]])))
                if (first, second) not in seen:
                    seen.add((first, second))
                    yield first, second, distance


def _bands(bits: np.ndarray, max_distance: int) -> Iterator[np.ndarray]:
    """Cut hashes into bands, of which two hashes within the distance share one."""
    count = max_distance + 1
    width = 64 // count
    if width < MIN_BAND_BITS:
        yield np.zeros_like(bits)
        return
    for band in range(count):
        last = band == count - 1
        mask = np.uint64(2 ** (64 - band * width if last else width) - 1)
        yield (bits >> np.uint64(band * width)) & mask


def _within(bits: np.ndarray, max_distance: int) -> Iterator[tuple[int, int, int]]:
    """Yield the pairs of a bucket that are close enough, comparing a block with all that follow at a time."""
    for start in range(0, len(bits) - 1, BLOCK):
        block = bits[start : start + BLOCK]
        distances = np.bitwise_count(block[:, None] ^ bits[None, start:])
        distances[np.tril_indices(len(block), m=distances.shape[1])] = 255
        for row, column in zip(*np.nonzero(distances <= max_distance), strict=True):
            yield start + int(row), start + int(column), int(distances[row, column])


def thumbnails(records: pd.DataFrame, root: Path) -> Callable[[int], np.ndarray]:
    """Return what reads a row's picture as `small` does, and remembers the last 256.

    Args:
        records: Column `image`.
        root: Where the pictures' paths start.
    """

    @lru_cache(maxsize=256)
    def thumbnail(row: int) -> np.ndarray:
        return small(open_rgb(root / str(records["image"].iloc[row])))

    return thumbnail


def near_duplicates(
    records: pd.DataFrame,
    thumbnail: Callable[[int], np.ndarray],
    *,
    max_distance: int = MAX_DISTANCE,
    min_likeness: float = MIN_LIKENESS,
) -> list[Pair]:
    """Return the pairs that show the same photograph but are not the same file.

    Args:
        records: Columns `sha256` and `phash`.
        thumbnail: Returns a row's picture as `small` does; asked only for pairs of similar hashes.
        max_distance: How many of 64 bits may differ.
        min_likeness: How well the thumbnails must correlate.

    Returns:
        The most alike first.
    """
    files = records["sha256"].to_numpy()
    found = []
    for first, second, distance in candidates(records["phash"].tolist(), max_distance):
        if files[first] == files[second]:
            continue
        alike = likeness(thumbnail(first), thumbnail(second))
        if alike >= min_likeness:
            found.append(Pair(first, second, distance, alike))
    return sorted(found, key=lambda pair: -pair.likeness)


def identical(records: pd.DataFrame) -> list[Pair]:
    """Return the pairs that are the same file under two names: each later one with the first.

    Args:
        records: Column `sha256`.
    """
    position = pd.Series(np.arange(len(records)), index=records.index)
    first = position.groupby(records["sha256"]).transform("min")
    return [Pair(int(one), int(row), 0, 1.0) for one, row in zip(first, position, strict=True) if one != row]
