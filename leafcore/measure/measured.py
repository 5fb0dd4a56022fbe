"""One measured number: what it is called, which way is better, how sure it is; free of torch."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Measure:
    """Something measured on pictures that a model made.

    Attributes:
        title: What a person calls it.
        better: Which way is better; "alike" if it should be as real pictures have it.
        meaning: What it says, in a sentence.
    """

    title: str
    better: Literal["lower", "higher", "alike"]
    meaning: str


class Score(BaseModel):
    """One measured number.

    Attributes:
        value: What was measured.
        n: How many pictures it was measured on.
        sd: Its standard deviation over the pictures or subsets, if it has one.
        low: The lower end of its 95 % interval, if it has one.
        high: The upper end.
    """

    model_config = ConfigDict(frozen=True)

    value: float
    n: int
    sd: float | None = None
    low: float | None = None
    high: float | None = None


def told_score(score: Score, *, is_share: bool) -> str:
    """Return a score for people: "0.021 ± 0.004", "91% (79% to 97%)", "3.1 (2.5 to 3.8)"."""
    form = ".0%" if is_share else ".3g"
    value = format(score.value, form)
    if score.low is not None and score.high is not None:
        return f"{value} ({score.low:{form}} to {score.high:{form}})"
    return value if score.sd is None else f"{value} ± {score.sd:.2g}"
