"""Targets of a balance plan: how many train pictures each label set should have."""

from collections.abc import Mapping
from math import ceil
from statistics import median
from typing import Literal

from leafcore.errors import ConfigError

Target = Literal["largest", "median", "study"] | int
NAMED: tuple[Target, ...] = ("largest", "median", "study")
# How many pictures the LeafGAN study on Plant Pathology 2021 added to which label set. Rust with frog eye came from a
# chain of two, scab with frog eye from scab.
STUDY = {
    "powdery_mildew": 166,
    "complex": 198,
    "rust": 140,
    "frog_eye_leaf_spot": 196,
    "frog_eye_leaf_spot rust": 100,
    "frog_eye_leaf_spot scab": 112,
}


def parse_target(text: str) -> Target:
    """Return what a person typed as a target.

    Raises:
        ConfigError: It is neither a name nor a whole number.
    """
    for name in NAMED:
        if text == name:
            return name
    try:
        return int(text)
    except ValueError:
        raise ConfigError(
            f"target: got {text!r}, expected largest, median, study, or a number of pictures such as 500."
        ) from None


def wanted_counts(counts: Mapping[str, int], target: Target) -> dict[str, int]:
    """Return how many pictures each label set should have; none should have fewer than it has.

    Args:
        counts: Train pictures per label set.
        target: "largest" or "median" of the counts, "study" for what the LeafGAN study made, or a number.

    Raises:
        ConfigError: The number is below 1, there is no label set, or none of the study's.
    """
    if not counts:
        raise ConfigError("target: the train split is empty, so there is nothing to balance.")
    if target == "study":
        return study_targets(counts)
    if isinstance(target, int):
        level = _level(target, "target")
    else:
        ordered = sorted(counts.values())
        level = ordered[-1] if target == "largest" else ceil(median(ordered))
    return {labels: max(level, count) for labels, count in counts.items()}


def capped_counts(counts: Mapping[str, int], cap: int) -> dict[str, int]:
    """Return the same number for every label set, for a plan that replaces sources.

    Raises:
        ConfigError: The number is below 1, or there is no label set.
    """
    if not counts:
        raise ConfigError("cap: the train split is empty, so there is nothing to balance.")
    return dict.fromkeys(counts, _level(cap, "cap"))


def _level(number: int, what: str) -> int:
    if number < 1:
        raise ConfigError(f"{what}: got {number}, expected at least 1 picture per label set.")
    return number


def study_targets(counts: Mapping[str, int]) -> dict[str, int]:
    """Return what the LeafGAN study on Plant Pathology 2021 brought each of its label sets to.

    Raises:
        ConfigError: None of them is among these.
    """
    if not STUDY.keys() & counts.keys():
        raise ConfigError(
            f"target: the study's plan is for Plant Pathology 2021, expected one of its label sets "
            f"({', '.join(name.replace(' ', '+') for name in STUDY)}); choose another target."
        )
    return {labels: counts.get(labels, 0) + added for labels, added in STUDY.items()}
