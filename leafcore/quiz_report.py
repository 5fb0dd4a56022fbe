"""What sessions of "real or fake?" found: per generator, between two raters, beside the machine, and as a table."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from leafcore.measure.agreement import cohens_kappa
from leafcore.measure.stats import Interval, exact_interval
from leafcore.quiz import Quiz
from leafcore.realfake.result import RealFakeResult, SetTold
from leafcore.runs import list_runs
from leafcore.workspace import Workspace

RATINGS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class KindScore:
    """How the pictures of one generator, or photographs, were taken.

    Attributes:
        set: The run that made them; empty for photographs.
        called_fake: The share that was called synthetic, with its exact 95 % interval.
        n: Of how many.
        rating: The mean plausibility of their symptoms, 1 to 5; None if nobody rated any.
        rated: Of how many.
    """

    set: str
    called_fake: Interval
    n: int
    rating: float | None
    rated: int


def by_generator(quiz: Quiz) -> list[KindScore]:
    """Return how photographs were taken, then the pictures of each synthetic set; only of what was answered.

    Whether synthetic pictures are recognised is only told beside how many photographs are taken for one: who calls
    everything synthetic recognises all.
    """
    ratings = quiz.ratings or (0,) * len(quiz.answers)
    answered = list(zip(quiz.items, quiz.answers, ratings, strict=False))
    scores: list[KindScore] = []
    for name in ["", *sorted({item.set for item in quiz.items if item.kind == "fake"})]:
        kind = "fake" if name else "real"
        mine = [(said, rating) for item, said, rating in answered if item.kind == kind and item.set == name]
        rated = [rating for _, rating in mine if rating]
        if mine:
            called = sum(said == "fake" for said, _ in mine)
            mean = sum(rated) / len(rated) if rated else None
            scores.append(KindScore(name, exact_interval(called, len(mine)), len(mine), mean, len(rated)))
    return scores


@dataclass(frozen=True)
class Agreement:
    """How far two raters agree about the same pictures.

    Attributes:
        kinds: Cohen's kappa of real and fake; NaN where both always say the same word.
        n: How many pictures both judged.
        ratings: The quadratically weighted kappa of the plausibility of symptoms.
        rated: How many pictures both rated.
    """

    kinds: Interval
    n: int
    ratings: Interval
    rated: int


def agreement(first: Quiz, second: Quiz) -> Agreement:
    """Compare two sessions of the same pictures, whatever their order."""
    said, others = (
        {item.path: word for item, word in zip(one.items, one.answers, strict=False)} for one in (first, second)
    )
    rated, other_rated = (
        {item.path: rating for item, rating in zip(one.items, one.ratings, strict=False) if rating}
        for one in (first, second)
    )
    both, both_rated = (
        [path for path in one if path in other] for one, other in ((said, others), (rated, other_rated))
    )
    return Agreement(
        kinds=cohens_kappa([said[path] for path in both], [others[path] for path in both], ("real", "fake")),
        n=len(both),
        ratings=cohens_kappa(
            [rated[path] for path in both_rated], [other_rated[path] for path in both_rated], RATINGS, weighted=True
        ),
        rated=len(both_rated),
    )


def finished(workspace: Workspace) -> list[Quiz]:
    """Return the sessions that are judged to the end and that somebody put a nickname to, newest first."""
    found: list[Quiz] = []
    for path in workspace.quizzes.glob("*.json"):
        try:
            quiz = Quiz.model_validate_json(path.read_bytes())
        except (ValidationError, FileNotFoundError):
            continue  # of another version, or gone since
        if quiz.current is None and quiz.nickname:
            found.append(quiz)
    return sorted(found, key=lambda quiz: -quiz.created)


def others_of(quiz: Quiz, sessions: Sequence[Quiz]) -> list[Quiz]:
    """Return the sessions of other people with the very same pictures."""
    origin = quiz.like or quiz.id
    return [one for one in sessions if one.id != quiz.id and origin in {one.id, one.like}]


def machine_of(workspace: Workspace, run_id: str) -> SetTold | None:
    """Return what machines made of a synthetic set, by the newest trial that told something; None if none did."""
    for run in list_runs(workspace, "realfake"):
        if run_id in run.record.settings["synthetic"] and run.status().state == "done":
            found = RealFakeResult.model_validate(run.result())
            for one in found.sets:
                if one.set == run_id and one.told:
                    return one
    return None


def as_csv(quiz: Quiz) -> bytes:
    """Return a session as a table: a row per picture that was answered."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            "session",
            "nickname",
            "number",
            "picture",
            "labels",
            "set",
            "kind",
            "said",
            "right",
            "plausibility",
            "size_px",
        ]
    )
    ratings = quiz.ratings or (0,) * len(quiz.answers)
    for number, (item, said, rating) in enumerate(zip(quiz.items, quiz.answers, ratings, strict=False), start=1):
        right = int(item.kind == said)
        row = [item.name, quiz.labels, item.set, item.kind, said, right, rating or "", quiz.size_px]
        writer.writerow([quiz.id, quiz.nickname, number, *row])
    return buffer.getvalue().encode()
