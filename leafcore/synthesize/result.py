"""What came of a synthesis; free of torch, so that pages may read it."""

from pathlib import Path

from pydantic import BaseModel

from leafcore.errors import DatasetError
from leafcore.measure.interpretation import Interpretation
from leafcore.synthesize.verdicts import Verification


class SynthesizeResult(BaseModel):
    """What a synthesis made.

    Attributes:
        count: Pictures in the set.
        labels: Their label set; empty if they have several, or none.
        size_px: Their side; 0 if the parts of a plan make different ones.
        skipped: Sources that could not be read, and why.
        made: Pictures by label set.
        interpretation: What a classifier calls the pictures, the rejected ones too; None if none was asked.
        verification: What was accepted and rejected of them, and why; None if nothing was verified.
        parts: Of a plan: what came of each part, in order; then each has what classifier and verification say.
    """

    count: int
    labels: str
    size_px: int
    skipped: dict[str, str] = {}
    made: dict[str, int] = {}
    interpretation: Interpretation | None = None
    verification: Verification | None = None
    parts: list["SynthesizeResult"] = []


def require_pictures(result: SynthesizeResult, folder: Path) -> None:
    """Refuse what came of a run that is left without a picture; it keeps the reasons.

    Raises:
        DatasetError: Nothing was accepted, or no source could be read.
    """
    if result.count:
        return
    found = [one.verification for one in (result, *result.parts) if one.verification and one.verification.rejected]
    if not found:
        first = next(iter(result.skipped.values()), "none")
        raise DatasetError(f"source: no picture could be read; first: {first}")
    lost = " ".join(one.explain() for one in found)
    raise DatasetError(
        f"synthesize: nothing was accepted: {lost} The pictures and the reasons, rejected.csv, are in {folder}; choose "
        "another epoch or prompt, change the thresholds, or say verify no."
    )
