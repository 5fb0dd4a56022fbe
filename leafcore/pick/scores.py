"""What the epochs of a translation are worth, as a `score` run keeps it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

Direction = Literal["ab", "ba"]


@dataclass(frozen=True)
class Measure:
    """Something measured on the fakes of an epoch.

    Attributes:
        title: What a person calls it.
        better: Which way is better.
        meaning: What it says, in a sentence.
    """

    title: str
    better: Literal["lower", "higher"]
    meaning: str


MEASURES: dict[str, Measure] = {
    "kid": Measure("KID", "lower", "How far the fakes are from real target pictures, in a frozen backbone's features."),
    "fid": Measure("FID", "lower", "The same as a Fréchet distance; biased for few pictures."),
    "target_rate": Measure("Target rate", "higher", "Share of fakes that a frozen classifier calls the target."),
    "outside": Measure("Change outside", "lower", "Mean change outside the leaf, in levels of 255."),
    "inside": Measure("Change on the leaf", "higher", "Mean change on the leaf, in levels of 255."),
    "near_copies": Measure("Near copies", "lower", "Share of fakes nearer to a train picture than real ones are."),
    "cycle": Measure("Cycle error", "lower", "Mean difference after there and back again, in levels of 255."),
}


class Score(BaseModel):
    """One measure of one epoch.

    Attributes:
        value: What was measured.
        sd: Its standard deviation over the pictures or subsets, if it has one.
        low: The lower end of its 95 % interval, if it has one.
        high: The upper end.
        n: How many fakes it was measured on.
    """

    model_config = ConfigDict(frozen=True)

    value: float
    n: int
    sd: float | None = None
    low: float | None = None
    high: float | None = None


class EpochScores(BaseModel):
    """Every measure of one epoch, by its key in `MEASURES`."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    scores: dict[str, Score]


class ScoreResult(BaseModel):
    """What a `score` run ended with.

    Attributes:
        run: The training run.
        direction: Which of its generators: A to B or B to A.
        dataset: The dataset version whose pictures were translated.
        split: Which of its splits they are of.
        features: What the backbone of the distances is called.
        judge: The classifier that names the fakes; empty for none.
        epochs: In order.
        withheld: By measure, why there is none.
        recommended: The epoch to use; None if nothing speaks for one.
        reason: Why that one, and why not the last.
    """

    run: str
    direction: Direction
    dataset: str
    split: str
    features: str
    judge: str = ""
    epochs: list[EpochScores]
    withheld: dict[str, str] = {}
    recommended: int | None = None
    reason: str = ""
