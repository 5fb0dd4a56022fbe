import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data.source_splits import keep_splits, moved, split_name, split_names
from leafcore.errors import DatasetError


def table(*rows: tuple[str, str]) -> pd.DataFrame:
    """Return records of (group, the source's split), all of one label."""
    return pd.DataFrame(rows, columns=["group", "fixed_split"]).assign(labels="rust")


def kept(*rows: tuple[str, str], val: float = 0.2, test: float = 0.2) -> list[str]:
    return keep_splits(table(*rows), val=val, test=test, seed=0).tolist()


@pytest.mark.parametrize(
    ("word", "name"),
    [("train", "train"), (" Validation ", "val"), ("VALID", "val"), ("val", "val"), ("test", "test"), ("", "")],
)
def test_words_for_splits(word: str, name: str) -> None:
    assert split_name(word) == name


def test_another_word_is_named_with_its_row() -> None:
    with pytest.raises(DatasetError, match=r"^t.csv: got 'fold1' in row 3; expected train, val, valid, validation"):
        split_names(pd.Series(["train", "fold1"]), "t.csv")


def test_a_source_that_has_all_three_splits_keeps_them() -> None:
    names = ["train", "val", "test"] * 4
    assert kept(*[(str(number), name) for number, name in enumerate(names)]) == names


def test_what_the_source_does_not_say_is_trained_on_if_it_holds_out_both() -> None:
    assert kept(("1", "val"), ("2", "test"), ("3", ""), ("4", "")) == ["val", "test", "train", "train"]


def test_a_held_out_split_that_the_source_lacks_is_drawn_from_its_train_split() -> None:
    rows = [(f"a{number}", "train") for number in range(20)] + [(f"b{number}", "test") for number in range(5)]
    split = kept(*rows)
    assert split[20:] == ["test"] * 5
    assert split[:20].count("val") == 4 and split[:20].count("train") == 16
    assert not moved(table(*rows)).any(), "drawing is not moving"
    assert kept(*rows, val=0.0)[:20] == ["train"] * 20


@pytest.mark.parametrize(("sides", "goes"), [("train test", "test"), ("train val", "val"), ("val test train", "test")])
def test_a_group_that_straddles_goes_whole_to_what_is_held_out(sides: str, goes: str) -> None:
    rows = [("same", side) for side in sides.split()] + [("a", "val"), ("b", "test"), ("c", "train")]
    count = len(sides.split())
    assert kept(*rows)[:count] == [goes] * count
    assert moved(table(*rows)).tolist()[:count] == [side != goes for side in sides.split()]
    assert not moved(table(*rows))[count:].any()


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "train", "val", "test"])), min_size=1))
def test_no_group_straddles_and_nothing_else_leaves_a_held_out_split(rows: list[tuple[str, str]]) -> None:
    records = table(*rows)
    split = keep_splits(records, val=0.2, test=0.2, seed=1)
    assert set(split) <= {"train", "val", "test"}
    assert (split.groupby(records["group"]).nunique() == 1).all()
    held_out = records["fixed_split"].isin(["val", "test"]) & ~moved(records)
    assert (split[held_out] == records.loc[held_out, "fixed_split"]).all()
