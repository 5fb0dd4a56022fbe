"""Reviewing a synthetic set: what pages, commands and requests say of its pictures, and how the review stands."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from leafcore.data.review import MOST_STARS, Choice, Opinion, Review, Verdict, review_journal
from leafcore.data.synthetic_sets import SyntheticSet, open_whole_set
from leafcore.errors import ConfigError, NotFoundError
from leafcore.workspace import Workspace

Show = Literal["all", "kept", "rejected", "unrated"]
NAMED = 3  # files in a message


class Said(BaseModel):
    """What somebody says of a set at once; all of it, or nothing if a part is wrong.

    Attributes:
        keep: Pictures to keep.
        reject: Pictures to reject.
        open: Pictures whose verdict is taken away.
        stars: By picture, 1 to 5; 0 takes them away.
        undo: First take back the last choice of `by`.
        by: Who speaks.
    """

    model_config = ConfigDict(extra="forbid")

    keep: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    stars: dict[str, int] = Field(default={}, examples=[{"000000-1f.png": 4}])
    undo: bool = False
    by: str = ""

    def choices(self) -> list[Choice]:
        """Return the lines that this is in the journal.

        Raises:
            ConfigError: It contradicts itself, or a number of stars is out of bounds.
        """
        verdicts: dict[Verdict, tuple[str, ...]] = {"keep": self.keep, "reject": self.reject, "open": self.open}
        twice = [
            file for file, times in Counter(file for said in verdicts.values() for file in said).items() if times > 1
        ]
        if twice:
            raise ConfigError(f"review: {_listed(twice)} named twice; say one thing of each picture.")
        wrong = {file: stars for file, stars in self.stars.items() if not 0 <= stars <= MOST_STARS}
        if wrong:
            file, stars = next(iter(wrong.items()))
            raise ConfigError(f"stars: got {stars} for {file}, expected 0 to {MOST_STARS}.")
        found = [Choice(files=said, verdict=verdict, by=self.by) for verdict, said in verdicts.items() if said]
        for stars in sorted(set(self.stars.values())):
            files = tuple(file for file, given in self.stars.items() if given == stars)
            found.append(Choice(files=files, stars=stars, by=self.by))
        return found

    @property
    def files(self) -> set[str]:
        """The pictures that are spoken of."""
        return {*self.keep, *self.reject, *self.open, *self.stars}


class ReviewState(BaseModel):
    """How the review of a set stands.

    Attributes:
        run: The run that made the set.
        pictures: In the set.
        kept: How many of them people keep.
        rejected: How many they reject.
        unrated: Of how many nobody said anything.
        stars: How many have how many stars.
        opinions: What stands about each picture that somebody spoke of.
    """

    run: str
    pictures: int
    kept: int
    rejected: int
    unrated: int
    stars: dict[int, int]
    opinions: dict[str, Opinion]


def say(workspace: Workspace, run_id: str, said: Said) -> ReviewState:
    """Write choices down, and return how the review stands then.

    Raises:
        NotFoundError: There is no such set, or no such picture in it; nothing was written.
        ConfigError: See `Said.choices`; nothing was written.
        DatasetError: The journal is damaged.
    """
    pictures, choices = open_whole_set(workspace, run_id), said.choices()
    unknown = sorted(said.files - set(pictures.files))
    if unknown:
        raise NotFoundError(
            f"review: there is no picture {_listed(unknown)} in {run_id}; expected names as in its manifest, such as "
            f"{pictures.files[0]}."
        )
    journal = review_journal(pictures.folder)
    if said.undo:
        journal.undo(lambda choice: choice.by == said.by)
    for choice in choices:
        journal.add(choice)
    return state_of(pictures, pictures.review())


def review_state(workspace: Workspace, run_id: str) -> ReviewState:
    """Return how the review of a set stands.

    Raises:
        NotFoundError: There is no such set.
        DatasetError: The journal is damaged.
    """
    pictures = open_whole_set(workspace, run_id)
    return state_of(pictures, pictures.review())


def state_of(pictures: SyntheticSet, review: Review) -> ReviewState:
    """Return how the review of a set stands."""
    opinions = [review.of(file) for file in pictures.files]
    verdicts = Counter(opinion.verdict for opinion in opinions)
    stars = Counter(opinion.stars for opinion in opinions if opinion.stars)
    return ReviewState(
        run=pictures.id,
        pictures=len(opinions),
        kept=verdicts["keep"],
        rejected=verdicts["reject"],
        unrated=sum(opinion.is_open for opinion in opinions),
        stars=dict(sorted(stars.items())),
        opinions={file: one for file, one in review.opinions.items() if not one.is_open},
    )


def select(review: Review, files: Sequence[str], show: Show, stars: int = 0) -> list[str]:
    """Return the pictures that a filter leaves, in their order.

    Args:
        review: What people say of them.
        files: All pictures.
        show: Which by verdict; "unrated": those of which nobody said anything.
        stars: How many they have at least.
    """
    wanted = {"kept": "keep", "rejected": "reject"}.get(show)
    left = []
    for file in files:
        opinion = review.of(file)
        fits = opinion.is_open if show == "unrated" else wanted in {None, opinion.verdict}
        if fits and opinion.stars >= stars:
            left.append(file)
    return left


def _listed(files: Sequence[str]) -> str:
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return f"{', '.join(files[:NAMED])}{more}"
