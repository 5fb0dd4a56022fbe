"""Who belongs together: pictures of one leaf, of one plant, or of one file under two names."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd


def groups_by_name(records: pd.DataFrame, pattern: re.Pattern[str]) -> pd.Series:
    """Return the groups that file names give.

    Args:
        records: Columns `image` and `group`.
        pattern: Its first bracket is the group; a name in which that matches nothing keeps the group it has.
    """
    names = records["image"].str.rsplit("/", n=1).str[-1]
    matched = names.str.extract(pattern, expand=True).iloc[:, 0].fillna("")
    return matched.where(matched != "", records["group"])


def merge_alike(records: pd.DataFrame, alike: Sequence[tuple[int, int]] = ()) -> pd.Series:
    """Return the groups after joining those that hold the same photograph, so that no split divides them.

    Args:
        records: Columns `group` and `sha256`; those of the same file are joined.
        alike: Rows of pictures that show the same photograph in two files.

    Returns:
        The group per record: of joined groups, the name that sorts first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group, names = pd.factorize(records["group"], sort=True)
    file, files = pd.factorize(records["sha256"])
    size = len(names) + len(files)
    first, second = (np.array([group[pair[side]] for pair in alike], dtype=int) for side in (0, 1))
    ends = np.concatenate([group, first]), np.concatenate([file + len(names), second])
    links = coo_array((np.ones(len(ends[0]), dtype=int), ends), shape=(size, size))
    _, component = connected_components(links, directed=False)
    first_name = pd.Series(names).groupby(component[: len(names)]).first()
    return pd.Series(component[group], index=records.index).map(first_name)
