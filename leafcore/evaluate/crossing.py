"""Crossing generators that were trained alike with the classifier seeds: how much the generator's seed matters."""

from collections.abc import Mapping, Sequence

import numpy as np

from leafcore.data import leaks
from leafcore.evaluate.arm_scores import Judgement, estimate
from leafcore.evaluate.arms import Material
from leafcore.evaluate.configs import ARM_TITLES, BASELINE, SYNTHETIC_ARMS
from leafcore.evaluate.families import Family
from leafcore.evaluate.generators import Crossed, Generator, SpreadOfScores
from leafcore.evaluate.verdicts import generators_verdict
from leafcore.measure.bootstrap import confusion_counts
from leafcore.measure.crossed import crossed_mean, spread

Decided = Mapping[str, Sequence[np.ndarray]]  # by arm and seed, (N, labels) bool


def cross_families(material: Material, judgement: Judgement, decided: Decided, seed: int) -> tuple[Crossed, ...]:
    """Return, of each family of generators and each kind of arm that learns from its sets, what the seeds tell.

    The classifiers are those of the arms; nothing is trained for it, and no test picture is looked at again.

    Args:
        material: Of the comparison.
        judgement: How its test split judges.
        decided: The labels that every classifier named.
        seed: Of the bootstrap.
    """
    each = {(plan.id.partition(".")[0], plan.sets): plan.id for plan in material.plans if len(plan.sets) == 1}
    return tuple(
        _cross(material, judgement, decided, family, kind, arms, seed)
        for family in material.families
        for kind in SYNTHETIC_ARMS
        if (arms := [each[kind, (one.position,)] for one in family.members if (kind, (one.position,)) in each])
    )


def _cross(
    material: Material,
    judgement: Judgement,
    decided: Decided,
    family: Family,
    kind: str,
    arms: Sequence[str],
    seed: int,
) -> Crossed:
    baseline, its_draws = _macro_f1(judgement, decided[BASELINE])
    every = [_macro_f1(judgement, decided[arm]) for arm in arms]
    scores = np.stack([score for score, _ in every])  # (generators, seeds)
    draws = np.stack([drawn - its_draws for _, drawn in every])  # (generators, seeds, resamples)
    differences = scores - baseline
    mean, parts = crossed_mean(judgement.draws, differences, draws, seed), spread(scores)
    report = leaks.check(material.dataset, material.seen_behind([one.position for one in family.members]))
    generators = tuple(
        Generator(arm=arm, set=one.set, seeds=one.seeds, epochs=one.epochs)
        for arm, one in zip(arms, family.members, strict=True)
    )
    return Crossed(
        title=_title(material, kind, arms),
        generators=generators,
        macro_f1=_rows(scores),
        to_real=_rows(differences),
        difference=estimate(mean),
        spread=SpreadOfScores(**vars(parts), to_real=spread(differences).classifiers),
        left_out=family.left_out,
        verdict=generators_verdict(
            [one.seed for one in generators], mean, report, classifiers=len(baseline), groups=judgement.groups
        ),
        withheld=not report.is_clean,
    )


def _title(material: Material, kind: str, arms: Sequence[str]) -> str:
    """Return what the arms of a family have in common, for people; beside other families, of which sets they are."""
    sets = ", ".join(plan.of for plan in material.plans if plan.id in arms)
    return ARM_TITLES[kind] if len(material.families) == 1 else f"{ARM_TITLES[kind]}: {sets}"


def _macro_f1(judgement: Judgement, decided: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return macro-F1 of an arm's classifiers, (seeds,), and in every resample of test groups, (seeds, resamples)."""
    truth, group, groups = judgement.targets, judgement.group, judgement.groups
    counts = np.stack([confusion_counts(truth, one, group, groups) for one in decided])
    return judgement.counted_bootstrap.macro_f1(counts)


def _rows(table: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())
