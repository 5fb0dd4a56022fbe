"""Which arms a comparison has: what each learns from, how, and what its verdict speaks of; free of torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from leafcore.evaluate.configs import ARM_TITLES, BASELINE, SYNTHETIC_ARMS, EvaluateConfig, arm_title

SETTINGS: dict[str, Mapping[str, Any]] = {  # of the classifiers of an arm, where they differ from the baseline's
    "classical": {"augment": "study"},
    "oversampled": {"balance": "sampling"},
    "weighted": {"balance": "weights"},
}
SUBJECTS = {
    "classical": "classical augmentation",
    "oversampled": "oversampling rare classes",
    "weighted": "weighting rare classes",
    "real_plus_synthetic": "adding these synthetic pictures",
    "replaced": "replacing sources by these synthetic pictures",
    "synthetic": "learning from these synthetic pictures alone",
}


@dataclass(frozen=True)
class Plan:
    """An arm.

    Attributes:
        id: Such as "real", "real_plus_synthetic.2" or "dose.50"; also in the names of its files.
        title: What a person calls it.
        subject: What its verdict speaks of, such as "adding these synthetic pictures".
        settings: Of its classifiers, where they differ from the baseline's.
        real: Which real train pictures it learns from: all, those that are no used synthetic picture's source, or none.
        sets: Which synthetic sets it takes from, by position.
        amount: How many it takes: all, a dose in percent of the real train pictures of a label set, or a rule's name.
        of: What people call the one set that it takes from, where each has an arm of its own.
    """

    id: str
    title: str
    subject: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    real: Literal["all", "no sources", "none"] = "all"
    sets: tuple[int, ...] = ()
    amount: int | str = "all"
    of: str = ""


def plan_arms(config: EvaluateConfig, titles: Sequence[str]) -> tuple[Plan, ...]:
    """Return the arms that a config asks for, the baseline first whether it is named or not.

    Args:
        config: Of the comparison.
        titles: Of the synthetic sets, in the config's order, no two alike.
    """
    every = tuple(range(len(titles)))
    plans = [Plan(BASELINE, ARM_TITLES[BASELINE], "")]
    for arm in (arm for arm in config.arms if arm != BASELINE):
        if arm not in SYNTHETIC_ARMS:
            plans.append(Plan(arm, ARM_TITLES[arm], SUBJECTS[arm], SETTINGS[arm]))
            continue
        if config.pooling != "each" or len(titles) == 1:
            plans.append(_with_sets(arm, arm, every))
        if config.pooling != "pooled" and len(titles) > 1:
            plans += [
                _with_sets(arm, f"{arm}.{number}", (number - 1,), title) for number, title in enumerate(titles, 1)
            ]
    added, of = SUBJECTS["real_plus_synthetic"], "of the real ones of the same label set"
    amounts: list[tuple[str, str, int | str]] = [
        *((f"dose.{dose}", f"{added}, {dose} % {of},", dose) for dose in config.doses if dose),
        *((f"add.{rule}", f"{added} by the rule {rule}", rule) for rule in config.heuristics),
    ]
    plans += [Plan(id, arm_title(id), subject, sets=every, amount=amount) for id, subject, amount in amounts]
    return tuple(plans)


def _with_sets(base: str, arm: str, sets: tuple[int, ...], of: str = "") -> Plan:
    real: Mapping[str, Literal["all", "no sources", "none"]] = {"replaced": "no sources", "synthetic": "none"}
    title, subject = ARM_TITLES[base], SUBJECTS[base]
    if of:
        title, subject = f"{title}: {of}", f"{subject} ({of})"
    return Plan(arm, title, subject, real=real.get(base, "all"), sets=sets, of=of)
