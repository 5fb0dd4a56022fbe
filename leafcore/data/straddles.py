"""What lies on two sides of a split although it belongs together: a group, a file under two names, a photograph."""

from collections.abc import Sequence

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


def find_straddles(records: pd.DataFrame, alike: Sequence[tuple[str, str]] = ()) -> Straddles:
    """Look for what straddles.

    Args:
        records: Columns `image`, `group`, `sha256` and `split`.
        alike: Pairs of pictures that show the same photograph; pairs of which one is not there are passed over.
    """
    split = records["split"].map({name: rank for rank, name in enumerate(SPLITS)}).to_numpy()
    groups, in_groups = _divided(records["group"], split)
    files, in_files = _divided(records["sha256"], split)
    row = pd.Index(records["image"])
    first, second = (row.get_indexer(pd.Index([pair[side] for pair in alike], dtype=object)) for side in (0, 1))
    apart = (first >= 0) & (second >= 0)
    apart[apart] = split[first[apart]] != split[second[apart]]
    concerned = in_groups | in_files
    concerned[first[apart]] = concerned[second[apart]] = True
    return Straddles(
        groups=groups, files=files, pairs=int(apart.sum()), clusters=_clusters(records, concerned, first, second, apart)
    )


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
