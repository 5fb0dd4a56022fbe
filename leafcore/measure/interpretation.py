"""What generated pictures show, in a frozen classifier's eyes: how many of each class, and whether one dominates."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import words
from leafcore.measure.stats import wilson_interval

TRUSTED = 0.8  # how often a judge must name real pictures rightly
LEAST_TRIED = 20  # real pictures that it must be tried on: who guesses between two classes names 2 of 2 one time in 4
DOMINANT = 0.5  # share of one class
COLLAPSED = 0.5  # effective number of classes, as a share of the training pictures' own
LEAST_PER_CLASS = 5  # pictures that a class should get, below which an entropy says little


class Rate(BaseModel):
    """A share of pictures with Wilson's 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, hits: int, trials: int) -> "Rate":
        """Return the share of at least one trial."""
        interval = wilson_interval(hits, trials)
        return cls(value=interval.value, low=interval.low, high=interval.high, n=trials)


class Interpretation(BaseModel):
    """What a classifier calls generated pictures.

    Attributes:
        judge: What the classifier is called; empty for none.
        accuracy: How many real validation pictures it names rightly at the generated pictures' size; None if unknown.
        withheld: Why nothing is said; empty if something is.
        counts: Pictures by the label set that they are called, the most frequent first.
        agreement: By the label set that a picture was made as, how often it is called that; empty if none was asked.
        warning: Whether one class dominates, in a sentence; empty if none does.
    """

    model_config = ConfigDict(frozen=True)

    judge: str = ""
    accuracy: Rate | None = None
    withheld: str = ""
    counts: dict[str, int] = {}
    agreement: dict[str, Rate] = {}
    warning: str = ""


def interpret(
    called: Sequence[str], made_as: Sequence[str], judge: str, accuracy: Rate, learned: Mapping[str, int]
) -> Interpretation:
    """Say what pictures show; nothing if the judge is not to be believed.

    Args:
        called: (N,) label sets that the judge gave.
        made_as: (N,) label sets that were asked for, or all empty.
        judge: What it is called.
        accuracy: How often it is right about real pictures.
        learned: How many pictures of each label set the generator learned from, as far as known.
    """
    if accuracy.n < LEAST_TRIED:
        return Interpretation(judge=judge, accuracy=accuracy, withheld=f"the judge {judge} {tried_on(accuracy.n)}")
    if accuracy.value < TRUSTED:
        reason = (
            f"the judge {judge} names {accuracy.value:.0%} of {accuracy.n} real validation pictures rightly at this "
            f"size, expected at least {TRUSTED:.0%}; train a better classifier"
        )
        return Interpretation(judge=judge, accuracy=accuracy, withheld=reason)
    agreement = {}
    for labels in sorted(set(made_as) - {""}):
        said = [one == labels for one, asked in zip(called, made_as, strict=True) if asked == labels]
        agreement[labels] = Rate.of(sum(said), len(said))
    counts = dict(Counter(called).most_common())
    warning = "" if agreement else mode_dominance(counts, learned)
    return Interpretation(judge=judge, accuracy=accuracy, counts=counts, agreement=agreement, warning=warning)


def tried_on(pictures: int) -> str:
    """Say that a judge was tried on too few pictures, and what to do."""
    return (
        f"was tried on {pictures} real validation pictures, expected at least {LEAST_TRIED}; import more pictures, or "
        "split the dataset again with a larger validation share"
    )


def effective_classes(counts: Mapping[str, int]) -> float:
    """Return how many equally frequent classes would be as diverse: exp of Shannon's entropy (Hill 1973, N1).

    Args:
        counts: Pictures by class.

    Returns:
        From 1, all in one class, to the number of classes; 0 if there is no picture.
    """
    total = sum(counts.values())
    shares = [count / total for count in counts.values() if count]
    return math.exp(-sum(share * math.log(share) for share in shares)) if shares else 0.0


def mode_dominance(counts: Mapping[str, int], learned: Mapping[str, int]) -> str:
    """Say whether an unconditional generator makes one class above all, a sign of mode collapse.

    It does if, by the lower end of the 95 % interval, more than half of its pictures are of one class, and more than
    its share of what the generator learned from; or if, of at least five pictures per class, the effective number of
    classes is less than half of what it learned from. To be as imbalanced as those is no fault.

    Args:
        counts: Generated pictures by the class that a classifier calls them.
        learned: Training pictures by class; empty if unknown.
    """
    total, trained = sum(counts.values()), sum(learned.values())
    if not total:
        return ""
    top = max(counts, key=lambda labels: counts[labels])
    rate = Rate.of(counts[top], total)
    share = learned.get(top, 0) / trained if trained else 0.0
    held = f", which holds {share:.0%} of the pictures that it learned from" if trained else ""
    if rate.low > max(DOMINANT, share):
        return f"One class dominates: {rate.value:.0%} of {total} pictures are called {words(top)}{held}."
    made, had = effective_classes(counts), effective_classes(learned)
    if total >= LEAST_PER_CLASS * len(learned) and made < COLLAPSED * had:
        return f"Few classes: {total} pictures are as diverse as {made:.1f} equal classes; it learned from {had:.1f}."
    return ""
