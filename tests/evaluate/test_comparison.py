from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from leafcore.data.classes import Classes
from leafcore.data.leaks import LeakReport
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.comparison import Cell, compare, verdict
from leafcore.evaluate.result import Estimate
from leafcore.measure.stats import Interval
from tests.watcher import Watcher

CLEAN = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 0}, test_size=7)
LEAKED = LeakReport(test={"generator": 3}, val={"generator": 0}, outside={"generator": 3}, test_size=7)
OUTSIDE = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 2}, test_size=7)
UNKNOWN = CLEAN.model_copy(update={"unknown": ("to-rust (lflseg)",)})


# --- the sentence -----------------------------------------------------------------------------------------------------


def test_a_difference_above_zero_improves():
    assert verdict(Interval(0.1, 0.02, 0.18), CLEAN, 3, 90, 1) == (
        "Adding these synthetic pictures improves the classifier: +0.100 macro-F1, 95% interval +0.020 to +0.180, "
        "90 test pictures, 3 seeds, test split opened once so far."
    )


def test_a_difference_below_zero_says_do_not_use():
    said = verdict(Interval(-0.1, -0.18, -0.02), CLEAN, 1, 90, 2)
    assert said.startswith("Do not use this set: adding these synthetic pictures makes the classifier worse: -0.100")
    assert said.endswith("1 seed, test split opened 2 times so far.")


def test_an_interval_around_zero_shows_no_difference():
    said = verdict(Interval(0.05, -0.01, 0.11), CLEAN, 3, 90, 1)
    assert said.startswith("No difference shown: ") and "improve" not in said


def test_without_an_interval_no_difference_is_shown():
    said = verdict(Interval(0.5, float("nan"), float("nan")), CLEAN, 3, 2, 1)
    assert said.startswith("No difference shown: ") and "nan" not in said
    assert "+0.500 macro-F1, too few groups for an interval, 2 test pictures" in said


@pytest.mark.parametrize(
    ("leaks", "reason"),
    [
        (LEAKED, "the generator has seen 3 of 7 test pictures"),
        (OUTSIDE, "the generator has seen 2 pictures that are not in this dataset's train split"),
        (UNKNOWN, UNKNOWN.explain()),
    ],
)
def test_a_leak_withholds_the_verdict(leaks, reason):
    said = verdict(Interval(0.3, 0.2, 0.4), leaks, 3, 90, 12)
    assert said.startswith(f"Verdict withheld: {reason}.") and "improve" not in said
    assert "+0.300" in said and "opened 12 times so far.)" in said, "the numbers are told"


@given(
    ends=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted),
    leaks=st.sampled_from([CLEAN, LEAKED, OUTSIDE, UNKNOWN]),
    seeds=st.integers(1, 5),
)
def test_nothing_is_claimed_while_the_interval_includes_zero_or_something_leaked(ends, leaks, seeds):
    low, high = ends
    said = verdict(Interval((low + high) / 2, low, high), leaks, seeds, 50, 1)
    if low <= 0 <= high or not leaks.is_clean:
        assert "improves" not in said and "worse" not in said
    else:
        assert ("improves" in said) == (low > 0)


# --- the numbers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def material(own, config, tmp_path):
    return load_material(config, own, Watcher(tmp_path / "run"))


def probabilities(material, wrong=()):
    """Return certain answers, right but for some pictures, whose neighbouring label is named."""
    right = material.test.targets.copy()
    for index in wrong:
        right[index] = np.roll(right[index], 1)
    return right * 0.9 + 0.05


def judged(material, real, more, leaks=CLEAN, opened=1):
    """Compare two arms by their answers, a classifier of eight steps each."""
    arms = {"real": real, "real_plus_synthetic": more}
    cells = {arm: [Cell(one, steps=8) for one in answers] for arm, answers in arms.items()}
    return compare(material, cells, leaks, opened, seed=0)


