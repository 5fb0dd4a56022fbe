"""Who belongs together: pictures of one leaf, of one plant, of one day, of one camera, or of one file under two names.

A rule gives each picture a name, empty where it does not know; pictures to which one rule gives the same name belong
together. Rules add up: what any of them joins is joined.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd


def groups_by_name(records: pd.DataFrame, pattern: re.Pattern[str]) -> pd.Series:
    """Return what file names say.

    Args:
        records: Column `image`.
        pattern: Its first bracket is the group; empty where that matches nothing.
    """
    names = records["image"].str.rsplit("/", n=1).str[-1]
    return names.str.extract(pattern, expand=True).iloc[:, 0].fillna("").astype(object)


def groups_by_run(records: pd.DataFrame, length: int) -> pd.Series:
    """Return the run of camera numbers that each picture is in.

    The camera's number is the last one in a file's name. Pictures in one folder whose names are alike but for the
    number are sorted by it and cut into runs of equal length; a number that is missing makes no difference, and copies
    of one number count once. What precedes the last `___` is PlantVillage's random id and no part of the name.

    Args:
        records: Column `image`.
        length: How many numbers make a run, 2 or more.

    Returns:
        Such as "rust/IMG_0013..0016"; empty where the name holds no number.
    """
    parts = records["image"].str.extract(
        r"^(?P<folder>(?:.*/)?)(?:[^/]*___)?(?P<head>[^/]*?)(?P<number>[0-9]+)(?P<tail>[^0-9/]*?)(?:\.[^./0-9]*)?$"
    )
    known = parts.dropna(subset=["number"])
    width = known["number"].str.len().max()
    known = known.assign(order=known["number"].str.zfill(0 if known.empty else int(width)))
    series = ["folder", "head", "tail"]
    shots = known.drop_duplicates([*series, "order"]).sort_values([*series, "order"])
    run = shots.groupby(series).cumcount() // length
    ends = shots.groupby([*(shots[name] for name in series), run])["number"]
    shots = shots.assign(
        run=shots["folder"] + shots["head"] + ends.transform("first") + ".." + ends.transform("last") + shots["tail"]
    )
    named = known.reset_index().merge(shots[[*series, "order", "run"]], on=[*series, "order"]).set_index("index")["run"]
    return named.reindex(records.index).fillna("").astype(object)


def merge_alike(
    records: pd.DataFrame, alike: Sequence[tuple[int, int]] = (), rules: Sequence[pd.Series] = ()
) -> pd.Series:
    """Return the groups after joining those that belong together, so that no split divides them.

    Args:
        records: Columns `group` and `sha256`; those of the same file are joined.
        alike: Rows of pictures that show the same photograph in two files.
        rules: What further rules say, each aligned with the records; empty names join nothing.

    Returns:
        The group per record: of joined groups, the name by which the first rule joins pictures (of several, the one
        that sorts first), else the group's name that sorts first. No two groups are called the same.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group, names = pd.factorize(records["group"], sort=True)
    file, files = pd.factorize(records["sha256"])
    first, second = (np.array([group[pair[side]] for pair in alike], dtype=int) for side in (0, 1))
    starts, ends, size = [first, group], [second, file + len(names)], len(names) + len(files)
    for rule in rules:
        code, keys = pd.factorize(rule.mask(rule == ""))
        known = code >= 0
        starts.append(group[known])
        ends.append(code[known] + size)
        size += len(keys)
    edges = np.concatenate(starts), np.concatenate(ends)
    links = coo_array((np.ones(len(edges[0]), dtype=int), edges), shape=(size, size))
    _, component = connected_components(links, directed=False)
    called = _names_of(pd.Series(names, dtype=object), component[: len(names)], component[group], rules)
    return pd.Series(component[group], index=records.index).map(called)


def _names_of(names: pd.Series, parts: np.ndarray, position: np.ndarray, rules: Sequence[pd.Series]) -> pd.Series:
    """Name each joined group.

    Args:
        names: The groups before, sorted.
        parts: Which joined group each of them is in.
        position: Which joined group each record is in.
        rules: What each rule says of each record.
    """
    first = names.groupby(parts).first()
    if not rules:
        return first
    called = pd.Series(pd.NA, index=first.index, dtype=object)
    for rule in rules:
        said = pd.Series(rule.to_numpy(dtype=object))
        known = (said != "") & said.duplicated(keep=False)
        called = called.fillna(said[known].groupby(position[known]).min())
    called = called.fillna(first)
    return called.where(~called.duplicated(keep=False), called.str.cat(first, sep=", "))
