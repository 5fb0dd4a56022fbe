import pytest

from leafcore.train.confusion import Confusion, confusion_path, load_confusion, save_confusion

HALF = Confusion(classes=("full", "partial", "non-leaf"), counts=((3, 1, 0), (2, 2, 0), (0, 0, 0)))


def test_shares_are_of_what_was_judged():
    assert (HALF.images, HALF.accuracy) == (8, 5 / 8)
    assert [HALF.recall(index) for index in range(3)] == [0.75, 0.5, None]


def test_a_matrix_comes_back_as_it_was_saved(tmp_path):
    save_confusion(tmp_path, HALF, 3)
    assert load_confusion(tmp_path, 3) == HALF


@pytest.mark.parametrize("content", [None, "", '{"classes": 3}'])
def test_a_missing_or_damaged_one_is_none(tmp_path, content):
    if content is not None:
        confusion_path(tmp_path, 1).parent.mkdir()
        confusion_path(tmp_path, 1).write_text(content)
    assert load_confusion(tmp_path, 1) is None
