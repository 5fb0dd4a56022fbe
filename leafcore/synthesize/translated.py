"""What is measured of translations against their sources: how far leaf and background changed, and twins in a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Origins:
    """What some pictures were translated from.

    Attributes:
        sources: (N, S, S, 3) uint8.
        leaves: (N, S, S) bool, True on the leaf; True all over where no mask is known.
        groups: (N,) what each source belongs to.
        twins: (N,) the earlier picture of the run that looks the same; empty for none.
    """

    sources: np.ndarray
    leaves: np.ndarray
    groups: Sequence[str]
    twins: Sequence[str]

    def measure(self, index: int, picture: np.ndarray) -> dict[str, Any]:
        """Return what `Found` says of a translation beside what judges say.

        Args:
            index: Of the source.
            picture: (S, S, 3) uint8.
        """
        source, leaf = self.sources[index], self.leaves[index]
        return {
            "change": mean_change(picture, source, leaf),
            "background_change": mean_change(picture, source, ~leaf),
            "contrast": contrast(picture),
            "twin": self.twins[index],
        }


def mean_change(picture: np.ndarray, source: np.ndarray, where: np.ndarray) -> float | None:
    """Return the mean absolute difference of some pixels in % of the range, from 0 to 100; None if there are none.

    Args:
        picture: (S, S, 3) uint8.
        source: (S, S, 3) uint8.
        where: (S, S) bool.
    """
    if not where.any():
        return None
    difference = np.abs(picture[where].astype(np.int16) - source[where])
    return float(difference.mean() / 2.55)


def contrast(picture: np.ndarray) -> float:
    """Return the standard deviation of a (S, S, 3) uint8 picture's brightness in % of the range, from 0 to 50."""
    return float(picture.mean(axis=2).std() / 2.55)


class Twins:
    """Finds pictures that look like an earlier one of their run: a collapsed generator makes one picture of many.

    Files are compared by their names, which begin with their numbers, so that a run that was stopped finds the same
    twins as one that was not.

    Args:
        rows: Of the ledger: what was made before a stop.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._first: dict[str, str] = {}
        for row in rows:
            self.find(str(row["file"]), str(row["phash"]))

    def find(self, file: str, phash: str) -> str:
        """Return the earlier picture with the same perceptual hash, empty for none; this one is remembered."""
        first = self._first.setdefault(phash, file) if phash else file
        if file < first:
            self._first[phash] = file
        return first if first < file else ""
