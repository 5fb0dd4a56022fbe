"""What a comparison found, as it is written down; free of torch.

```
runs/<id>/
  comparison.json         a `Comparison`
  environment.json        what computed it, see `surroundings.py`
  arms.json               the arms to come, written before the first is trained
  test.parquet            the test pictures, in the order of every table below
  cells/<arm>-<seed>/     one trained classifier, see `cells.py`
```
"""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from leafcore.data.classes import LabelPolicy
from leafcore.data.leaks import LeakReport
from leafcore.evaluate.configs import BASELINE, LEAST_SEEDS, arm_title
from leafcore.evaluate.estimates import UNKNOWN
from leafcore.evaluate.estimates import Estimate as Estimate  # which others read from here
from leafcore.evaluate.generators import Crossed
from leafcore.evaluate.overlap import Overlap
from leafcore.evaluate.parts import PartScore, with_parts
from leafcore.files import read_json

MACRO, MICRO = "macro", "micro"
LEAST_FOR_STAR = 10  # test pictures of a label, below which its difference gets no star


class Scores(BaseModel):
    """How well labels are told, averaged over seeds; unknown where a file is older, or nothing can be ranked.

    Attributes:
        precision: At the decision thresholds.
        recall: The same.
        f1: The same.
        auroc: Area under the receiver operating characteristic; needs no threshold.
        average_precision: Area under the precision-recall curve, in steps; needs no threshold.
    """

    model_config = ConfigDict(frozen=True)

    precision: Estimate
    recall: Estimate
    f1: Estimate
    auroc: Estimate = UNKNOWN
    average_precision: Estimate = UNKNOWN


class LabelScore(Scores):
    """How well an arm tells one label.

    Attributes:
        support: Test pictures that show it.
        against_rest: True positives, false positives, false negatives, true negatives, summed over seeds.
    """

    support: int
    against_rest: tuple[int, int, int, int] | None = None


class Bin(BaseModel):
    """What was said with about one probability, and how often it was true."""

    model_config = ConfigDict(frozen=True)

    said: float
    true: float
    n: int


class Calibration(BaseModel):
    """How far probabilities can be taken at their word.

    Attributes:
        bins: Ten of equal width, the empty ones left out; of all seeds together.
        error: Expected calibration error: the mean distance of said and true, weighted by bin.
        n: Judged probabilities of one seed: a picture's highest one, or of several labels a picture's all.
    """

    model_config = ConfigDict(frozen=True)

    bins: tuple[Bin, ...]
    error: Estimate
    n: int


class ArmScore(BaseModel):
    """How an arm did.

    Attributes:
        title: What a person calls it.
        train_images: What it learned from.
        synthetic_images: How many of these are synthetic.
        left_out: Real train pictures that it did without.
        macro_f1: Over the labels with a test picture; mean over seeds, with interval.
        seeds: Macro-F1 of each seed.
        val_seeds: Macro-F1 of each seed on validation pictures: by this one may choose.
        labels: By label.
        macro: The mean over the labels with a test picture.
        micro: All decisions for and against a label counted together.
        subset_accuracy: How often exactly the right labels were named.
        parts: The same by "day" and by "camera" that took the pictures, as far as files say; what all have in common
            is left out.
        confusion: Rows true, columns predicted, summed over seeds; the last column is any other label set.
        thresholds: By label, the probability from which each seed names it; chosen on validation. Empty where a
            picture is of exactly one class.
        calibration: How far its probabilities can be taken at their word.
        steps: Optimizer steps that the classifier of each seed took.
    """

    model_config = ConfigDict(frozen=True)

    title: str = ""
    train_images: int
    synthetic_images: int = 0
    left_out: int = 0
    macro_f1: Estimate
    seeds: tuple[float, ...]
    val_seeds: tuple[float, ...] = ()
    labels: dict[str, LabelScore]
    macro: Scores | None = None
    micro: Scores | None = None
    subset_accuracy: Estimate = UNKNOWN
    parts: dict[str, dict[str, PartScore]] = {}
    confusion: tuple[tuple[int, ...], ...]
    thresholds: dict[str, tuple[float, ...]] = {}
    calibration: Calibration | None = None
    steps: tuple[int, ...] = ()

    _with_parts = model_validator(mode="before")(with_parts)


