import numpy as np
import pandas as pd
import pytest

from leafcore.errors import DatasetError
from leafcore.evaluate.cells import Cell, load_cell, require_one_test, split_hash

RECORDS = pd.DataFrame({"sha256": ["a", "b"], "labels": ["rust", "scab"], "group": ["1", "2"], "image": ["x", "y"]})


def cell(test_hash="one"):
    return Cell(np.eye(2, dtype=np.float32), np.ones((3, 2), np.float32), np.array([0.5, 0.25]), 8, test_hash)


def test_a_cell_comes_back_as_it_was_written(tmp_path):
    cell().save(tmp_path / "test.npz")
    back = load_cell(tmp_path / "test.npz")
    assert back is not None and (back.steps, back.test_hash) == (8, "one")
    for name in ("probabilities", "val_probabilities", "thresholds"):
        assert np.array_equal(getattr(back, name), getattr(cell(), name))


def test_a_cell_that_does_not_say_what_judged_it_is_trained_again(tmp_path):
    assert load_cell(tmp_path / "test.npz") is None
    np.savez(tmp_path / "test.npz", probabilities=np.eye(2), steps=8)
    assert load_cell(tmp_path / "test.npz") is None


@pytest.mark.parametrize("column", ["sha256", "labels", "group"])
def test_the_hash_is_of_pictures_labels_and_groups(column):
    assert split_hash(RECORDS) != split_hash(RECORDS.assign(**{column: ["other", "b"]}))


def test_the_hash_hangs_on_the_order_and_on_nothing_else():
    assert split_hash(RECORDS) != split_hash(RECORDS.iloc[::-1])
    assert split_hash(RECORDS) == split_hash(RECORDS.assign(image=["moved", "away"]))


def test_arms_that_were_judged_on_different_test_splits_are_refused():
    require_one_test("one", {"real": [cell()], "synthetic": [cell(), cell()]})
    with pytest.raises(DatasetError, match="cells: synthetic was judged on test split other, expected one") as raised:
        require_one_test("one", {"real": [cell()], "synthetic": [cell(), cell("other")]})
    assert "\n" not in str(raised.value)
