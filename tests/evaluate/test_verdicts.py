import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data.leaks import LeakReport
from leafcore.evaluate.configs import LEAST_SEEDS
from leafcore.evaluate.verdicts import verdict
from leafcore.measure.stats import Interval

CLEAN = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 0}, test_size=7)
LEAKED = LeakReport(test={"generator": 3}, val={"generator": 0}, outside={"generator": 3}, test_size=7)
OUTSIDE = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 2}, test_size=7)
UNKNOWN = CLEAN.model_copy(update={"unknown": ("to-rust (lflseg)",)})
ADDING = "adding these synthetic pictures"


def say(difference, leaks=CLEAN, subject=ADDING, seeds=3, test_images=90, groups=40, opened=1, arms=1):
    return verdict(
        subject, difference, leaks, seeds=seeds, test_images=test_images, groups=groups, opened=opened, arms=arms
    )


def test_a_difference_above_zero_improves():
    assert say(Interval(0.1, 0.02, 0.18)) == (
        "Adding these synthetic pictures improves the classifier: +0.100 macro-F1, 95% interval +0.020 to +0.180, "
        "90 test pictures, 3 seeds, test split opened once so far."
    )


def test_a_difference_below_zero_says_do_not_use():
    said = say(Interval(-0.1, -0.18, -0.02), seeds=5, opened=2)
    assert said.startswith("Do not use this set: adding these synthetic pictures makes the classifier worse: -0.100")
    assert said.endswith("5 seeds, test split opened 2 times so far.")


@pytest.mark.parametrize(("seeds", "told"), [(1, "1 seed"), (2, "2 seeds")])
@pytest.mark.parametrize("ends", [(0.02, 0.18), (-0.05, 0.25), (-0.3, -0.02)])
def test_too_few_seeds_give_no_verdict_but_the_numbers_and_what_to_do(seeds, told, ends):
    said = say(Interval(sum(ends) / 2, *ends), seeds=seeds)
    assert said.startswith(
        f"No verdict from {told}; 3 are needed, for trainings differ by chance: compare again with more seeds."
    )
    assert f"95% interval {ends[0]:+.3f} to {ends[1]:+.3f}, 90 test pictures, {told}, test split" in said
    assert not any(claim in said for claim in ("improves", "worse", "No difference shown"))


def test_what_uses_no_synthetic_picture_is_not_called_a_set():
    said = say(Interval(-0.1, -0.18, -0.02), leaks=None, subject="weighting rare classes")
    assert said.startswith("Do not do this: weighting rare classes makes the classifier worse")


def test_an_interval_around_zero_shows_no_difference():
    said = say(Interval(0.05, -0.01, 0.11))
    assert said.startswith("No difference shown: ") and "improve" not in said


@pytest.mark.parametrize("seeds", [1, 3])
def test_without_an_interval_there_is_no_verdict_but_what_to_do(seeds):
    said = say(Interval(0.5, float("nan"), float("nan")), test_images=20, groups=7, seeds=seeds)
    assert said.startswith("No verdict from 7 independent test groups; 10 are needed: split the dataset again")
    assert "+0.500 macro-F1, too few groups for an interval, 20 test pictures" in said and "nan" not in said


def test_one_of_several_arms_is_said_to_be_one_of_several():
    assert "3 seeds, one of 7 arms compared, test split" in say(Interval(0.1, 0.02, 0.18), arms=7)


@pytest.mark.parametrize(
    ("leaks", "reason"),
    [
        (LEAKED, "the generator has seen 3 of 7 test pictures"),
        (OUTSIDE, "the generator has seen 2 pictures that are not in this dataset's train split"),
        (UNKNOWN, UNKNOWN.explain()),
    ],
)
def test_a_leak_withholds_the_verdict(leaks, reason):
    said = say(Interval(0.3, 0.2, 0.4), leaks, opened=12)
    assert said.startswith(f"Verdict withheld: {reason}.") and "improve" not in said
    assert "+0.300" in said and "opened 12 times so far.)" in said, "the numbers are told"


@given(
    ends=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted),
    leaks=st.sampled_from([None, CLEAN, LEAKED, OUTSIDE, UNKNOWN]),
    subject=st.sampled_from([ADDING, "classical augmentation"]),
    seeds=st.integers(1, 5),
)
def test_nothing_is_claimed_while_the_interval_includes_zero_or_something_leaked_or_seeds_are_few(
    ends, leaks, subject, seeds
):
    low, high = ends
    said = say(Interval((low + high) / 2, low, high), leaks, subject, seeds)
    if low <= 0 <= high or not (leaks is None or leaks.is_clean) or seeds < LEAST_SEEDS:
        assert "improves" not in said and "worse" not in said
    else:
        assert ("improves" in said) == (low > 0)
