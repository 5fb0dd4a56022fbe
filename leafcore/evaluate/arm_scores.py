"""One arm's numbers on the test split, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leafcore.evaluate.arms import Material
from leafcore.evaluate.cells import Cell
from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.parts import COLUMNS, PartScore
from leafcore.evaluate.plans import Plan
from leafcore.evaluate.result import ArmScore, Bin, Calibration, Estimate, LabelScore, Scores
from leafcore.measure import calibration
from leafcore.measure.bootstrap import (
    CountBootstrap,
    GroupBootstrap,
    Resampled,
    by_group,
    confusion_counts,
    with_macro,
)
from leafcore.measure.ranking import ranked
from leafcore.measure.scores import macro_f1, predicted_labels, set_confusion
from leafcore.measure.stats import LEAST_GROUPS, LEAST_GROUPS_IN_ALL, Interval


@dataclass(frozen=True)
class Judgement:
    """The test split as it judges all arms alike.

    Attributes:
        targets: (N, labels) bool.
        group: (N,) int, the group of each picture.
        groups: How many there are.
        counted: (labels,) bool, which labels have a test picture.
        label_sets: Those that occur, in order.
        draws: The bootstrap that all arms share.
        counted_bootstrap: Of scores at a threshold.
    """

    targets: np.ndarray
    group: np.ndarray
    groups: int
    counted: np.ndarray
    label_sets: tuple[str, ...]
    draws: GroupBootstrap
    counted_bootstrap: CountBootstrap

    @classmethod
    def of(cls, material: Material, seeds: int, seed: int) -> "Judgement":
        """Return how a comparison's test split judges.

        Args:
            material: Of the comparison.
            seeds: Classifiers per arm.
            seed: Of the bootstrap.
        """
        targets = material.test.targets.astype(bool)
        names, group = np.unique(material.test_records["group"].to_numpy(str), return_inverse=True)
        counted = np.asarray(targets.any(axis=0))
        draws = GroupBootstrap(len(names), seeds, seed)
        truth = confusion_counts(targets, targets, group, len(names))[None]
        sets = tuple(sorted(set(material.classes.decode(targets))))
        bootstrap = CountBootstrap(draws, truth, counted)
        return cls(targets, group, len(names), counted, sets, draws, bootstrap)


@dataclass(frozen=True)
class ScoredArm:
    """An arm's numbers, and what comparing it needs.

    Attributes:
        score: As it is written down.
        decided: By seed, the labels that were named, (N, labels) bool.
        f1: (labels + 1,) F1 by label, and macro.
    """

    score: ArmScore
    decided: list[np.ndarray]
    f1: Resampled


def score_arm(judgement: Judgement, plan: Plan, material: Material, cells: Sequence[Cell]) -> ScoredArm:
    """Score the classifiers of an arm, one per seed."""
    truth, classes = judgement.targets, material.classes
    decided = [predicted_labels(cell.probabilities, not classes.exclusive, cell.thresholds) for cell in cells]
    counts = np.stack([confusion_counts(truth, one, judgement.group, judgement.groups) for one in decided])
    at_thresholds = judgement.counted_bootstrap.scores(counts)
    rankings, micro_rankings = _rankings(judgement, cells)
    known = judgement.counted_bootstrap.known
    each = {name: part.intervals(known) for name, part in (at_thresholds | rankings).items()}
    together = judgement.counted_bootstrap.micro(counts) | micro_rankings
    share = material.shares[plan.id]
    score = ArmScore(
        title=plan.title,
        train_images=len(material.train[plan.id]),
        synthetic_images=len(share.synthetic),
        left_out=len(material.shares[BASELINE].real) - len(share.real),
        macro_f1=estimate(each["f1"][-1]),
        seeds=tuple(macro_f1(truth, one) for one in decided),
        val_seeds=tuple(_score_on_validation(material, cell) for cell in cells),
        labels=_labels(material, judgement, each, decided),
        macro=Scores(**{name: estimate(intervals[-1]) for name, intervals in each.items()}),
        micro=Scores(**{name: estimate(part.intervals(known[-1:])[0]) for name, part in together.items()}),
        subset_accuracy=_share_right(judgement, decided, np.ones(len(truth), bool), LEAST_GROUPS_IN_ALL),
        parts=_parts(judgement, decided, material),
        confusion=_confusion(judgement, material, decided),
        thresholds={} if classes.exclusive else _thresholds(material, cells),
        calibration=_calibration(judgement, cells, exclusive=classes.exclusive),
        steps=tuple(cell.steps for cell in cells),
    )
    return ScoredArm(score, decided, at_thresholds["f1"])


def estimate(interval: Interval) -> Estimate:
    """Return an interval as it is written down."""
    return Estimate(value=interval.value, low=interval.low, high=interval.high)


def _rankings(judgement: Judgement, cells: Sequence[Cell]) -> tuple[dict[str, Resampled], dict[str, Resampled]]:
    """Return AUROC and average precision: by label with their mean, (labels + 1,), and of all labels together, (1,)."""
    weights = np.concatenate([np.ones((1, judgement.groups)), judgement.draws.weights]).astype(np.float32)
    group, of_each = judgement.group, np.repeat(judgement.group, judgement.targets.shape[1])
    by_label, of_all = [], []  # by seed: (2, 1 + R, labels), and (2, 1 + R, 1); the first row is the split as it is
    for cell in cells:
        columns = zip(judgement.targets.T, cell.probabilities.T, strict=True)
        by_label.append(np.stack([ranked(truth, said, group, weights) for truth, said in columns], axis=-1))
        both = ranked(judgement.targets.ravel(), cell.probabilities.ravel(), of_each, weights)
        of_all.append(np.stack(both)[..., None])
    each = with_macro(np.stack(by_label, axis=1), judgement.counted)  # (2, seeds, 1 + R, labels + 1)
    together = np.stack(of_all, axis=1)
    names = ("auroc", "average_precision")
    return (
        {name: judgement.draws.over_seeds(part[:, 0], part[:, 1:]) for name, part in zip(names, each, strict=True)},
        {name: judgement.draws.over_seeds(part[:, 0], part[:, 1:]) for name, part in zip(names, together, strict=True)},
    )


def _labels(
    material: Material, judgement: Judgement, each: Mapping[str, Sequence[Interval]], decided: Sequence[np.ndarray]
) -> dict[str, LabelScore]:
    truth, said = judgement.targets, np.stack(decided)
    cells = ((truth & said), (~truth & said), (truth & ~said), (~truth & ~said))  # true and false positives, negatives
    rest = np.stack([cell.sum((0, 1)) for cell in cells], axis=-1)
    return {
        label: LabelScore(
            **{name: estimate(intervals[index]) for name, intervals in each.items()},
            support=int(truth[:, index].sum()),
            against_rest=tuple(rest[index].tolist()),
        )
        for index, label in enumerate(material.classes.names)
    }


def _share_right(judgement: Judgement, decided: Sequence[np.ndarray], counted: np.ndarray, least: int) -> Estimate:
    """Return the share of some test pictures that is named exactly right.

    Args:
        judgement: The test split.
        decided: By seed, the labels that were named, (N, labels) bool.
        counted: (N,) bool, which pictures.
        least: Of fewer groups no interval is told.
    """
    group, groups = judgement.group, judgement.groups
    right = [((one == judgement.targets).all(axis=1) & counted)[:, None] for one in decided]
    above = np.stack([by_group(one, group, groups) for one in right])
    below = np.broadcast_to(by_group(counted[:, None], group, groups), above.shape)
    known = np.array([len(np.unique(group[counted])) >= least])
    return estimate(judgement.draws.ratio(above, below).intervals(known)[0])


def _parts(judgement: Judgement, decided: Sequence[np.ndarray], material: Material) -> dict[str, dict[str, PartScore]]:
    """Return what was named right of each day's and of each camera's pictures; nothing where all share it."""
    found = {}
    for by, column in COLUMNS.items():
        said = material.test_records[column].to_numpy(str)
        names = sorted(set(said) - {""})
        if len(names) > 1:
            found[by] = {name: _part(judgement, decided, said == name) for name in names}
    return found


def _part(judgement: Judgement, decided: Sequence[np.ndarray], counted: np.ndarray) -> PartScore:
    return PartScore(n=int(counted.sum()), right=_share_right(judgement, decided, counted, LEAST_GROUPS))


def _confusion(judgement: Judgement, material: Material, decided: Sequence[np.ndarray]) -> tuple[tuple[int, ...], ...]:
    """Return which label set was taken for which, summed over seeds."""
    true_sets, names = material.classes.decode(judgement.targets), judgement.label_sets
    matrix = sum(set_confusion(true_sets, material.classes.decode(one), names) for one in decided)
    return tuple(tuple(int(count) for count in row) for row in np.asarray(matrix))


def _score_on_validation(material: Material, cell: Cell) -> float:
    named = predicted_labels(cell.val_probabilities, not material.classes.exclusive, cell.thresholds)
    return macro_f1(material.val.targets, named)


def _thresholds(material: Material, cells: Sequence[Cell]) -> dict[str, tuple[float, ...]]:
    columns = np.stack([cell.thresholds for cell in cells], axis=1).tolist()
    return {label: tuple(column) for label, column in zip(material.classes.names, columns, strict=True)}


def _calibration(judgement: Judgement, cells: Sequence[Cell], *, exclusive: bool) -> Calibration:
    seeds = [calibration.judged(judgement.targets, cell.probabilities, exclusive=exclusive) for cell in cells]
    said, true = (np.concatenate([seed[part] for seed in seeds]) for part in (0, 1))
    error = calibration.calibration_error(seeds, judgement.group, judgement.draws)
    known = np.array([judgement.groups >= LEAST_GROUPS_IN_ALL])
    return Calibration(
        bins=tuple(Bin(said=mean, true=share, n=n) for mean, share, n in calibration.curve(said, true)),
        error=estimate(error.intervals(known)[0]),
        n=len(seeds[0][0]),
    )