class McNemar(BaseModel):
    """Two classifiers on the same test pictures, McNemar's 2 x 2 table; first is the baseline.

    Attributes:
        both: Pictures that both get right.
        first: Those that only the baseline gets right.
        second: Those that only the arm gets right.
        neither: Those that neither gets right.
        p: Of McNemar's test: exact binomial below 25 discordant pictures, else continuity-corrected.
        p_holm: The same after Holm over what was tested together: all labels, or all arms.
    """

    model_config = ConfigDict(frozen=True)

    both: int
    first: int
    second: int
    neither: int
    p: float
    p_holm: float

    @property
    def odds_ratio(self) -> float:
        """How often only the arm is right for once that only the baseline is; inf or NaN where the latter is never."""
        return self.second / self.first if self.first else math.inf if self.second else math.nan


class Significance(BaseModel):
    """McNemar's tests of an arm against the baseline, one per seed; they speak of test sampling, not of training.

    Attributes:
        pictures: Whether exactly the right labels were named; Holm over the arms.
        labels: By label, whether it was rightly named or not; Holm over the labels.
    """

    model_config = ConfigDict(frozen=True)

    pictures: tuple[McNemar, ...]
    labels: dict[str, tuple[McNemar, ...]]


class CochranQ(BaseModel):
    """Whether more than two arms are equally often right, of one seed."""

    model_config = ConfigDict(frozen=True)

    q: float
    p: float


class Pair(BaseModel):
    """McNemar's tests of two arms, whichever they are, one per seed; they speak of test sampling, not of training.

    Attributes:
        arms: The first and the second.
        pictures: Whether exactly the right labels were named; Holm over all pairs of arms.
    """

    model_config = ConfigDict(frozen=True)

    arms: tuple[str, str]
    pictures: tuple[McNemar, ...]


