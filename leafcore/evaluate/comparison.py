"""Scoring a comparison: intervals, and a sentence that claims no more than they allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leafcore.data.leaks import LeakReport
from leafcore.evaluate.arms import Material
from leafcore.evaluate.configs import ARMS, Arm
from leafcore.evaluate.result import MACRO, ArmScore, Comparison, Estimate, LabelScore
from leafcore.measure.scores import macro_f1, per_label, predicted_labels, set_confusion
from leafcore.measure.stats import Interval, confusion_counts, paired_bootstrap


@dataclass(frozen=True)
class Cell:
    """One trained classifier.

    Attributes:
        probabilities: What it says of the test split, (N, labels) float32.
        steps: How many optimizer steps it took.
    """

    probabilities: np.ndarray
    steps: int


def compare(
    material: Material, cells: Mapping[Arm, Sequence[Cell]], leaks: LeakReport, opened: int, seed: int
) -> Comparison:
    """Score both arms' classifiers on the test split.

    Args:
        material: What was trained on and judged by.
        cells: By arm, a classifier per seed.
        leaks: What the leak check found.
        opened: How many comparisons have opened this test split, this one included.
        seed: Of the bootstrap.
    """
    targets = material.test.targets.astype(bool)
    groups, group = np.unique(material.test_records["group"].to_numpy(str), return_inverse=True)
    counted = np.asarray(targets.any(axis=0))
    decided = {
        arm: [predicted_labels(cell.probabilities, not material.classes.exclusive) for cell in cells[arm]]
        for arm in ARMS
    }
    counts = {
        arm: np.stack([confusion_counts(targets, one, group, len(groups)) for one in decided[arm]]) for arm in ARMS
    }
    bootstrap = paired_bootstrap(counts["real"], counts["real_plus_synthetic"], counted, seed)
    names = sorted(set(material.classes.decode(targets)))
    intervals: dict[Arm, list[Interval]] = {"real": bootstrap.first, "real_plus_synthetic": bootstrap.second}
    arms = {arm: _arm_score(material, arm, cells[arm], decided[arm], intervals[arm], names) for arm in ARMS}
    keys = [*material.classes.names, MACRO]
    difference = {
        key: _estimate(interval)
        for key, interval, shown in zip(keys, bootstrap.difference, [*counted.tolist(), True], strict=True)
        if shown
    }
    return Comparison(
        dataset=material.dataset.ref,
        label_policy=material.dataset.card.label_policy,
        test_images=len(targets),
        test_groups=len(groups),
        label_sets=tuple(names),
        arms=arms,
        difference=difference,
        leaks=leaks,
        verdict=verdict(bootstrap.difference[-1], leaks, len(cells["real"]), len(targets), opened),
        synthetic_images=material.synthetic,
        test_opened=opened,
    )


def _arm_score(
    material: Material,
    arm: Arm,
    cells: Sequence[Cell],
    decided: list[np.ndarray],
    intervals: list[Interval],
    names: list[str],
) -> ArmScore:
    targets = material.test.targets.astype(bool)
    scores = [per_label(targets, one) for one in decided]
    true_sets = material.classes.decode(targets)
    confusion = sum(set_confusion(true_sets, material.classes.decode(one), names) for one in decided)
    labels = {
        label: LabelScore(
            precision=float(np.mean([score["precision"][index] for score in scores])),
            recall=float(np.mean([score["recall"][index] for score in scores])),
            f1=_estimate(intervals[index]),
            support=int(targets[:, index].sum()),
        )
        for index, label in enumerate(material.classes.names)
    }
    return ArmScore(
        train_images=len(material.train[arm]),
        macro_f1=_estimate(intervals[-1]),
        seeds=tuple(macro_f1(targets, one) for one in decided),
        labels=labels,
        confusion=tuple(tuple(int(count) for count in row) for row in np.asarray(confusion)),
        steps=tuple(cell.steps for cell in cells),
    )


def _estimate(interval: Interval) -> Estimate:
    return Estimate(value=interval.value, low=interval.low, high=interval.high)


def verdict(difference: Interval, leaks: LeakReport, seeds: int, test_images: int, opened: int) -> str:
    """Say in a sentence what the difference in macro-F1 allows to be said.

    It cannot say "improves" while the interval includes 0, and says nothing when something leaked or nobody knows.
    """
    interval = f"95% interval {difference.low:+.3f} to {difference.high:+.3f}"
    facts = (
        f"{difference.value:+.3f} macro-F1, {interval if difference.is_known else 'too few groups for an interval'}, "
        f"{test_images} test pictures, {seeds} seed{'s' * (seeds > 1)}, "
        f"test split opened {'once' if opened == 1 else f'{opened} times'} so far"
    )
    if not leaks.is_clean:
        return f"Verdict withheld: {leaks.explain()}. (The numbers: {facts}.)"
    if not difference.excludes_zero:
        return f"No difference shown: adding these synthetic pictures changes the score by {facts}."
    if difference.low > 0:
        return f"Adding these synthetic pictures improves the classifier: {facts}."
    return f"Do not use this set: adding these synthetic pictures makes the classifier worse: {facts}."
