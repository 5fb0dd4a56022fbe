from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafcore.data.labels import label_set
from leafcore.data.splits import assign_splits

# Other work may share the cores.
fewer = settings(max_examples=50)

LABELS = ["healthy", "rust", "scab", "rust scab", "complex"]

# A record is (group, labels); a group may show several label sets, as a leaf with two diseases does.
records_ = st.lists(
    st.tuples(st.integers(0, 40).map(lambda number: f"leaf-{number}"), st.sampled_from(LABELS)), min_size=1, max_size=80
).map(lambda rows: pd.DataFrame(rows, columns=["group", "labels"]))
shares_ = st.tuples(st.sampled_from([0.0, 0.1, 0.15, 0.3, 0.45]), st.sampled_from([0.0, 0.1, 0.15, 0.3, 0.5]))
seeds_ = st.integers(0, 1000)


def singles(**counts: int) -> pd.DataFrame:
    """Return pictures that are each a group of their own."""
    rows = [(f"{labels}-{index}", label_set(labels.split("_"))) for labels, n in counts.items() for index in range(n)]
    return pd.DataFrame(rows, columns=["group", "labels"])


def leaves(labels: str, *sizes: int) -> pd.DataFrame:
    """Return leaves of one label set with so many pictures each."""
    rows = [(f"leaf-{number}", labels) for number, size in enumerate(sizes) for _ in range(size)]
    return pd.DataFrame(rows, columns=["group", "labels"])


def split(records: pd.DataFrame, val: float = 0.15, test: float = 0.15, seed: int = 0) -> pd.Series:
    return assign_splits(records, val=val, test=test, seed=seed)


def in_split(records: pd.DataFrame, name: str, **shares: float) -> Counter[str]:
    return Counter(records.loc[split(records, **shares) == name, "labels"])


# --- what holds for every dataset -----------------------------------------------------------------------------------


@given(records_, shares_, seeds_)
@fewer
def test_no_group_straddles_two_splits_and_every_picture_has_one(
    records: pd.DataFrame, shares: tuple[float, float], seed: int
) -> None:
    result = split(records, *shares, seed)
    assert result.index.equals(records.index)
    assert set(result) <= {"train", "val", "test"}
    assert (result.groupby(records["group"]).nunique() == 1).all()


@given(records_, shares_, seeds_)
@fewer
def test_a_split_without_a_share_stays_empty(records: pd.DataFrame, shares: tuple[float, float], seed: int) -> None:
    result = set(split(records, *shares, seed))
    assert (shares[0] > 0 or "val" not in result) and (shares[1] > 0 or "test" not in result)


@given(records_, shares_, seeds_)
@fewer
def test_every_label_is_in_train(records: pd.DataFrame, shares: tuple[float, float], seed: int) -> None:
    train = records[split(records, *shares, seed) == "train"]
    assert {name for labels in train["labels"] for name in labels.split()} == {
        name for labels in records["labels"] for name in labels.split()
    }


@given(st.lists(st.integers(1, 30), min_size=3, max_size=30), shares_, seeds_)
@fewer
def test_from_three_groups_on_every_wanted_split_gets_one(
    sizes: list[int], shares: tuple[float, float], seed: int
) -> None:
    records = leaves("rust", *sizes)
    wanted = {"train"} | {name for name, share in zip(("val", "test"), shares, strict=True) if share > 0}
    assert set(split(records, *shares, seed)) == wanted


@given(records_, shares_, seeds_, st.randoms(use_true_random=False))
@fewer
def test_the_order_of_the_rows_does_not_matter(
    records: pd.DataFrame, shares: tuple[float, float], seed: int, random
) -> None:
    order = list(records.index)
    random.shuffle(order)
    shuffled = split(records.loc[order], *shares, seed)
    assert shuffled.sort_index().equals(split(records, *shares, seed))


def test_the_order_of_a_leafs_pictures_does_not_matter() -> None:
    rows = [(f"leaf-{number}", labels) for number in range(8) for labels in ("rust", "scab")]
    sorted_rows = pd.DataFrame(rows, columns=["group", "labels"])
    mixed = pd.DataFrame([*rows[8:][::-1], *rows[:8]], columns=["group", "labels"])
    one, other = split(sorted_rows), split(mixed)
    assert dict(zip(sorted_rows["group"], one, strict=True)) == dict(zip(mixed["group"], other, strict=True))


@given(records_, seeds_)
@fewer
def test_the_same_seed_gives_the_same_split(records: pd.DataFrame, seed: int) -> None:
    assert split(records, seed=seed).equals(split(records.copy(), seed=seed))


