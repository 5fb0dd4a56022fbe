"""The review of a synthetic set: what people keep, reject and rate; `review.jsonl` in its folder, a line a choice."""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leafcore.journal import Journal

Verdict = Literal["keep", "reject", "open"]
MOST_STARS = 5


class Choice(BaseModel):
    """What somebody said of some pictures.

    Attributes:
        files: Their names.
        verdict: Whether they are kept; "open" takes a verdict away; None says nothing of it.
        stars: 1 to 5; 0 takes them away; None says nothing of them.
        by: Who said it: whose undo takes it back.
        at: When, in seconds since 1970.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(min_length=1)
    verdict: Verdict | None = None
    stars: int | None = Field(default=None, ge=0, le=MOST_STARS)
    by: str = ""
    at: float = Field(default_factory=time.time)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.verdict is None and self.stars is None:
            raise ValueError("a choice says a verdict or stars")
        return self


class Opinion(BaseModel):
    """What stands about a picture.

    Attributes:
        verdict: Whether it is kept.
        stars: 1 to 5; 0: none.
        by: Who spoke last.
        at: When, in seconds since 1970.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict = "open"
    stars: int = 0
    by: str = ""
    at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether nobody has said anything that stands."""
        return self.verdict == "open" and not self.stars


class Review(BaseModel):
    """The last word about each picture that somebody spoke of.

    Attributes:
        opinions: By the picture's file.
    """

    model_config = ConfigDict(frozen=True)

    opinions: dict[str, Opinion] = {}

    def of(self, file: str) -> Opinion:
        """Return what stands about a picture."""
        return self.opinions.get(file, Opinion())

    def admits(self, file: str, stars: int = 0) -> bool:
        """Whether a picture may be used.

        Args:
            file: Its name.
            stars: How many it needs at least.
        """
        opinion = self.of(file)
        return opinion.verdict != "reject" and opinion.stars >= stars

    def digest(self) -> str:
        """Return 12 hex digits that change with what stands; empty if nothing does."""
        said = sorted((file, one.verdict, one.stars) for file, one in self.opinions.items() if not one.is_open)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:12] if said else ""


def review_journal(folder: Path) -> Journal[Choice]:
    """Return the choices about the pictures of a synthetic set.

    Args:
        folder: The run's.
    """
    return Journal(folder / "review.jsonl", Choice)


def read_review(folder: Path) -> Review:
    """Return what stands about the pictures of a synthetic set.

    Raises:
        DatasetError: The journal holds a line that is no choice.
    """
    return standing(review_journal(folder).read())


def standing(choices: Iterable[Choice]) -> Review:
    """Return the last word about each picture."""
    opinions: dict[str, Opinion] = {}
    for choice in choices:
        said = choice.model_dump(include={"verdict", "stars"}, exclude_none=True)
        for file in choice.files:
            before = opinions.get(file, Opinion())
            opinions[file] = before.model_copy(update={**said, "by": choice.by, "at": choice.at})
    return Review(opinions=opinions)
