from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

from leafcore.data.classes import Classes
from leafcore.data.leaks import LeakReport
from leafcore.errors import DatasetError
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.cells import Cell, split_hash
from leafcore.evaluate.comparison import Circumstances, compare
from leafcore.evaluate.result import Estimate
from leafcore.measure import stats
from leafcore.train.classifier import LabelledImages
from tests.watcher import Watcher

CLEAN = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 0}, test_size=7)
LEAKED = LeakReport(test={"generator": 3}, val={"generator": 0}, outside={"generator": 3}, test_size=7)
UNKNOWN = CLEAN.model_copy(update={"unknown": ("to-rust (lflseg)",)})


# --- the numbers ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(stats, "RESAMPLES", 400)


@pytest.fixture
def material(own, config, tmp_path):
    return load_material(config, own, Watcher(tmp_path / "run"))


def widened(material):
    """Return the same with a second test picture like each, a group of its own: enough for intervals of macro-F1."""
    records, test = material.test_records, material.test
    again = records.assign(sha256=records["sha256"] + "-2", group=records["group"].astype(str) + "-2")
    twice = LabelledImages([np.concatenate([test.images[0][:]] * 2)], np.concatenate([test.targets] * 2))
    return replace(material, test=twice, test_records=pd.concat([records, again], ignore_index=True))


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
    material = widened(material)
    answers = [probabilities(material, wrong=(0, 4))] * 3
    found = judged(material, answers, answers)
    assert found.differences["real_plus_synthetic"]["macro"].model_dump() == {"value": 0, "low": 0, "high": 0}
    assert found.verdict.startswith("No difference shown")


def test_a_plain_gain_is_said_and_a_leak_takes_it_back(material):
    material = widened(material)
    poor, good = [probabilities(material, wrong=range(7))] * 3, [probabilities(material)] * 3
    assert "improves" in judged(material, poor, good).verdict
    assert judged(material, poor, good, LEAKED).verdict.startswith("Verdict withheld")
    assert judged(material, poor, good, UNKNOWN).verdict.startswith("Verdict withheld: nobody wrote down")
    assert judged(material, good, poor).verdict.startswith("Do not use this set")


def test_too_few_test_groups_give_numbers_and_no_verdict(material):
    poor, good = [probabilities(material, wrong=range(7))] * 3, [probabilities(material)] * 3
    found = judged(material, poor, good)
    assert found.test_groups == 7 and found.verdict.startswith("No verdict from 7 independent test groups")
    assert found.differences["real_plus_synthetic"]["macro"].value == pytest.approx(1)
    assert not found.differences["real_plus_synthetic"]["macro"].is_known


def test_too_few_seeds_give_numbers_and_no_verdict(material):
    material = widened(material)
    poor, good = [probabilities(material, wrong=range(7))] * 3, [probabilities(material)] * 3
    assert judged(material, poor, good).improves("real_plus_synthetic")
    assert not judged(material, good, poor).improves("real_plus_synthetic")
    assert not judged(material, poor, good, LEAKED).improves("real_plus_synthetic")
    few = judged(material, poor[:2], good[:2])
    assert few.verdict.startswith("No verdict from 2 seeds") and not few.improves("real_plus_synthetic")
    assert few.differences["real_plus_synthetic"]["macro"].low > 0, "the numbers are told all the same"


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
    score = found.arms["real"]
    assert not any(one.is_known for one in (score.micro.f1, score.macro.auroc, score.subset_accuracy)), "of two groups"


# --- several arms -----------------------------------------------------------------------------------------------------

SEVERAL = ("real", "weighted", "real_plus_synthetic", "synthetic")


@pytest.fixture
def several(own, config, tmp_path):
    return widened(load_material(config.model_copy(update={"arms": SEVERAL}), own, Watcher(tmp_path / "run")))


def compared(material, answers, leaks_of=None, **changes):
    """Compare arms by their answers of three seeds; the changes are of an arm's cells."""
    cells = {arm: [cell(material, one, **changes.get(arm, {})) for one in [said] * 3] for arm, said in answers.items()}
    return compare(material, cells, Circumstances(CLEAN, leaks_of or {}, opened=1, seed=0))


def test_every_arm_is_held_against_the_baseline(several):
    poor, good = probabilities(several, wrong=range(7)), probabilities(several)
    found = compared(several, dict(zip(SEVERAL, (poor, good, poor, good), strict=True)))
    assert list(found.arms) == list(SEVERAL) and found.others == list(SEVERAL[1:])
    assert [found.differences[arm]["macro"].value > 0 for arm in found.others] == [True, False, True]
    assert found.verdicts["weighted"].startswith("Weighting rare classes improves the classifier")
    assert found.verdicts["real_plus_synthetic"].startswith("No difference shown")
    assert "one of 3 arms compared" in found.verdicts["synthetic"]
    assert len(found.cochran) == 3 and found.cochran[0].p < 0.05
    assert {len(tests.pictures) for tests in found.significance.values()} == {3}


