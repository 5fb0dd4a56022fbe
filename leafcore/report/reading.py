"""Numbers as they are read: tables of text, and a number with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from leafcore.evaluate.result import Estimate
from leafcore.measure.stats import Interval


@dataclass(frozen=True)
class Table:
    """A table as it is read, every cell a text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


def told(estimate: Estimate | Interval | None, form: str = "{:.3f}") -> str:
    """Return a number with its interval, such as "0.712 [0.640, 0.780]"; a dash where it is not known.

    No line breaks within an interval.
    """
    if estimate is None or isnan(estimate.value):
        return "–"
    value = form.format(estimate.value)
    return (
        f"{value} [{form.format(estimate.low)},\N{NO-BREAK SPACE}{form.format(estimate.high)}]"
        if estimate.is_known
        else value
    )
