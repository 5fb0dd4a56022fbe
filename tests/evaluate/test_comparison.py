from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from leafcore.data.leaks import LeakReport
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.comparison import compare, verdict
from leafcore.measure.stats import Interval
from tests.watcher import Watcher

CLEAN = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 0}, test_size=7)
LEAKED = LeakReport(test={"generator": 3}, val={"generator": 0}, outside={"generator": 3}, test_size=7)
OUTSIDE = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 2}, test_size=7)


# --- the sentence -----------------------------------------------------------------------------------------------------


def test_a_difference_above_zero_improves():
    assert verdict(Interval(0.1, 0.02, 0.18), CLEAN, 3, 90) == (
        "Adding these synthetic pictures improves the classifier: +0.100 macro-F1, 95 % interval +0.020 to +0.180, "
        "90 test pictures, 3 seeds."
    )


def test_a_difference_below_zero_says_do_not_use():
    said = verdict(Interval(-0.1, -0.18, -0.02), CLEAN, 1, 90)
    assert said.startswith("Do not use this set: adding these synthetic pictures makes the classifier worse: -0.100")
    assert said.endswith("1 seed.")


def test_an_interval_around_zero_shows_no_difference():
    said = verdict(Interval(0.05, -0.01, 0.11), CLEAN, 3, 90)
    assert said.startswith("No difference shown: ") and "improve" not in said


@pytest.mark.parametrize(
    ("leaks", "reason"),
    [
        (LEAKED, "the generator has seen 3 of 7 test pictures"),
        (OUTSIDE, "the generator has seen 2 pictures that are not in this dataset's train split"),
    ],
)
def test_a_leak_withholds_the_verdict(leaks, reason):
    said = verdict(Interval(0.3, 0.2, 0.4), leaks, 3, 90)
    assert said.startswith(f"Verdict withheld: {reason}.") and "improve" not in said
    assert "+0.300" in said, "the numbers are told"


@given(
    ends=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted), leaks=st.sampled_from([CLEAN, LEAKED, OUTSIDE]),
    seeds=st.integers(1, 5),
)  # fmt: skip
def test_nothing_is_claimed_while_the_interval_includes_zero_or_something_leaked(ends, leaks, seeds):
    low, high = ends
    said = verdict(Interval((low + high) / 2, low, high), leaks, seeds, 50)
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


def test_scores_are_the_predictions_own(material):
    real = [probabilities(material, wrong=(0, 1, 2)), probabilities(material, wrong=(0,))]
    more = [probabilities(material), probabilities(material, wrong=(3,))]
    found = compare(material, {"real": real, "real_plus_synthetic": more}, CLEAN, seed=0)
    truth = material.test.targets
    for arm, answers in (("real", real), ("real_plus_synthetic", more)):
        seeds = [f1_score(truth, one > 0.5, average="macro", zero_division=0) for one in answers]
        assert found.arms[arm].seeds == pytest.approx(seeds)
        assert found.arms[arm].macro_f1.value == pytest.approx(np.mean(seeds))
        for index, label in enumerate(material.labels):
            per_seed = [f1_score(truth[:, index], one[:, index] > 0.5, zero_division=0) for one in answers]
            assert found.arms[arm].labels[label].f1.value == pytest.approx(np.mean(per_seed))
            assert found.arms[arm].labels[label].support == truth[:, index].sum()
    gain = found.macro_f1["real_plus_synthetic"] - found.macro_f1["real"]
    assert found.difference["macro"].value == pytest.approx(gain) and gain > 0
    assert set(found.difference) == {*material.labels, "macro"}


def test_the_confusion_adds_the_seeds_up(material):
    answers = [probabilities(material), probabilities(material, wrong=(0,))]
    found = compare(material, {"real": answers, "real_plus_synthetic": answers}, CLEAN, seed=0)
    confusion = np.array(found.arms["real"].confusion)
    assert found.label_sets == ("healthy", "rust", "scab") and confusion.shape == (3, 4)
    assert confusion.sum() == 2 * found.test_images == 14
    assert np.trace(confusion[:, :3]) == 13


def test_equal_arms_show_no_difference(material):
    answers = [probabilities(material, wrong=(0, 4))]
    found = compare(material, {"real": answers, "real_plus_synthetic": answers}, CLEAN, seed=0)
    assert found.difference["macro"].model_dump() == {"value": 0, "low": 0, "high": 0}
    assert found.verdict.startswith("No difference shown")


def test_a_plain_gain_is_said_and_a_leak_takes_it_back(material):
    arms = {"real": [probabilities(material, wrong=range(7))] * 3, "real_plus_synthetic": [probabilities(material)] * 3}
    assert "improves" in compare(material, arms, CLEAN, seed=0).verdict
    assert compare(material, arms, LEAKED, seed=0).verdict.startswith("Verdict withheld")
    swapped = {"real": arms["real_plus_synthetic"], "real_plus_synthetic": arms["real"]}
    assert compare(material, swapped, CLEAN, seed=0).verdict.startswith("Do not use this set")


def test_a_label_without_a_test_picture_is_not_compared(material):
    wider = replace(
        material,
        labels=(*material.labels, "wilt"),
        test=replace(material.test, targets=np.pad(material.test.targets, ((0, 0), (0, 1)))),
    )
    answers = [probabilities(wider)]
    found = compare(wider, {"real": answers, "real_plus_synthetic": answers}, CLEAN, seed=0)
    assert "wilt" not in found.difference and found.macro_f1["real"] == 1


def test_groups_are_counted_not_pictures(material):
    records = material.test_records.assign(group=["one leaf"] * 4 + ["another"] * 3)
    answers = [probabilities(material)]
    found = compare(
        replace(material, test_records=records), {"real": answers, "real_plus_synthetic": answers}, CLEAN, 0
    )
    assert (found.test_groups, found.test_images) == (2, 7)
