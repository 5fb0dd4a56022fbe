"""Folds and held-out groups: what holds for every dataset, then by hand."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leafcore.data.splits import assign_folds, hold_out
from leafcore.errors import DatasetError
from tests.data.test_splits import leaves, records_, seeds_, singles

fewer = settings(max_examples=40)
folds_ = st.integers(2, 6)
shares_ = st.sampled_from([0.0, 0.15, 0.3])


def folds_of(records: pd.DataFrame, folds: int = 5, val: float = 0.15, seed: int = 0) -> list[pd.Series]:
    return assign_folds(records, folds=folds, val=val, seed=seed)


@given(records_, folds_, shares_, seeds_)
@fewer
def test_every_picture_is_tested_in_exactly_one_fold_and_with_its_group(
    records: pd.DataFrame, folds: int, val: float, seed: int
) -> None:
    assume(records["group"].nunique() >= folds)
    splits = folds_of(records, folds, val, seed)
    assert len(splits) == folds
    assert (sum((split == "test").astype(int) for split in splits) == 1).all()
    for split in splits:
        assert split.index.equals(records.index) and set(split) <= {"train", "val", "test"}
        assert (split.groupby(records["group"]).nunique() == 1).all()
        assert {"train", "test"} <= set(split), "no fold is empty, and none takes everything"
        assert val > 0 or "val" not in set(split)


@given(records_, folds_, seeds_)
@fewer
def test_the_same_seed_gives_the_same_folds(records: pd.DataFrame, folds: int, seed: int) -> None:
    assume(records["group"].nunique() >= folds)
    one, other = (folds_of(records.copy(), folds, seed=seed) for _ in range(2))
    assert all(first.equals(second) for first, second in zip(one, other, strict=True))


@given(st.lists(st.integers(1, 4), min_size=40, max_size=120), folds_, seeds_)
@fewer
def test_the_folds_of_many_leaves_are_of_one_size(sizes: list[int], folds: int, seed: int) -> None:
    counts = [(split == "test").sum() for split in folds_of(leaves("rust", *sizes), folds, seed=seed)]
    assert max(counts) - min(counts) <= max(sizes)


def test_each_label_set_is_spread_evenly() -> None:
    records = singles(healthy=50, rust=20, rust_scab=10)
    for split in folds_of(records):
        assert Counter(records.loc[split == "test", "labels"]) == {"healthy": 10, "rust": 4, "rust scab": 2}
        assert Counter(split) == {"test": 16, "val": 6 + 2 + 1, "train": 55}


def test_label_sets_rarer_than_the_folds_are_spread_together() -> None:
    records = singles(healthy=50, rust=4, scab=3, complex=3)
    rare = [Counter(records.loc[split == "test", "labels"] != "healthy")[True] for split in folds_of(records)]
    assert rare == [2] * 5


def test_a_single_rare_picture_hinders_no_fold() -> None:
    assert sum((split == "test").sum() for split in folds_of(singles(healthy=9, rust=1))) == 10


def test_another_seed_gives_other_folds() -> None:
    records = singles(healthy=60, rust=40)
    assert not folds_of(records, seed=0)[0].equals(folds_of(records, seed=1)[0])


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(DatasetError, match="^folds: got 5, but there are only 3 groups"):
        folds_of(leaves("rust", 10, 10, 10))


# --- one group left out ---------------------------------------------------------------------------------------------


@given(records_, shares_, seeds_, st.data())
@fewer
def test_what_is_held_out_is_the_test_split_and_nothing_else_is(
    records: pd.DataFrame, val: float, seed: int, data: st.DataObject
) -> None:
    is_test = (records["group"] == data.draw(st.sampled_from(sorted(set(records["group"]))))).to_numpy()
    assume(not is_test.all())
    split = hold_out(records, is_test, val=val, seed=seed)
    assert np.array_equal((split == "test").to_numpy(), is_test)
    assert (split.groupby(records["group"]).nunique() == 1).all() and "train" in set(split)


def test_validation_is_a_share_of_what_is_left() -> None:
    records = leaves("rust", 20, *[1] * 40)
    split = hold_out(records, (records["group"] == "leaf-0").to_numpy(), val=0.25, seed=0)
    assert Counter(split) == {"test": 20, "val": 10, "train": 30}


def test_holding_everything_out_is_refused() -> None:
    records = leaves("rust", 3)
    with pytest.raises(DatasetError, match="No picture would be left to train on"):
        hold_out(records, np.ones(3, dtype=bool), val=0.0, seed=0)