@given(st.lists(st.integers(1, 4), min_size=60, max_size=200), st.sampled_from([0.1, 0.15, 0.2]), seeds_)
@fewer
def test_a_large_stratum_keeps_its_shares(sizes: list[int], share: float, seed: int) -> None:
    records = leaves("rust", *sizes)
    counts = split(records, share, share, seed).value_counts()
    for name in ("val", "test"):
        assert abs(counts[name] - share * len(records)) <= max(sizes)


@given(st.lists(st.integers(1, 60), min_size=4, max_size=25), seeds_)
@fewer
def test_a_group_larger_than_the_held_out_shares_is_trained_on(sizes: list[int], seed: int) -> None:
    records = leaves("rust", *sizes, sum(sizes))  # the last leaf has half of all pictures
    assert (split(records, seed=seed)[records["group"] == f"leaf-{len(sizes)}"] == "train").all()


# --- by hand --------------------------------------------------------------------------------------------------------


def test_twenty_leaves_are_cut_fourteen_three_three() -> None:
    assert Counter(split(singles(rust=20))) == {"train": 14, "val": 3, "test": 3}


def test_each_label_set_is_cut_by_itself() -> None:
    records = singles(healthy=200, rust=40, rust_scab=20)
    assert in_split(records, "test") == {"healthy": 30, "rust": 6, "rust scab": 3}
    assert in_split(records, "val") == {"healthy": 30, "rust": 6, "rust scab": 3}


@pytest.mark.parametrize("seed", range(5))
def test_one_giant_leaf_neither_becomes_the_test_split_nor_empties_it(seed: int) -> None:
    records = leaves("rust", 1000, *[100] * 10)
    counts = split(records, seed=seed).value_counts()
    assert counts.to_dict() == {"train": 1400, "val": 300, "test": 300}


@pytest.mark.parametrize("seed", range(5))
def test_three_leaves_of_unequal_size_leave_the_largest_to_train(seed: int) -> None:
    assert split(leaves("rust", 100, 1, 1), seed=seed).value_counts()["train"] == 100


def test_a_label_of_a_single_group_stays_in_train() -> None:
    records = pd.concat([singles(healthy=50), leaves("rust", 9)], ignore_index=True)
    assert set(split(records)[records["labels"] == "rust"]) == {"train"}


@pytest.mark.parametrize("seed", range(5))
def test_a_label_of_two_groups_is_trained_on_and_tested(seed: int) -> None:
    records = pd.concat([singles(healthy=50), leaves("rust", 3, 3)], ignore_index=True)
    assert set(split(records, seed=seed)[records["labels"] == "rust"]) == {"train", "test"}


def test_a_leaf_with_two_label_sets_stays_whole() -> None:
    rows = [
        ("leaf-1", "rust"),
        ("leaf-1", "scab"),
        *((f"r{n}", "rust") for n in range(9)),
        *((f"s{n}", "scab") for n in range(9)),
    ]
    records = pd.DataFrame(rows, columns=["group", "labels"])
    assert split(records)[records["group"] == "leaf-1"].nunique() == 1


def test_leaves_of_rare_combinations_are_spread_over_the_splits() -> None:
    rows = [(f"leaf-{a}-{b}-{n}", label_set([f"l{a}", f"l{b}"])) for a in range(6) for b in range(a) for n in range(2)]
    counts = split(pd.DataFrame(rows, columns=["group", "labels"])).value_counts()
    assert counts["train"] >= counts["test"] > 0 and counts["val"] > 0


def test_another_seed_gives_another_split_of_the_same_sizes() -> None:
    records = singles(healthy=60, rust=40)
    one, other = split(records, seed=0), split(records, seed=1)
    assert not one.equals(other) and Counter(one) == Counter(other)


def test_nothing_is_held_out_if_nothing_is_to_be() -> None:
    assert set(split(singles(rust=30), val=0, test=0)) == {"train"}


def test_large_held_out_shares_still_leave_one_group_to_train() -> None:
    for seed in range(10):
        assert Counter(split(singles(rust=3), val=0.39, test=0.6, seed=seed)) == {"train": 1, "val": 1, "test": 1}


def test_every_image_is_as_likely_to_be_tested() -> None:
    records = singles(rust=20)
    tested = np.zeros(20)
    for seed in range(200):
        tested += (split(records, seed=seed) == "test").to_numpy()
    # 200 draws at 0.15: mean 30, standard deviation 5; five of them on either side.
    assert tested.sum() == 200 * 3 and tested.min() > 5 and tested.max() < 55
