"""Pictures as a network sees them, and what is known of each."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from leafcore.errors import DatasetError
from leafcore.images import load_square
from leafcore.measure.distances import nearest_of_reals
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.witness import Witness
from leafcore.progress import Progress

MOST_NEAR = 2000  # real pictures, drawn, that say how near to a train picture is near


@dataclass(frozen=True)
class Pictures:
    """Some pictures, row by row.

    Attributes:
        features: (N, D) float32.
        labels: (N,) label set of each.
        groups: (N,) what each belongs to.
        called: (N,) label set that the judge gives each; empty text without one.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    called: np.ndarray

    def __len__(self) -> int:
        return len(self.features)

    def pick(self, rows: np.ndarray) -> "Pictures":
        """Return some of them, by row numbers or by a mask."""
        return Pictures(self.features[rows], self.labels[rows], self.groups[rows], self.called[rows])

    def of(self, label_sets: Collection[str]) -> "Pictures":
        """Return those of some label sets."""
        return self.pick(np.isin(self.labels, sorted(label_sets)))

    def drawn(self, count: int, seed: int) -> "Pictures":
        """Return so many of them at random, or all where there are no more."""
        if count >= len(self):
            return self
        return self.pick(np.sort(np.random.default_rng(seed).permutation(len(self))[:count]))

    def and_also(self, others: "Pictures") -> "Pictures":
        """Return these pictures and some others."""
        return Pictures(
            np.concatenate([self.features, others.features]),
            np.concatenate([self.labels, others.labels]),
            np.concatenate([self.groups, others.groups]),
            np.concatenate([self.called, others.called]),
        )


def look(extract: FeatureExtractor, table: pd.DataFrame, progress: Progress, batch_size: int) -> Pictures:
    """Return pictures as a network sees them, without those that cannot be read.

    Args:
        extract: The network.
        table: A row per picture: `path`, `sha256`, `labels`, `group`, `called`.
        progress: Told of those that were never seen before.
        batch_size: Pictures per forward pass.

    Raises:
        DatasetError: None of them can be read.
        Stopped: Somebody asked to stop.
    """
    paths = [Path(path) for path in table["path"]]
    seen = extract(paths, table["sha256"].tolist(), progress, batch_size=batch_size)
    columns = (table[name].to_numpy(str) for name in ("labels", "group", "called"))
    found = Pictures(seen.values, *columns)
    if not seen.unreadable:
        return found
    return found.pick(np.array([row not in seen.unreadable for row in range(len(found))]))


def name_all(
    witness: Witness, paths: Sequence[Path], size_px: int, batch_size: int, report: Callable[[int], None]
) -> list[str]:
    """Return the label set that a judge gives each picture; empty text for one that cannot be read.

    Args:
        witness: The judge; without one nothing is named.
        paths: The pictures' files.
        size_px: The side at which they are shown to it.
        batch_size: Pictures per forward pass.
        report: Told after each batch how many are done.
    """
    called = [""] * len(paths)
    for start in range(0, len(paths) if witness.judge else 0, batch_size):
        batch: dict[int, np.ndarray] = {}
        for row in range(start, min(start + batch_size, len(paths))):
            try:
                batch[row] = load_square(paths[row], size_px)
            except DatasetError:
                continue  # it has no features either, and is left out there
        names = witness.name_all(np.stack(list(batch.values()))) if batch else []
        for row, name in zip(batch, names, strict=True):
            called[row] = name
        report(min(start + batch_size, len(paths)))
    return called


@dataclass(frozen=True)
class Reference:
    """Real pictures of some label sets, that sets are held against.

    Attributes:
        reals: Those of the distances.
        train: Those that a generator may have learned from.
        val: Validation pictures, of which none should have.
        near: How near to a train picture all but 1 % of real pictures of other groups stay; NaN if unknown.
    """

    reals: Pictures
    train: Pictures
    val: Pictures
    near: float

    @classmethod
    def of(
        cls, train: Pictures, val: Pictures, label_sets: Collection[str], *, with_train: bool, seed: int
    ) -> "Reference":
        """Return the pictures of some label sets; those of the distances are validation's, and train's if asked."""
        train, val = train.of(label_sets), val.of(label_sets)
        both = val.and_also(train)
        near = math.nan
        if len(train):
            some = both.drawn(MOST_NEAR, seed)
            near = nearest_of_reals(some.features, some.groups, train.features, train.groups)
        return cls(both if with_train else val, train, val, near)