def test_scores_are_the_predictions_own(material):
    real = [probabilities(material, wrong=(0, 1, 2)), probabilities(material, wrong=(0,))]
    more = [probabilities(material), probabilities(material, wrong=(3,))]
    found = judged(material, real, more)
    truth = material.test.targets
    for arm, answers in (("real", real), ("real_plus_synthetic", more)):
        seeds = [f1_score(truth, one > 0.5, average="macro", zero_division=0) for one in answers]
        assert found.arms[arm].seeds == pytest.approx(seeds)
        assert found.arms[arm].macro_f1.value == pytest.approx(np.mean(seeds))
        for index, label in enumerate(material.classes.names):
            per_seed = [f1_score(truth[:, index], one[:, index] > 0.5, zero_division=0) for one in answers]
            assert found.arms[arm].labels[label].f1.value == pytest.approx(np.mean(per_seed))
            assert found.arms[arm].labels[label].support == truth[:, index].sum()
    gain = found.macro_f1["real_plus_synthetic"] - found.macro_f1["real"]
    assert found.difference["macro"].value == pytest.approx(gain) and gain > 0
    assert set(found.difference) == {*material.classes.names, "macro"}


def test_the_confusion_adds_the_seeds_up(material):
    answers = [probabilities(material), probabilities(material, wrong=(0,))]
    found = judged(material, answers, answers)
    confusion = np.array(found.arms["real"].confusion)
    assert found.label_sets == ("healthy", "rust", "scab") and confusion.shape == (3, 4)
    assert confusion.sum() == 2 * found.test_images == 14
    assert np.trace(confusion[:, :3]) == 13


def test_equal_arms_show_no_difference(material):
    answers = [probabilities(material, wrong=(0, 4))]
    found = judged(material, answers, answers)
    assert found.difference["macro"].model_dump() == {"value": 0, "low": 0, "high": 0}
    assert found.verdict.startswith("No difference shown")


def test_a_plain_gain_is_said_and_a_leak_takes_it_back(material):
    poor, good = [probabilities(material, wrong=range(7))] * 3, [probabilities(material)] * 3
    assert "improves" in judged(material, poor, good).verdict
    assert judged(material, poor, good, LEAKED).verdict.startswith("Verdict withheld")
    assert judged(material, poor, good, UNKNOWN).verdict.startswith("Verdict withheld: nobody wrote down")
    assert judged(material, good, poor).verdict.startswith("Do not use this set")


def test_a_comparison_says_how_many_steps_were_taken_and_how_often_the_test_split_was_opened(material):
    found = judged(material, [probabilities(material)] * 3, [probabilities(material)] * 3, opened=4)
    assert {arm: score.steps for arm, score in found.arms.items()} == {
        "real": (8, 8, 8), "real_plus_synthetic": (8, 8, 8),
    }  # fmt: skip
    assert found.test_opened == 4 and "test split opened 4 times so far" in found.verdict


def test_where_there_is_no_interval_json_says_null_and_reads_it_back():
    unknown = Estimate(value=0.5, low=float("nan"), high=float("nan"))
    assert unknown.model_dump(mode="json") == {"value": 0.5, "low": None, "high": None}
    again = Estimate.model_validate(unknown.model_dump(mode="json"))
    assert np.isnan([again.low, again.high]).all() and again.value == 0.5
    assert Estimate(value=0.5, low=0.25, high=1).model_dump(mode="json") == {"value": 0.5, "low": 0.25, "high": 1}


def test_a_label_without_a_test_picture_is_not_compared(material):
    wider = replace(
        material,
        classes=Classes((*material.classes.names, "wilt"), exclusive=True),
        test=replace(material.test, targets=np.pad(material.test.targets, ((0, 0), (0, 1)))),
    )
    answers = [probabilities(wider)]
    found = judged(wider, answers, answers)
    assert "wilt" not in found.difference and found.macro_f1["real"] == 1


def test_groups_are_counted_not_pictures(material):
    records = material.test_records.assign(group=["one leaf"] * 4 + ["another"] * 3)
    answers = [probabilities(material)]
    found = judged(replace(material, test_records=records), answers, answers)
    assert (found.test_groups, found.test_images) == (2, 7)
