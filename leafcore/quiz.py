"""Real or fake? A blind session: photographs of the validation split against synthetic pictures of the same labels.

Both kinds are squashed to the same size and encoded alike, so that no file gives its kind away. A session is a file in
the workspace, so a refresh goes on at the same picture. The answers are never part of a link.
"""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import require_known
from leafcore.data.manifest import Dataset, load
from leafcore.data.sides import common_side
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set
from leafcore.errors import DatasetError, NotFoundError
from leafcore.files import write_bytes
from leafcore.images import encode_jpeg, load_square, resize_square
from leafcore.measure.stats import Interval, exact_interval
from leafcore.workspace import Workspace, check_name

Kind = Literal["real", "fake"]
MIN_EACH = 2  # fewer of a kind make no session
MOST_NICKNAME = 40  # letters
ENLARGED = 4  # times: how pictures are sent, so that their encoding leaves no blocks to see


class Item(BaseModel):
    """A picture of the session, and what it really is.

    Attributes:
        kind: Real or fake.
        path: Its file.
        name: The file's name.
        set: The synthetic set that it is of; empty for a photograph, and in sessions from before there were several.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    path: str
    name: str
    set: str = ""


class Quiz(BaseModel):
    """A session.

    Attributes:
        id: Its name, part of its link.
        synthetic: The synthetic sets that are judged, with commas between.
        labels: The label set of all pictures; empty if nobody knows what the synthetic ones show.
        size_px: Side that all pictures are shown at.
        items: The pictures in order.
        answers: What the visitor said so far.
        asked: How many pictures were asked for; 0 in older sessions.
        rates: Whether the visitor is asked how plausible the symptoms are.
        ratings: How plausible they are, 1 to 5, of each picture that was answered; 0 where nothing was said.
        like: The session whose pictures these are, so that two people's answers can be compared; empty for none.
        nickname: Who answered, if they wish to say so.
        created: Seconds since 1970; 0 in older sessions.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    synthetic: str
    labels: str
    size_px: int
    items: tuple[Item, ...]
    answers: tuple[Kind, ...] = ()
    asked: int = 0
    rates: bool = False
    ratings: tuple[int, ...] = ()
    like: str = ""
    nickname: str = ""
    created: float = 0.0

    @property
    def current(self) -> Item | None:
        """The picture to judge now, None when all are judged."""
        return self.items[len(self.answers)] if len(self.answers) < len(self.items) else None

    @property
    def hits(self) -> int:
        """How many answers were right."""
        return sum(item.kind == said for item, said in zip(self.items, self.answers, strict=False))

    @property
    def shown_at(self) -> str:
        """The side of the pictures, in words: what was said of them is said of this size."""
        return f"{self.size_px} × {self.size_px} px"

    def score(self) -> Interval:
        """Return the share of right answers with its exact 95 % interval; guessing gives one half."""
        return exact_interval(self.hits, len(self.answers))

    def verdict(self) -> str:
        """Say in words what that interval allows to be said: few answers are no proof that nobody can tell."""
        score = self.score()
        if score.low > 0.5:
            return "You can tell them apart"
        if score.high < 0.5:
            return "They look more real to you than photographs do"
        n = len(self.answers)
        return f"Not shown that you can tell them apart (n = {n}; up to {score.high:.0%} right is possible)"

    def mistaken(self, kind: Kind) -> list[Item]:
        """Return the pictures of a kind that were taken for the other."""
        judged = zip(self.items, self.answers, strict=False)
        return [item for item, said in judged if item.kind == kind != said]


