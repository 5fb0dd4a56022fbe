"""What a person notes while looking at epochs: stars, and the one that is best."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from leafcore.journal import Journal
from leafcore.pick.scores import Direction


class Mark(BaseModel):
    """A note about an epoch: stars, or that it is the best.

    Attributes:
        epoch: The epoch.
        stars: 1 to 5; None if it says that the epoch is the best.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int = Field(ge=1)
    stars: int | None = Field(default=None, ge=1, le=5)


class Marks(BaseModel):
    """The notes about one of a run's generators, as they stand.

    Attributes:
        best: The epoch marked as the best, if one is.
        stars: By epoch.
    """

    model_config = ConfigDict(frozen=True)

    best: int | None = None
    stars: dict[int, int] = {}


def mark_journal(run_folder: Path, direction: Direction) -> Journal[Mark]:
    """Return the notes about the epochs of one of a run's generators: `marks-ab.jsonl` in its folder."""
    return Journal(run_folder / f"marks-{direction}.jsonl", Mark)


def standing(marks: Sequence[Mark]) -> Marks:
    """Return the last word about each epoch."""
    best = next((mark.epoch for mark in reversed(marks) if mark.stars is None), None)
    return Marks(best=best, stars={mark.epoch: mark.stars for mark in marks if mark.stars is not None})
