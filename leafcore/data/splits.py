"""Train, validation and test: made once, by group, stratified by label set."""

import numpy as np
import pandas as pd

from leafcore.data.labels import split_labels
from leafcore.errors import DatasetError

_ORDER = ("test", "val", "train")  # which split a scarce label reaches first, after train has one


def assign_splits(records: pd.DataFrame, *, val: float, test: float, seed: int) -> pd.Series:
    """Give every picture a split so that no group straddles two and each label set keeps its share.

    Groups of one label set are shuffled and cut in proportion to their pictures; from three groups on, each split gets
    at least one, and a group larger than both held-out shares together goes to train. Groups too few to be cut, or of
    mixed labels, go one by one to the split that lacks their labels most. A label that only one group shows stays in
    train.

    Args:
        records: Columns `labels` and `group`.
        val: The share of validation pictures, 0 to 1.
        test: The share of test pictures, 0 to 1.
        seed: Of the shuffle.

    Returns:
        "train", "val" or "test" per record, on the records' index.
    """
    rng = np.random.default_rng(seed)
    shares = {"train": 1.0 - val - test, "val": val, "test": test}
    groups, position = _groups(records)
    groups = groups.iloc[rng.permutation(len(groups))]

    split = pd.Series("", index=groups.index, dtype=object)
    few = groups.groupby("stratum")["size"].transform("count") < 3
    for _, members in groups[~few].groupby("stratum", sort=True):
        split[members.index] = _cut(members["size"].to_numpy(), shares)
    _fill(groups[few], split, shares)
    return pd.Series(split.sort_index().to_numpy()[position], index=records.index)


def assign_folds(records: pd.DataFrame, *, folds: int, val: float, seed: int) -> list[pd.Series]:
    """Give every picture a split, once per fold: each picture is tested in exactly one fold, together with its group.

    Label sets are spread evenly by scikit-learn's `StratifiedGroupKFold`. Those of fewer pictures than folds count as
    one for that, since they cannot be in every fold.

    Args:
        records: Columns `labels` and `group`.
        folds: How many.
        val: The share of validation pictures among those that a fold does not test, 0 to 1.
        seed: Of the shuffle.

    Returns:
        Per fold, as `assign_splits`.

    Raises:
        DatasetError: There are fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = records["group"].nunique()
    if groups < folds:
        raise DatasetError(f"folds: got {folds}, but there are only {groups} groups of pictures; make fewer folds.")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    strata = _strata(records["labels"], folds)
    tested = [rows for _, rows in splitter.split(strata, strata, records["group"].to_numpy(dtype=object))]
    return [hold_out(records, np.isin(np.arange(len(records)), rows), val=val, seed=seed) for rows in tested]


def _strata(labels: pd.Series, folds: int) -> np.ndarray:
    """Return label sets, of which those that are too rare for the folds are one, or count to the most frequent."""
    counts = labels.value_counts()
    is_rare = labels.map(counts) < folds
    pooled = "" if is_rare.sum() >= folds else counts.index[0]
    return labels.astype(object).mask(is_rare, pooled).to_numpy(dtype=object)


def hold_out(records: pd.DataFrame, is_test: np.ndarray, *, val: float, seed: int) -> pd.Series:
    """Make some pictures the test split, and divide the others into train and validation.

    Args:
        records: Columns `labels` and `group`.
        is_test: (N,) bool, alike for a whole group.
        val: The share of validation pictures among the others, 0 to 1.
        seed: Of the shuffle.

    Returns:
        As `assign_splits`.

    Raises:
        DatasetError: No picture would be left to train on.
    """
    if is_test.all():
        raise DatasetError("No picture would be left to train on: all belong to what is tested; hold out less.")
    split = pd.Series("test", index=records.index, dtype=object)
    split[~is_test] = assign_splits(records[~is_test], val=val, test=0.0, seed=seed)
    return split


def _groups(records: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the groups, numbered in the order of their names, and each record's number.

    Returns:
        Columns `stratum`, the label sets of a group in order, and `size`; and the numbers.
    """
    position, names = pd.factorize(records["group"], sort=True)
    label, label_names = pd.factorize(records["labels"])
    some_label = np.zeros(len(names), dtype=int)
    some_label[position] = label
    strata = pd.Series(np.asarray(label_names, dtype=object)[some_label])
    mixed = np.unique(position[some_label[position] != label])
    if len(mixed):
        pairs = records.loc[np.isin(position, mixed), ["group", "labels"]].drop_duplicates()
        joined = pairs.sort_values(["group", "labels"]).groupby("group")["labels"].agg(" | ".join)
        strata.iloc[mixed] = joined.to_numpy(dtype=object)
    return pd.DataFrame({"stratum": strata, "size": np.bincount(position, minlength=len(names))}), position


def _cut(sizes: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """Cut shuffled groups of one stratum in proportion to their pictures; each wanted split gets at least one."""
    held_out = shares["test"] + shares["val"]
    large = sizes > held_out * sizes.sum()
    others = np.where(large, 0, sizes)
    middle = (np.cumsum(others) - others / 2) / sizes.sum()
    cut = np.where(middle < shares["test"], "test", "train").astype(object)
    cut[(middle >= shares["test"]) & (middle < held_out)] = "val"
    cut[large] = "train"
    for name in ("train", "test", "val"):
        if shares[name] > 0 and name not in cut:
            giver = max(shares, key=lambda other: int((cut == other).sum()))
            given = np.flatnonzero(cut == giver)
            pick = np.argmax if name == "train" else np.argmin
            cut[given[pick(sizes[given])]] = name
    return cut


def _fill(few: pd.DataFrame, split: pd.Series, shares: dict[str, float]) -> None:
    """Give each remaining group to the split that lacks its labels most, relative to that split's share."""
    wanted: dict[str, float] = {}
    for stratum, size in zip(few["stratum"], few["size"], strict=True):
        for label in _labels(stratum):
            wanted[label] = wanted.get(label, 0.0) + size
    have: dict[tuple[str, str], float] = {}
    open_splits = [name for name in _ORDER if shares[name] > 0]
    for group, stratum, size in zip(few.index, few["stratum"], few["size"], strict=True):
        labels = _labels(stratum)

        def lack(name: str, labels: tuple[str, ...] = labels) -> float:
            if name != "train" and any(not have.get(("train", label)) for label in labels):
                return -np.inf  # every label reaches train first
            return sum(1.0 - have.get((name, label), 0.0) / (shares[name] * wanted[label]) for label in labels)

        chosen = max(open_splits, key=lack)
        split[group] = chosen
        for label in labels:
            have[chosen, label] = have.get((chosen, label), 0.0) + size


def _labels(stratum: str) -> tuple[str, ...]:
    return tuple(sorted({label for labels in stratum.split(" | ") for label in split_labels(labels)}))
