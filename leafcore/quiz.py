"""Real or fake? A blind session: photographs of the validation split against synthetic pictures of the same labels.

Both kinds are squashed to the same size and encoded alike, so that no file gives its kind away. A session is a file in
the workspace, so a refresh goes on at the same picture. The answers are never part of a link.
"""

import secrets
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import require_known
from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError, NotFoundError
from leafcore.files import write_bytes
from leafcore.images import encode_jpeg, load_square
from leafcore.measure.stats import Interval, exact_interval
from leafcore.workspace import Workspace, check_name

Kind = Literal["real", "fake"]
MIN_EACH = 2  # fewer of a kind make no session


class Item(BaseModel):
    """A picture of the session, and what it really is."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    path: str
    name: str


class Quiz(BaseModel):
    """A session.

    Attributes:
        id: Its name, part of its link.
        synthetic: The synthetic set that is judged.
        labels: The label set of all pictures; empty if nobody knows what the synthetic ones show.
        size_px: Side that all pictures are shown at.
        items: The pictures in order.
        answers: What the visitor said so far.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    synthetic: str
    labels: str
    size_px: int
    items: tuple[Item, ...]
    answers: tuple[Kind, ...] = ()

    @property
    def current(self) -> Item | None:
        """The picture to judge now, None when all are judged."""
        return self.items[len(self.answers)] if len(self.answers) < len(self.items) else None

    @property
    def hits(self) -> int:
        """How many answers were right."""
        return sum(item.kind == said for item, said in zip(self.items, self.answers, strict=False))

    def score(self) -> Interval:
        """Return the share of right answers with its exact 95 % interval; guessing gives one half."""
        return exact_interval(self.hits, len(self.answers))

    def fooled_by(self) -> list[Item]:
        """Return the synthetic pictures that were taken for real."""
        judged = zip(self.items, self.answers, strict=False)
        return [item for item, said in judged if item.kind == "fake" and said == "real"]


def start_quiz(workspace: Workspace, synthetic: str, count: int, *, seed: int | None = None) -> Quiz:
    """Begin a session: half photographs, half synthetic pictures, or as many of each as there are.

    All are of the set's first label set; pictures without labels are held against photographs of any.

    Args:
        workspace: Where the synthetic set is, and where the session goes.
        synthetic: The synthesize run.
        count: Pictures in all.
        seed: Of the choice and the order; a fresh one if None.

    Raises:
        NotFoundError: There is no such synthetic set.
        DatasetError: There are fewer than two pictures of a kind.
    """
    pictures = open_synthetic_set(workspace, synthetic)
    first = pictures.manifest.iloc[0]
    dataset = load(workspace, str(first["dataset"]))
    labels = str(first["labels"]) and require_known(str(first["labels"]), dataset.label_sets, dataset.ref)
    real = dataset.select(split="val", labels=labels or None)
    same = (pictures.manifest["labels"] == first["labels"]).tolist()
    files = [path for path, is_same in zip(pictures.paths(), same, strict=True) if is_same]
    each = min(count // 2, len(real), len(files))
    if each < MIN_EACH:
        raise DatasetError(
            f"A session needs {MIN_EACH} validation photographs and {MIN_EACH} synthetic pictures of {labels!r}; there "
            f"are {len(real)} and {len(files)}."
        )
    rng = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    photographs = [dataset.root / name for name in rng.permutation(real["image"].to_numpy(str))[:each]]
    synthetics = [files[index] for index in rng.permutation(len(files))[:each]]
    items = [Item(kind="real", path=str(path), name=path.name) for path in photographs]
    items += [Item(kind="fake", path=str(path), name=path.name) for path in synthetics]
    quiz = Quiz(
        id=secrets.token_hex(6),
        synthetic=synthetic,
        labels=labels,
        size_px=int(first["size_px"]),
        items=tuple(items[index] for index in rng.permutation(len(items))),
    )
    _save(workspace, quiz)
    return quiz


def open_quiz(workspace: Workspace, quiz_id: str) -> Quiz:
    """Return a session.

    Raises:
        NotFoundError: There is none by that name.
    """
    try:
        return Quiz.model_validate_json(_file(workspace, quiz_id).read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"quiz: {quiz_id!r} is not here any more; start a new one.") from None


def answer_quiz(workspace: Workspace, quiz: Quiz, said: Kind) -> Quiz:
    """Judge the current picture."""
    if quiz.current is None:
        return quiz
    return _save(workspace, quiz.model_copy(update={"answers": (*quiz.answers, said)}))


def undo_answer(workspace: Workspace, quiz: Quiz) -> Quiz:
    """Take the last answer back."""
    return _save(workspace, quiz.model_copy(update={"answers": quiz.answers[:-1]}))


def picture_of(quiz: Quiz, item: Item) -> bytes:
    """Return a picture as the visitor sees it: the same size and the same encoding for both kinds."""
    return encode_jpeg(load_square(Path(item.path), quiz.size_px).repeat(4, 0).repeat(4, 1), quality=90)


def _save(workspace: Workspace, quiz: Quiz) -> Quiz:
    write_bytes(_file(workspace, quiz.id), quiz.model_dump_json(indent=2).encode())
    return quiz


def _file(workspace: Workspace, quiz_id: str) -> Path:
    return workspace.quizzes / f"{check_name(quiz_id, 'quiz')}.json"