class Comparison(BaseModel):
    """Everything a comparison found.

    Attributes:
        dataset: `name@version`.
        label_policy: How the classifiers treated pictures of several labels.
        test_images: Pictures that judge.
        test_groups: Independent groups among them; the intervals come from these.
        test_hash: Of the test split, in order; every cell was judged on it. Empty in files from before it was kept.
        label_sets: Names of the confusion matrices' rows.
        arms: By arm, in order; the first is the baseline.
        differences: Of every other arm: arm minus baseline, of F1, by label and "macro".
        significance: Of every other arm: McNemar's tests.
        cochran: By seed, over all arms; empty for two.
        pairwise: McNemar's tests of all pairs of arms; empty for two.
        crossed: Generators trained alike but for the seed, crossed with classifier seeds, an arm with them each.
        leaks: What the models behind the synthetic pictures have seen.
        chosen: Which arm with synthetic pictures validation prefers; the verdict speaks of it.
        verdict: The sentence.
        verdicts: The sentence of every other arm.
        withheld: The arms whose sentence gives no verdict.
        synthetic_images: How many were at hand.
        synthetic_left_out: How many more were not, for their sources are in validation or test.
        test_opened: How many runs had looked at these test pictures, under whatever dataset's name, this one included;
            0 in files from before this was counted.
        bootstrap_seed: Of the resamples.
        overlap: Test pictures that have a near-duplicate in train or validation, and the scores without them; None in
            files from before anybody looked.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    test_images: int
    test_groups: int
    test_hash: str = ""
    label_sets: tuple[str, ...]
    arms: dict[str, ArmScore]
    differences: dict[str, dict[str, Estimate]]
    significance: dict[str, Significance] = {}
    cochran: tuple[CochranQ, ...] = ()
    pairwise: tuple[Pair, ...] = ()
    crossed: tuple[Crossed, ...] = ()
    leaks: LeakReport
    chosen: str
    verdict: str
    verdicts: dict[str, str]
    withheld: tuple[str, ...] = ()
    synthetic_images: int
    synthetic_left_out: int = 0
    test_opened: int = 0
    label_policy: LabelPolicy = "multi-label"
    bootstrap_seed: int = 0
    overlap: Overlap | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_two_arms(cls, given: Any) -> Any:
        """Read a file from when a comparison had two arms: the second was real + synthetic."""
        if not isinstance(given, Mapping) or "difference" not in given:
            return given
        second = next(arm for arm in given["arms"] if arm != BASELINE)
        rest = {key: value for key, value in given.items() if key != "difference"}
        withheld = (second,) if str(given["verdict"]).startswith("Verdict withheld") else ()
        return {
            **rest,
            "arms": {arm: {"title": arm_title(arm), **score} for arm, score in given["arms"].items()},
            "differences": {second: given["difference"]},
            "verdicts": {second: given["verdict"]},
            "chosen": second,
            "withheld": withheld,
        }

    @field_validator("arms")
    @classmethod
    def _told_apart(cls, arms: dict[str, ArmScore]) -> dict[str, ArmScore]:
        """Tell apart arms that are called the same, as in older files those with sets of the same title are."""
        counts = Counter(score.title for score in arms.values() if score.title)
        return {
            arm: score.model_copy(update={"title": f"{score.title} ({arm})"}) if counts[score.title] > 1 else score
            for arm, score in arms.items()
        }

    @property
    def macro_f1(self) -> dict[str, float]:
        """Macro-F1 by arm."""
        return {name: arm.macro_f1.value for name, arm in self.arms.items()}

    @property
    def others(self) -> list[str]:
        """The arms that are compared with the baseline."""
        return list(self.differences)

    @property
    def has_seeds(self) -> bool:
        """Whether there are classifiers enough for anything to be claimed."""
        return len(self.arms[BASELINE].seeds) >= LEAST_SEEDS

    def improves(self, arm: str) -> bool:
        """Whether an arm may be said to be better than the baseline."""
        return self.has_seeds and arm not in self.withheld and self.differences[arm][MACRO].low > 0

    def has_star(self, arm: str, label: str) -> bool:
        """Whether a label's difference may be taken as shown.

        Its interval excludes 0, McNemar's test after Holm says the same of every seed, and it has at least
        `LEAST_FOR_STAR` test pictures and `LEAST_SEEDS` seeds.
        """
        tests = self.significance[arm].labels.get(label, ()) if arm in self.significance else ()
        agreed = bool(tests) and all(test.p_holm < 0.05 for test in tests)
        enough = self.arms[arm].labels[label].support >= LEAST_FOR_STAR
        return self.has_seeds and agreed and enough and self.differences[arm][label].excludes_zero


class PlannedArm(BaseModel):
    """An arm that a comparison will train or is training.

    Attributes:
        title: What a person calls it.
        train_images: What it learns from.
        synthetic_images: How many of these are synthetic.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    train_images: int
    synthetic_images: int


class Planned(BaseModel):
    """What a comparison is going to do, written before the first classifier is trained."""

    model_config = ConfigDict(frozen=True)

    arms: dict[str, PlannedArm]
    seeds: tuple[int, ...] = Field(description="Of the classifiers of each arm.")
    material: dict[str, str] = Field(
        default_factory=dict,
        description="The fingerprint of each synthetic set's pictures, by run; empty of runs that are older.",
    )


def read_comparison(folder: Path) -> Comparison:
    """Read the comparison that an evaluate run wrote into its folder."""
    return Comparison.model_validate(read_json(folder / "comparison.json"))


def read_planned(folder: Path) -> Planned | None:
    """Read what an evaluate run is going to do; None before it knows, and of runs that are older."""
    try:
        return Planned.model_validate(read_json(folder / "arms.json"))
    except FileNotFoundError:
        return None
