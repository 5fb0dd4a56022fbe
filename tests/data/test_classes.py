import numpy as np
import pytest

from leafcore.data.classes import Classes
from leafcore.errors import DatasetError

SETS = ["scab", "healthy", "rust scab", "scab"]


def test_by_default_each_label_is_told_for_itself():
    classes = Classes.of("multi-label", SETS)
    assert classes == Classes(("healthy", "rust", "scab"), exclusive=False)
    assert classes.encode(["scab", "healthy", "rust scab"]).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 1]]


def test_pictures_of_one_label_each_are_of_exactly_one_class():
    assert Classes.of("multi-label", ["scab", "rust"]) == Classes(("rust", "scab"), exclusive=True)
    assert Classes.of("single-only", ["scab", "rust"]) == Classes(("rust", "scab"), exclusive=True)


def test_a_combination_may_be_a_class_of_its_own():
    classes = Classes.of("combination", SETS)
    assert classes == Classes(("healthy", "rust scab", "scab"), exclusive=True)
    assert classes.encode(["rust scab", "scab"]).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_combination_is_refused_where_only_single_labels_are_kept():
    with pytest.raises(DatasetError, match=r"got a picture of rust\+scab, but this version keeps pictures of one"):
        Classes.of("single-only", SETS)


@pytest.mark.parametrize("policy", ["multi-label", "combination"])
def test_targets_say_their_label_sets_again(policy):
    classes = Classes.of(policy, SETS)
    targets = classes.encode(SETS)
    assert targets.dtype == np.float32 and classes.decode(targets) == SETS


def test_a_picture_of_no_class_has_no_labels():
    assert Classes(("a", "b"), exclusive=False).decode(np.array([[0, 0]])) == [""]