def start_quiz(
    workspace: Workspace,
    synthetic: str | Sequence[str],
    count: int,
    *,
    labels: str | None = None,
    rates: bool = False,
    seed: int | None = None,
) -> Quiz:
    """Begin a session: half photographs, half synthetic pictures, or as many of each as there are.

    All are of one label set; pictures without labels are held against photographs of any. Of several synthetic sets
    as many pictures are shown of each, and all of them at a side that enlarges none.

    Args:
        workspace: Where the synthetic sets are, and where the session goes.
        synthetic: The synthesize run, or several.
        count: Pictures in all.
        labels: The label set; None: the first of the first set.
        rates: Whether to ask how plausible the symptoms are.
        seed: Of the choice and the order; a fresh one if None.

    Raises:
        NotFoundError: There is no such synthetic set.
        DatasetError: There are fewer than two pictures of a kind, or a set has none of these labels.
    """
    runs = [synthetic] if isinstance(synthetic, str) else list(dict.fromkeys(synthetic))
    sets = [open_synthetic_set(workspace, run_id) for run_id in runs]
    first = sets[0].manifest.iloc[0]
    dataset = load(workspace, str(first["dataset"]))
    wanted = str(first["labels"]) if labels is None else labels
    wanted = wanted and require_known(wanted, dataset.label_sets, dataset.ref)
    real = dataset.select(split="val", labels=wanted or None)
    rng = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    fakes = _dealt([_of(pictures, wanted, rng) for pictures in sets], count // 2)
    each = session_size(dataset, sets, wanted, count) // 2
    if each < MIN_EACH:
        raise DatasetError(
            f"A session needs {MIN_EACH} validation photographs and {MIN_EACH} synthetic pictures of {wanted!r}; there "
            f"are {len(real)} and {len(fakes)}."
        )
    photographs = [dataset.root / name for name in rng.permutation(real["image"].to_numpy(str))[:each]]
    items = [Item(kind="real", path=str(path), name=path.name) for path in photographs] + fakes[:each]
    quiz = Quiz(
        id=secrets.token_hex(6),
        synthetic=",".join(runs),
        labels=wanted,
        size_px=common_side(dataset, sets),
        items=tuple(items[index] for index in rng.permutation(len(items))),
        asked=count,
        rates=rates,
        created=time.time(),
    )
    return _save(workspace, quiz)


def session_size(dataset: Dataset, sets: Sequence[SyntheticSet], labels: str, count: int) -> int:
    """Return how many pictures a session will have, so that this can be said before it begins.

    Args:
        dataset: Whose validation photographs are shown.
        sets: The synthetic sets, without what people rejected; at least one.
        labels: The label set of all pictures; empty: photographs of any.
        count: Pictures that are asked for.

    Returns:
        An even number: as many of each kind as there are, as many of each set as of the smallest, at most `count`.

    Raises:
        DatasetError: No photograph has exactly these labels.
    """
    real = len(dataset.select(split="val", labels=labels or None))
    fakes = len(sets) * min(int((pictures.manifest["labels"] == labels).sum()) for pictures in sets)
    return 2 * min(count // 2, real, fakes)


def _of(pictures: SyntheticSet, labels: str, rng: np.random.Generator) -> list[Item]:
    """Return a set's pictures of a label set, shuffled.

    Raises:
        DatasetError: It has none.
    """
    same = (pictures.manifest["labels"] == labels).tolist()
    files = [path for path, is_same in zip(pictures.paths(), same, strict=True) if is_same]
    if not files:
        raise DatasetError(f"labels: the set {pictures.id} has no picture of {labels!r}; leave that set out.")
    return [
        Item(kind="fake", path=str(files[index]), name=files[index].name, set=pictures.id)
        for index in rng.permutation(len(files))
    ]


def _dealt(hands: list[list[Item]], most: int) -> list[Item]:
    """Return pictures of each set by turns, as long as all have some, and at most so many."""
    rounds = min(map(len, hands))
    return [hand[turn] for turn in range(rounds) for hand in hands][:most]


def repeat_quiz(workspace: Workspace, quiz: Quiz, *, seed: int | None = None) -> Quiz:
    """Begin a session of another's pictures in another order, so that a second rater's answers can be compared."""
    rng = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    blank = {"answers": (), "ratings": (), "nickname": "", "like": quiz.id, "created": time.time()}
    items = tuple(quiz.items[index] for index in rng.permutation(len(quiz.items)))
    return _save(workspace, quiz.model_copy(update={**blank, "id": secrets.token_hex(6), "items": items}))


def open_quiz(workspace: Workspace, quiz_id: str) -> Quiz:
    """Return a session.

    Raises:
        NotFoundError: There is none by that name.
    """
    try:
        return Quiz.model_validate_json(_file(workspace, quiz_id).read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"quiz: {quiz_id!r} is not here any more; start a new one.") from None


def answer_quiz(workspace: Workspace, quiz: Quiz, said: Kind, *, rating: int = 0, at: int | None = None) -> Quiz:
    """Judge the current picture.

    Args:
        workspace: Where the session is.
        quiz: The session.
        said: What it is said to be.
        rating: How plausible its symptoms are, 1 to 5; 0 for nothing.
        at: Which picture is meant, from 0: a key that was pressed twice answers once. None for the current one.
    """
    if quiz.current is None or at not in {None, len(quiz.answers)}:
        return quiz
    ratings = (*_ratings(quiz), rating)
    return _save(workspace, quiz.model_copy(update={"answers": (*quiz.answers, said), "ratings": ratings}))


def undo_answer(workspace: Workspace, quiz: Quiz) -> Quiz:
    """Take the last answer back."""
    ratings = _ratings(quiz)[:-1]
    return _save(workspace, quiz.model_copy(update={"answers": quiz.answers[:-1], "ratings": ratings}))


def name_quiz(workspace: Workspace, quiz: Quiz, nickname: str) -> Quiz:
    """Say who answered, in a word of their choice; empty text takes it back."""
    return _save(workspace, quiz.model_copy(update={"nickname": " ".join(nickname.split())[:MOST_NICKNAME]}))


def _ratings(quiz: Quiz) -> tuple[int, ...]:
    """Return a rating of each answer; older sessions have none."""
    return (*quiz.ratings, *[0] * (len(quiz.answers) - len(quiz.ratings)))


def picture_of(quiz: Quiz, item: Item) -> bytes:
    """Return a picture as the visitor sees it: the same size, smoothly enlarged, and encoded alike for both kinds."""
    return encode_jpeg(resize_square(load_square(Path(item.path), quiz.size_px), ENLARGED * quiz.size_px), quality=90)


def _save(workspace: Workspace, quiz: Quiz) -> Quiz:
    write_bytes(_file(workspace, quiz.id), quiz.model_dump_json(indent=2).encode())
    return quiz


def _file(workspace: Workspace, quiz_id: str) -> Path:
    return workspace.quizzes / f"{check_name(quiz_id, 'quiz')}.json"
