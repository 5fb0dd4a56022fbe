"""What verification asks of a generated picture, and what came of it. Free of torch, so that pages may read it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import words

LABEL, LEAF, COPY = "label", "leaf", "copy"
CHANGE, BACKGROUND, COLLAPSE = "change", "background", "collapse"  # asked of translations only
TITLES = {
    LABEL: "Shows what was asked for",
    LEAF: "Shows one full leaf",
    COPY: "Is no copy of a training picture",
    CHANGE: "Differs from its source",
    BACKGROUND: "Leaves the background of its source",
    COLLAPSE: "Has contrast, and no twin in the set",
}


class Check(BaseModel):
    """One question that is asked of every picture.

    Attributes:
        name: A key of `TITLES`.
        by: Who answers: a classifier, an LFLSeg model, a backbone, the pixels.
        least: The least value that passes: a probability, a distance, a share of the range in %; None of labels.
        most: The largest value that passes.
        withheld: Why it is not asked; empty if it is.
        failed: How many pictures did not pass.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    by: str = ""
    least: float | None = None
    most: float | None = None
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
        failed = [tuple(row.get("failed", ())) for row in rows]
        counted = tuple(
            check.model_copy(update={"failed": sum(check.name in one for one in failed)}) for check in checks
        )
        return cls(accepted=sum(not one for one in failed), rejected=sum(map(bool, failed)), checks=counted)

    def explain(self) -> str:
        """Return what was rejected, in a sentence: "3 of 8 pictures rejected: label 2, leaf 1."."""
        counts = ", ".join(f"{check.name} {check.failed}" for check in self.checks if check.failed)
        return f"{self.rejected} of {self.accepted + self.rejected} pictures rejected: {counts}."


@dataclass(frozen=True)
class Found:
    """What was measured of one picture; None where it was not.

    Attributes:
        called: The label set that the judge gives; empty without one.
        leafness: The probability of one full leaf.
        train_distance: To the nearest training picture.
        change: From its source, on the leaf where that is known: mean absolute difference, in % of the range.
        background_change: The same outside the leaf.
        contrast: Standard deviation of its pixels, in % of the range.
        twin: The file of an earlier picture of the run that looks the same; empty for none.
    """

    called: str = ""
    leafness: float | None = None
    train_distance: float | None = None
    change: float | None = None
    background_change: float | None = None
    contrast: float | None = None
    twin: str = ""


@dataclass(frozen=True)
class Verdict(Found):
    """What was found of one picture, and whether it passed; fields as in `Verified`."""

    failed: tuple[str, ...] = ()
    why: str = ""

    def recipe(self) -> dict[str, Any]:
        """Return what the picture's row says of it."""
        return asdict(self)


def judge_picture(checks: Mapping[str, Check], wanted: str, found: Found) -> Verdict:
    """Accept or reject a picture by what was measured of it.

    Args:
        checks: By name; those that are withheld reject nothing.
        wanted: The label set that it was made as; empty if none was asked for.
        found: What was measured.
    """
    objections = {name: _OBJECTIONS[name](check, wanted, found) for name, check in checks.items() if not check.withheld}
    why = {name: objection for name, objection in objections.items() if objection}
    return Verdict(**asdict(found), failed=tuple(why), why="; ".join(why.values()))


def _misnamed(check: Check, wanted: str, found: Found) -> str:
    del check
    is_right = not wanted or found.called == wanted
    return "" if is_right else f"called {words(found.called) or 'nothing'}, not {words(wanted)}"


def _no_leaf(check: Check, wanted: str, found: Found) -> str:
    del wanted
    return _too_little(check, found.leafness, "a full leaf by {:.2f}, expected at least {:g}")


def _copied(check: Check, wanted: str, found: Found) -> str:
    del wanted
    return _too_little(check, found.train_distance, "{:.4f} from a training picture, expected at least {:.4f}")


def _unchanged(check: Check, wanted: str, found: Found) -> str:
    del wanted
    return _too_little(check, found.change, "changed by {:.2g} %, expected at least {:g} %")


def _spilled(check: Check, wanted: str, found: Found) -> str:
    del wanted
    if found.background_change is None or check.most is None or found.background_change <= check.most:
        return ""
    return f"background changed by {found.background_change:.2g} %, expected at most {check.most:g} %"


def _collapsed(check: Check, wanted: str, found: Found) -> str:
    del wanted
    if found.twin:
        return f"looks like {found.twin}"
    return _too_little(check, found.contrast, "contrast of {:.2g} %, expected at least {:g} %")


def _too_little(check: Check, value: float | None, sentence: str) -> str:
    least = check.least or 0.0
    return sentence.format(value, least) if value is not None and value < least else ""


_OBJECTIONS: dict[str, Callable[[Check, str, Found], str]] = {
    LABEL: _misnamed,
    LEAF: _no_leaf,
    COPY: _copied,
    CHANGE: _unchanged,
    BACKGROUND: _spilled,
    COLLAPSE: _collapsed,
}
