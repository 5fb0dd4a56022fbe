"""Scoring a comparison: every arm's numbers with intervals, and what sets it apart from the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leafcore.data.leaks import LeakReport
from leafcore.evaluate.arm_scores import Judgement, estimate, score_arm
from leafcore.evaluate.arms import Material
from leafcore.evaluate.cells import Cell, require_one_test, split_hash
from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.crossing import cross_families
from leafcore.evaluate.overlap import Overlap
from leafcore.evaluate.result import MACRO, ArmScore, Comparison
from leafcore.evaluate.significance import cochran_tests, mcnemar_tests, pairwise_tests
from leafcore.evaluate.verdicts import verdict
from leafcore.evaluate.without import score_without


@dataclass(frozen=True)
class Circumstances:
    """What a comparison's verdicts hang on beside its numbers.

    Attributes:
        leaks: What stands behind all synthetic pictures.
        leaks_of: What stands behind each arm that learns from synthetic pictures.
        opened: How many runs have looked at these test pictures, this one included.
        seed: Of the bootstrap.
        overlap: Which test pictures overlap with train or validation; None if nobody looked.
    """

    leaks: LeakReport
    leaks_of: Mapping[str, LeakReport]
    opened: int
    seed: int
    overlap: Overlap | None = None


def compare(material: Material, cells: Mapping[str, Sequence[Cell]], circumstances: Circumstances) -> Comparison:
    """Score the classifiers of all arms on the test split.

    Args:
        material: What was trained on and judged by.
        cells: By arm, a classifier per seed.
        circumstances: What the verdicts hang on beside the numbers.

    Raises:
        DatasetError: A classifier was judged on another test split.
    """
    tested_on = split_hash(material.test_records)
    require_one_test(tested_on, cells)
    judgement = Judgement.of(material, len(cells[BASELINE]), circumstances.seed)
    scored = {plan.id: score_arm(judgement, plan, material, cells[plan.id]) for plan in material.plans}
    baseline, others = scored[BASELINE], [plan for plan in material.plans if plan.id != BASELINE]
    keys = [*material.classes.names, MACRO]
    differences, verdicts = {}, {}
    for plan in others:
        intervals = (scored[plan.id].f1 - baseline.f1).intervals(judgement.counted_bootstrap.known)
        shown = zip(keys, intervals, [*judgement.counted.tolist(), True], strict=True)
        differences[plan.id] = {key: estimate(interval) for key, interval, is_shown in shown if is_shown}
        verdicts[plan.id] = verdict(
            plan.subject,
            intervals[-1],
            circumstances.leaks_of.get(plan.id),
            seeds=len(cells[BASELINE]),
            test_images=len(judgement.targets),
            groups=judgement.groups,
            opened=circumstances.opened,
            arms=len(others),
        )
    decided = {arm: one.decided for arm, one in scored.items()}
    overlap = circumstances.overlap
    chosen = choose({plan.id: scored[plan.id].score for plan in others if plan.sets})
    return Comparison(
        dataset=material.dataset.ref,
        label_policy=material.dataset.card.label_policy,
        test_images=len(judgement.targets),
        test_groups=judgement.groups,
        test_hash=tested_on,
        label_sets=judgement.label_sets,
        arms={arm: one.score for arm, one in scored.items()},
        differences=differences,
        significance=mcnemar_tests(judgement.targets, decided, material.classes.names),
        cochran=cochran_tests(judgement.targets, decided),
        pairwise=pairwise_tests(judgement.targets, decided),
        crossed=cross_families(material, judgement, decided, circumstances.seed),
        leaks=circumstances.leaks,
        chosen=chosen,
        verdict=verdicts[chosen],
        verdicts=verdicts,
        withheld=tuple(arm for arm, report in circumstances.leaks_of.items() if not report.is_clean),
        synthetic_images=material.synthetic,
        synthetic_left_out=material.left_out,
        test_opened=circumstances.opened,
        bootstrap_seed=circumstances.seed,
        overlap=score_without(judgement, material, scored, overlap) if overlap else None,
    )


def choose(arms: Mapping[str, ArmScore]) -> str:
    """Return the arm that validation prefers, the first of equals: the test split only confirms the choice."""
    return max(arms, key=lambda arm: float(np.mean(arms[arm].val_seeds)))
