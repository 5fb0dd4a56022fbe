from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from leafcore.data.classes import Classes
from leafcore.data.leaks import LeakReport
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.cells import Cell, split_hash
from leafcore.evaluate.comparison import Circumstances, compare
from leafcore.evaluate.result import Estimate
from tests.watcher import Watcher

CLEAN = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 0}, test_size=7)
LEAKED = LeakReport(test={"generator": 3}, val={"generator": 0}, outside={"generator": 3}, test_size=7)
OUTSIDE = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 2}, test_size=7)
UNKNOWN = CLEAN.model_copy(update={"unknown": ("to-rust (lflseg)",)})


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


def cell(material, answers, **changes):
    """Return a classifier of eight steps that gives some answers of the test split, and the right ones of the other."""
    values = {"val_probabilities": material.val.targets, "thresholds": np.full(len(material.classes.names), 0.5)}
    return Cell(answers, **{**values, "steps": 8, "test_hash": split_hash(material.test_records), **changes})


def judged(material, real, more, leaks=CLEAN, opened=1):
    """Compare two arms by their answers."""
    arms = {"real": real, "real_plus_synthetic": more}
    cells = {arm: [cell(material, one) for one in answers] for arm, answers in arms.items()}
    return compare(material, cells, Circumstances(leaks, {"real_plus_synthetic": leaks}, opened, seed=0))


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
    assert found.differences["real_plus_synthetic"]["macro"].value == pytest.approx(gain) and gain > 0
    assert set(found.differences["real_plus_synthetic"]) == {*material.classes.names, "macro"}


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
    assert found.differences["real_plus_synthetic"]["macro"].model_dump() == {"value": 0, "low": 0, "high": 0}
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
    assert "wilt" not in found.differences["real_plus_synthetic"] and found.macro_f1["real"] == 1


def test_groups_are_counted_not_pictures(material):
    records = material.test_records.assign(group=["one leaf"] * 4 + ["another"] * 3)
    answers = [probabilities(material)]
    found = judged(replace(material, test_records=records), answers, answers)
    assert (found.test_groups, found.test_images) == (2, 7)
