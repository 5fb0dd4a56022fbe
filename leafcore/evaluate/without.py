"""Scoring arms without the test pictures that overlap with train or validation."""

from collections.abc import Mapping

import numpy as np

from leafcore.evaluate.arm_scores import Judgement, ScoredArm, estimate
from leafcore.evaluate.arms import Material
from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.estimates import Estimate
from leafcore.evaluate.overlap import Overlap, WithoutScore, sentences
from leafcore.measure.bootstrap import CountBootstrap, Resampled, confusion_counts
from leafcore.measure.stats import LEAST_GROUPS_IN_ALL


def score_without(
    judgement: Judgement, material: Material, scored: Mapping[str, ScoredArm], overlap: Overlap
) -> Overlap:
    """Return an overlap with every arm's macro-F1 on all test pictures and on those without, and their differences.

    All of them share the comparison's draws of groups and seeds, so that differences are paired; a group of which no
    picture is left is drawn as well, and adds nothing. Both scores are means over the labels of which one is left.

    Args:
        judgement: The test split.
        material: Of the comparison.
        scored: Its arms.
        overlap: What overlaps.
    """
    kept = ~material.test_records["image"].isin(overlap.images).to_numpy(bool)
    labels = np.asarray(judgement.targets[kept].any(axis=0))
    groups = len(np.unique(judgement.group[kept]))
    known = {True: groups >= LEAST_GROUPS_IN_ALL and bool(labels.any()), False: judgement.groups >= LEAST_GROUPS_IN_ALL}
    names = np.array(material.classes.names)
    found = overlap.model_copy(
        update={"left_groups": groups, "lost": tuple(names[judgement.counted & ~labels].tolist())}
    )
    if not overlap.images:
        return found
    whole = {arm: _macro_f1(judgement, one, np.ones_like(kept), labels) for arm, one in scored.items()}
    part = {arm: _macro_f1(judgement, one, kept, labels) for arm, one in scored.items()}

    def told(numbers: Resampled, *, of_part: bool) -> Estimate:
        return estimate(numbers.intervals(np.array([known[of_part]]))[0])

    arms = {
        arm: WithoutScore(
            every=told(whole[arm], of_part=False),
            left=told(part[arm], of_part=True),
            drop=told(part[arm] - whole[arm], of_part=True),
            **({"difference": told(part[arm] - part[BASELINE], of_part=True)} if arm != BASELINE else {}),
        )
        for arm in scored
    }
    found = found.model_copy(update={"arms": arms})
    titles = {plan.id: plan.title for plan in material.plans}
    return found.model_copy(update={"sentences": sentences(found, titles, BASELINE)})


def _macro_f1(judgement: Judgement, arm: ScoredArm, kept: np.ndarray, labels: np.ndarray) -> Resampled:
    """Return an arm's macro-F1, (1,), on some test pictures, (N,) bool, over some labels, (labels,) bool."""
    truth, group, groups = judgement.targets[kept], judgement.group[kept], judgement.groups
    counts = np.stack([confusion_counts(truth, one[kept], group, groups) for one in arm.decided])
    shown = confusion_counts(truth, truth, group, groups)[None]
    f1 = CountBootstrap(judgement.draws, shown, labels).scores(counts)["f1"]
    return Resampled(f1.point[-1:], f1.draws[:, -1:])
