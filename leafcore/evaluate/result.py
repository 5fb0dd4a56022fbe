"""What a comparison found, as it is written down; free of torch."""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from leafcore.data.classes import LabelPolicy
from leafcore.data.leaks import LeakReport
from leafcore.evaluate.configs import Arm
from leafcore.files import read_json

MACRO = "macro"


# The end of an interval; NaN where too few test groups show a label for one, in JSON null.
Bound = Annotated[
    float,
    BeforeValidator(lambda end: math.nan if end is None else end),
    PlainSerializer(lambda end: None if math.isnan(end) else end, return_type=float | None, when_used="json"),
]


class Estimate(BaseModel):
    """A number with its 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: Bound
    high: Bound


class LabelScore(BaseModel):
    """How well an arm tells one label, averaged over seeds; F1 with its interval."""

    model_config = ConfigDict(frozen=True)

    precision: float
    recall: float
    f1: Estimate
    support: int


class ArmScore(BaseModel):
    """How an arm did.

    Attributes:
        train_images: What it learned from.
        macro_f1: Over the labels with a test picture; mean over seeds, with interval.
        seeds: Macro-F1 of each seed.
        labels: By label.
        confusion: Rows true, columns predicted, summed over seeds; the last column is any other label set.
        steps: Optimizer steps that the classifier of each seed took.
    """

    model_config = ConfigDict(frozen=True)

    train_images: int
    macro_f1: Estimate
    seeds: tuple[float, ...]
    labels: dict[str, LabelScore]
    confusion: tuple[tuple[int, ...], ...]
    steps: tuple[int, ...] = ()


class Comparison(BaseModel):
    """Everything a comparison found.

    Attributes:
        dataset: `name@version`.
        label_policy: How the classifiers treated pictures of several labels.
        test_images: Pictures that judge.
        test_groups: Independent groups among them; the intervals come from these.
        label_sets: Names of the confusion matrices' rows.
        arms: By arm.
        difference: Real + synthetic minus real, of F1, by label and "macro".
        leaks: What the models behind the synthetic pictures have seen.
        verdict: The sentence.
        synthetic_images: How many were added.
        test_opened: How many comparisons had opened this dataset version's test split, this one included; 0 in files
            from before this was counted.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    test_images: int
    test_groups: int
    label_sets: tuple[str, ...]
    arms: dict[Arm, ArmScore]
    difference: dict[str, Estimate]
    leaks: LeakReport
    verdict: str
    synthetic_images: int
    test_opened: int = 0
    label_policy: LabelPolicy = "multi-label"

    @property
    def macro_f1(self) -> dict[str, float]:
        """Macro-F1 by arm."""
        return {name: arm.macro_f1.value for name, arm in self.arms.items()}


def read_comparison(folder: Path) -> Comparison:
    """Read the comparison that an evaluate run wrote into its folder."""
    return Comparison.model_validate(read_json(folder / "comparison.json"))
