from leafcore.masks.outliers import LEAST, LISTED, find_outliers


def test_empty_and_full_masks_are_named_the_worst_first():
    areas = {"a": 0.5, "b": 0.01, "c": 0.0, "d": 0.99, "e": 1.0, "f": 0.02, "g": 0.98}
    found = find_outliers(areas, {}, {})
    assert (found.empty, found.full) == (("c", "b"), ("e", "d")), "2 % and 98 % are neither"


def test_what_is_no_whole_leaf_is_named_with_its_class():
    classes = {"a": "full leaf", "b": "partial leaf", "c": "non-leaf"}
    assert find_outliers({}, classes, {}).not_whole == {"b": "partial leaf", "c": "non-leaf"}


def test_the_ten_masks_that_fit_worst_are_named():
    overlaps = {str(number): number / 20 for number in range(20)}
    found = find_outliers({}, {}, dict(reversed(overlaps.items()))).least_overlap
    assert list(found) == [str(number) for number in range(LEAST)] and found["3"] == 0.15


def test_a_set_of_empty_masks_fills_no_pages():
    assert len(find_outliers({str(number): 0.0 for number in range(1000)}, {}, {}).empty) == LISTED