def test_a_leak_withholds_the_verdict_of_every_arm_with_synthetic_pictures_and_of_no_other(several):
    poor, good = probabilities(several, wrong=range(7)), probabilities(several)
    leaks_of = {"real_plus_synthetic": LEAKED, "synthetic": UNKNOWN}
    found = compared(several, dict(zip(SEVERAL, (poor, good, good, good), strict=True)), leaks_of)
    assert found.withheld == ("real_plus_synthetic", "synthetic")
    assert all(found.verdicts[arm].startswith("Verdict withheld") for arm in found.withheld)
    assert "improves" in found.verdicts["weighted"] and found.verdict.startswith("Verdict withheld")


def test_validation_chooses_and_the_test_split_only_confirms(several):
    poor, good = probabilities(several, wrong=range(7)), probabilities(several)
    wrong = {"val_probabilities": 1 - several.val.targets}
    answers = dict(zip(SEVERAL, (poor, poor, good, poor), strict=True))
    found = compared(several, answers, real_plus_synthetic=wrong)
    assert found.chosen == "synthetic", "though the other one is better on the test split"
    assert found.verdict == found.verdicts["synthetic"] and "No difference shown" in found.verdict
    assert found.arms["synthetic"].val_seeds == (1.0,) * 3 and found.arms["real_plus_synthetic"].val_seeds[0] < 1


def test_an_arm_that_another_test_split_judged_is_refused(several):
    answers = dict.fromkeys(SEVERAL, probabilities(several))
    with pytest.raises(DatasetError, match="cells: weighted was judged on test split elsewhere, expected"):
        compared(several, answers, weighted={"test_hash": "elsewhere"})


# --- scores beside F1 -------------------------------------------------------------------------------------------------


def test_rankings_and_subset_accuracy_are_scikit_learns(material):
    said = np.random.default_rng(0).dirichlet(np.ones(3), size=7).astype(np.float32)
    truth = material.test.targets
    score = judged(material, [said], [said]).arms["real"]
    for index, label in enumerate(material.classes.names):
        found = score.labels[label]
        assert found.auroc.value == pytest.approx(roc_auc_score(truth[:, index], said[:, index]))
        assert found.average_precision.value == pytest.approx(average_precision_score(truth[:, index], said[:, index]))
    assert score.macro.auroc.value == pytest.approx(roc_auc_score(truth, said, average="macro"))
    assert score.micro.auroc.value == pytest.approx(roc_auc_score(truth, said, average="micro"))
    assert score.micro.average_precision.value == pytest.approx(average_precision_score(truth, said, average="micro"))
    assert score.subset_accuracy.value == pytest.approx(accuracy_score(truth.argmax(1), said.argmax(1)))
    assert score.micro.f1.value == pytest.approx(score.subset_accuracy.value), "as of exclusive classes"
    assert score.calibration.n == 7 and sum(one.n for one in score.calibration.bins) == 7


@pytest.mark.parametrize(
    ("by", "column", "first", "second"),
    [("day", "taken", "2021-05-01", "2021-05-09"), ("camera", "camera", "Apple iPhone 12", "Canon EOS 5D")],
)
def test_each_part_has_its_share_of_right_pictures_and_no_interval_of_two_groups(material, by, column, first, second):
    files_say = material.test_records.assign(**{column: [first] * 2 + [second] * 4 + [""]})
    told = replace(material, test_records=files_say)
    said = [probabilities(told, wrong=(0, 2)), probabilities(told, wrong=(0, 6))]
    parts = judged(told, said, said).arms["real"].parts
    assert set(parts) == {by} and {part: one.n for part, one in parts[by].items()} == {first: 2, second: 4}
    assert parts[by][first].right.value == 1 / 2 and not parts[by][first].right.is_known
    assert parts[by][second].right.value == pytest.approx((3 / 4 + 1) / 2)
    groups = told.test_records["group"].iloc[2:6].nunique()
    assert parts[by][second].right.is_known == (groups >= stats.LEAST_GROUPS)
    all_one = replace(material, test_records=material.test_records.assign(**{column: first}))
    assert judged(all_one, said, said).arms["real"].parts == {}


def test_days_and_cameras_are_told_beside_each_other(material):
    columns = {"taken": ["2021-05-01", "2021-05-09"] * 3 + [""], "camera": ["Canon EOS 5D"] * 3 + ["iPhone"] * 4}
    told = replace(material, test_records=material.test_records.assign(**columns))
    parts = judged(told, [probabilities(told)], [probabilities(told)]).arms["real"].parts
    assert {by: [one.n for one in of.values()] for by, of in parts.items()} == {"day": [3, 3], "camera": [3, 4]}


def test_labels_that_may_come_together_are_named_from_their_thresholds_on(material):
    names = material.classes.names
    together = replace(material, classes=Classes(names, exclusive=False))
    said = np.tile([0.4, 0.6, 0.1], (7, 1))
    thresholds = {"thresholds": np.array([0.3, 0.7, 0.5])}
    cells = {arm: [cell(together, said, **thresholds)] for arm in ("real", "real_plus_synthetic")}
    score = compare(together, cells, Circumstances(CLEAN, {}, 1, 0)).arms["real"]
    first = int(material.test.targets[:, 0].sum())
    assert score.thresholds == {names[0]: (0.3,), names[1]: (0.7,), names[2]: (0.5,)}
    assert score.labels[names[0]].against_rest == (first, 7 - first, 0, 0)
    assert score.labels[names[1]].against_rest[:2] == (0, 0)
    assert score.subset_accuracy.value == pytest.approx(first / 7) and score.calibration.n == 21
