"""What verification asks of a generated picture, and what came of it. Free of torch, so that pages may read it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import words

LABEL, LEAF, COPY = "label", "leaf", "copy"
TITLES = {LABEL: "Shows what was asked for", LEAF: "Shows one full leaf", COPY: "Is no copy of a training picture"}


class Check(BaseModel):
    """One question that is asked of every picture.

    Attributes:
        name: "label", "leaf" or "copy".
        by: Who answers: a classifier, an LFLSeg model, a backbone.
        least: The least value that passes: a probability, a distance; None of labels.
        withheld: Why it is not asked; empty if it is.
        failed: How many pictures did not pass.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    by: str = ""
    least: float | None = None
    withheld: str = ""
    failed: int = 0


class Verification(BaseModel):
    """What verification made of a set; a picture may fail more than one check.

    Attributes:
        accepted: Pictures in the set.
        rejected: Pictures that were made and are not in it.
        checks: What was asked.
    """

    model_config = ConfigDict(frozen=True)

    accepted: int
    rejected: int
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], checks: Iterable[Check]) -> "Verification":
        """Count what the rows of a ledger say; see `Verified`."""
        failed = [tuple(row["failed"]) for row in rows]
        counted = tuple(
            check.model_copy(update={"failed": sum(check.name in one for one in failed)}) for check in checks
        )
        return cls(accepted=sum(not one for one in failed), rejected=sum(map(bool, failed)), checks=counted)

    def explain(self) -> str:
        """Return what was rejected, in a sentence: "3 of 8 pictures rejected: label 2, leaf 1."."""
        counts = ", ".join(f"{check.name} {check.failed}" for check in self.checks if check.failed)
        return f"{self.rejected} of {self.accepted + self.rejected} pictures rejected: {counts}."


@dataclass(frozen=True)
class Verdict:
    """What was found of one picture; fields as in `Verified`."""

    called: str = ""
    leafness: float | None = None
    train_distance: float | None = None
    failed: tuple[str, ...] = ()
    why: str = ""

    def recipe(self) -> dict[str, Any]:
        """Return what the picture's row says of it."""
        return asdict(self)


def judge_picture(
    checks: Mapping[str, Check], wanted: str, called: str, leafness: float | None, train_distance: float | None
) -> Verdict:
    """Accept or reject a picture by what was measured of it.

    Args:
        checks: By name; those that are withheld reject nothing.
        wanted: The label set that it was made as; empty if none was asked for.
        called: The label set that the judge gives.
        leafness: The probability of one full leaf.
        train_distance: To the nearest training picture.
    """
    why: dict[str, str] = {}
    if not checks[LABEL].withheld and wanted and called != wanted:
        why[LABEL] = f"called {words(called) or 'nothing'}, not {words(wanted)}"
    least = checks[LEAF].least or 0.0
    if leafness is not None and leafness < least:
        why[LEAF] = f"a full leaf by {leafness:.2f}, expected at least {least:g}"
    near = checks[COPY].least or 0.0
    if train_distance is not None and train_distance < near:
        why[COPY] = f"{train_distance:.4f} from a training picture, expected at least {near:.4f}"
    return Verdict(called, leafness, train_distance, tuple(why), "; ".join(why.values()))
