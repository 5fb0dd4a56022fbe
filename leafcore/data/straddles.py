"""What lies on two sides of a split although it belongs together: a group, a file under two names, a photograph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.data.groups import merge_alike
from leafcore.data.manifest import SPLITS


class Straddles(BaseModel):
    """What straddles.

    Attributes:
        groups: How many groups do.
        files: How many files do, under several names.
        pairs: How many pairs of pictures do that show the same photograph in two files.
        clusters: The pictures concerned, those that belong together side by side.
    """

    model_config = ConfigDict(frozen=True)

    groups: int
    files: int
    pairs: int
    clusters: tuple[tuple[str, ...], ...]

    @property
    def images(self) -> tuple[str, ...]:
        """All pictures concerned, in the clusters' order."""
        return tuple(image for cluster in self.clusters for image in cluster)


@dataclass(frozen=True)
class Straddling:
    """Test pictures that belong together with one in train or validation, by how; each in the records' order.

    Attributes:
        near_duplicates: Those that show the same photograph as one there, in another file.
        files: Those whose file is there as well.
        groups: Those of whose group a picture is there.
        images: Those of any kind.
    """

    near_duplicates: tuple[str, ...]
    files: tuple[str, ...]
    groups: tuple[str, ...]
    images: tuple[str, ...]


def find_straddles(records: pd.DataFrame, alike: Sequence[tuple[str, str]] = ()) -> Straddles:
    """Look for what straddles.

    Args:
        records: Columns `image`, `group`, `sha256` and `split`.
        alike: Pairs of pictures that show the same photograph; pairs of which one is not there are passed over.
    """
    split = _sides(records)
    groups, in_groups = _divided(records["group"], split)
    files, in_files = _divided(records["sha256"], split)
    first, second, apart = _apart(records, split, alike)
    concerned = in_groups | in_files
    concerned[first[apart]] = concerned[second[apart]] = True
    return Straddles(
        groups=groups, files=files, pairs=int(apart.sum()), clusters=_clusters(records, concerned, first, second, apart)
    )


def straddling_tests(records: pd.DataFrame, alike: Sequence[tuple[str, str]] = ()) -> Straddling:
    """Look for what straddles, on the side of the test split alone.

    Args:
        records: As of `find_straddles`.
        alike: The same.
    """
    split = _sides(records)
    first, second, apart = _apart(records, split, alike)
    near = np.zeros(len(records), dtype=bool)
    near[first[apart]] = near[second[apart]] = True
    files, groups = (_divided(records[column], split)[1] for column in ("sha256", "group"))
    tested = split == SPLITS.index("test")

    def named(rows: np.ndarray) -> tuple[str, ...]:
        return tuple(str(image) for image in records["image"].to_numpy()[rows & tested])

    return Straddling(named(near), named(files), named(groups), named(near | files | groups))


def _sides(records: pd.DataFrame) -> np.ndarray:
    """Return which split each picture is in, (N,) int, the position in `SPLITS`."""
    return records["split"].map({name: rank for rank, name in enumerate(SPLITS)}).to_numpy()


def _apart(
    records: pd.DataFrame, split: np.ndarray, alike: Sequence[tuple[str, str]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the first and of the second picture of each pair, and which pairs lie on two sides."""
    row = pd.Index(records["image"])
    first, second = (row.get_indexer(pd.Index([pair[side] for pair in alike], dtype=object)) for side in (0, 1))
    apart = (first >= 0) & (second >= 0)
    apart[apart] = split[first[apart]] != split[second[apart]]
    return first, second, apart


def _divided(key: pd.Series, split: np.ndarray) -> tuple[int, np.ndarray]:
    """Return how many values of a column occur in several splits, and which rows have such a value."""
    code, values = pd.factorize(key)
    sides = np.zeros((len(values), len(SPLITS)), dtype=bool)
    sides[code, split] = True
    several = sides.sum(axis=1) > 1
    return int(several.sum()), several[code]


def _clusters(
    records: pd.DataFrame, concerned: np.ndarray, first: np.ndarray, second: np.ndarray, apart: np.ndarray
) -> tuple[tuple[str, ...], ...]:
    some = records[concerned].reset_index(drop=True)
    if some.empty:
        return ()
    position = np.cumsum(concerned) - 1
    pairs = list(zip(position[first[apart]].tolist(), position[second[apart]].tolist(), strict=True))
    joined = some["image"].groupby(merge_alike(some, pairs), sort=True)
    return tuple(tuple(sorted(images)) for _, images in joined)
