import pytest

from leafcore.data.targets import STUDY, capped_counts, parse_target, study_targets, wanted_counts
from leafcore.errors import ConfigError

COUNTS = {"healthy": 100, "scab": 80, "rust": 10, "frog_eye_leaf_spot": 30}


@pytest.mark.parametrize(
    ("target", "expected"),
    [("largest", 100), ("median", 55), (50, 50), (1, 1)],
)
def test_targets_raise_what_is_rare_and_leave_the_rest(target, expected):
    assert wanted_counts(COUNTS, target) == {labels: max(expected, count) for labels, count in COUNTS.items()}


def test_a_target_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="target: got 0, expected at least 1"):
        wanted_counts(COUNTS, 0)
    with pytest.raises(ConfigError, match="nothing to balance"):
        wanted_counts({}, "largest")


@pytest.mark.parametrize(("text", "target"), [("median", "median"), ("study", "study"), ("500", 500)])
def test_a_target_is_read_as_it_is_typed(text, target):
    assert parse_target(text) == target


def test_a_target_that_is_no_target_is_refused():
    with pytest.raises(ConfigError, match="target: got 'most', expected largest, median, study, or a number"):
        parse_target("most")


def test_a_cap_wants_the_same_of_every_label_set():
    assert capped_counts(COUNTS, 40) == {"healthy": 40, "scab": 40, "rust": 40, "frog_eye_leaf_spot": 40}
    with pytest.raises(ConfigError, match="cap: got 0, expected at least 1"):
        capped_counts(COUNTS, 0)
    with pytest.raises(ConfigError, match="nothing to balance"):
        capped_counts({}, 40)


def test_the_studys_targets_add_what_the_study_made():
    wanted = study_targets(COUNTS)
    assert wanted["rust"] == 10 + 140 and wanted["frog_eye_leaf_spot rust"] == 0 + 100
    assert wanted.keys() == STUDY.keys()
    with pytest.raises(ConfigError, match="Plant Pathology 2021"):
        study_targets({"mosaic": 5})
