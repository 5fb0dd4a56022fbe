import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data.edits import carry_out
from leafcore.data.fixes import clusters, exclude_conflicts, exclude_odd, keep_one, one_side, to_train, unite_labels
from leafcore.data.manifest import Card, Dataset, Decision
from leafcore.data.straddles import find_straddles

CARD = Card(root="", source="", format="", license="", created=0)


def dataset(*rows: tuple[str, str, str, str], **columns: object) -> Dataset:
    """Return a dataset of (image, labels, split, group), every picture another file unless `sha256` is given."""
    records = pd.DataFrame(rows, columns=["image", "labels", "split", "group"], dtype="string")
    records = records.assign(sha256=records["image"], width=10, height=10, traits="").assign(**columns)
    return Dataset("leaves", "0" * 12, records, CARD)


def excluded(decisions: list[Decision]) -> list[str]:
    return [one.image for one in decisions if one.action == "exclude"]


LEAVES = dataset(
    ("a", "rust", "test", "1"),
    ("b", "rust", "train", "1"),
    ("c", "rust", "train", "2"),
    ("d", "scab", "train", "3"),
    ("e", "healthy", "val", "4"),
)


def test_pairs_that_share_a_picture_are_one_cluster() -> None:
    assert clusters([("b", "a"), ("c", "b"), ("x", "y")]) == [("a", "b", "c"), ("x", "y")]
    assert clusters([]) == []


def test_of_copies_the_one_in_train_stays_then_the_larger_then_the_first_by_name() -> None:
    assert excluded(keep_one(LEAVES, [("a", "b")])) == ["a"]
    assert excluded(keep_one(LEAVES, [("a", "b"), ("b", "c")])) == ["a", "c"]
    larger = dataset(*LEAVES.records[["image", "labels", "split", "group"]].itertuples(index=False), width=range(5))
    assert excluded(keep_one(larger, [("a", "b"), ("b", "c")])) == ["a", "b"]
    assert keep_one(LEAVES, [("a", "b")])[0].why == "same photograph as b"


def test_copies_whose_labels_disagree_are_left_to_a_person() -> None:
    assert keep_one(LEAVES, [("c", "d")]) == []


def test_conflicts_are_excluded_whole_or_united_on_one_of_them() -> None:
    assert excluded(exclude_conflicts([("c", "d")])) == ["c", "d"]
    relabelled, gone = unite_labels(LEAVES, [("c", "d")])
    assert (relabelled.image, relabelled.labels, gone.image) == ("c", "rust scab", "d")
    assert unite_labels(LEAVES, [("d", "e")])[0].labels == "scab", "healthy gives way"


def test_files_odd_in_one_way_are_excluded_and_no_others() -> None:
    odd = dataset(*[(name, "rust", "train", name) for name in "abc"], traits=["tiny", "rotated tiny", "rotated"])
    assert excluded(exclude_odd(odd, "tiny")) == ["a", "b"]


def test_a_divided_group_goes_to_train_if_it_has_a_picture_there_else_to_validation() -> None:
    leaves = dataset(
        ("a", "rust", "test", "1"),
        ("b", "rust", "train", "1"),
        ("c", "rust", "test", "2"),
        ("d", "rust", "val", "2"),
        ("e", "rust", "test", "3"),
    )
    assert [(one.image, one.split, one.group) for one in one_side(leaves)] == [("a", "train", ""), ("c", "val", "")]


def test_a_photograph_in_two_groups_is_joined_and_all_of_both_groups_move() -> None:
    leaves = dataset(
        ("a", "rust", "test", "1"), ("b", "rust", "test", "1"), ("c", "rust", "train", "2"), ("d", "rust", "train", "9")
    )
    moved = [(one.image, one.split, one.group) for one in one_side(leaves, [("b", "c")])]
    assert moved == [("a", "train", ""), ("b", "train", ""), ("c", "", "1")]


@given(
    groups=st.lists(st.sampled_from("pqrs"), min_size=1, max_size=12),
    seed=st.integers(0, 1000),
)
def test_after_the_fix_nothing_straddles_and_train_loses_nothing(groups: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"picture-{number}" for number in range(len(groups))]
    splits = rng.choice(["train", "val", "test"], len(names)).tolist()
    rows = [(name, "rust", split, group) for name, split, group in zip(names, splits, groups, strict=True)]
    files = [str(number) for number in rng.integers(0, 8, len(names))]
    leaves = dataset(*rows, sha256=files)
    alike = [(names[0], names[-1])] if len(names) > 1 else []
    after = carry_out(leaves.records, one_side(leaves, alike))
    assert find_straddles(after, alike).clusters == ()
    trained = leaves.records["split"] == "train"
    assert (after.loc[trained, "split"] == "train").all()


def test_what_was_seen_moves_to_train_with_its_group() -> None:
    leaves = dataset(("a", "rust", "test", "1"), ("b", "rust", "test", "1"), ("c", "rust", "test", "2"))
    assert [(one.image, one.split) for one in to_train(leaves, ["a"], "seen")] == [("a", "train"), ("b", "train")]


@pytest.mark.parametrize("fix", [keep_one, unite_labels])
def test_without_pairs_nothing_is_decided(fix) -> None:
    assert fix(LEAVES, []) == []
