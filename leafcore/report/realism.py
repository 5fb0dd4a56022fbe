"""What else is known of a comparison's synthetic sets: their image quality, and who can tell them from photographs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import pandas as pd
from pydantic import BaseModel

from leafcore.data.set_titles import set_titles
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.quality.result import REAL, QualityResult, flat
from leafcore.quiz import Quiz
from leafcore.quiz_report import Agreement, KindScore, agreement, by_generator, finished, others_of
from leafcore.realfake.result import RealFakeResult, SetTold
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace

Found = TypeVar("Found", bound=BaseModel)


@dataclass(frozen=True)
class Realism:
    """What was found out about some synthetic sets, by the newest runs that looked at each.

    Attributes:
        titles: By set, what people call it.
        quality: By run: what it measured of these sets and of real pictures.
        told: By set: the run, and what machines make of it there.
        warnings: What these runs warn of.
        quizzes: What people said of these sets; rater 1 first.
    """

    titles: dict[str, str]
    quality: dict[str, QualityResult]
    told: dict[str, tuple[str, SetTold]]
    warnings: tuple[str, ...]
    quizzes: tuple[Quiz, ...]

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.quality or self.told or self.quizzes)

    def judged(self, quiz: Quiz) -> list[KindScore]:
        """Return how a rater took photographs, and the pictures of each of these sets."""
        return [one for one in by_generator(quiz) if not one.set or one.set in self.titles]

    @property
    def agreements(self) -> list[tuple[int, int, Agreement]]:
        """Which raters judged the same pictures, by number, and how far they agree."""
        raters = list(enumerate(self.quizzes, start=1))
        return [
            (first, second, agreement(quiz, other))
            for (first, quiz), (second, other) in combinations(raters, 2)
            if others_of(quiz, [other])
        ]


def gather_realism(workspace: Workspace, config: EvaluateConfig) -> Realism:
    """Look up what is known of the synthetic sets of a comparison, held against the same dataset version."""
    sets = config.synthetic
    measured = _newest(workspace, "quality", config, QualityResult)
    tried = _newest(workspace, "realfake", config, RealFakeResult)
    told = {
        run_id: (run.id, next(one for one in found.sets if one.set == run_id)) for run_id, (run, found) in tried.items()
    }
    quizzes = [quiz for quiz in finished(workspace) if {item.set for item in quiz.items} & set(sets)]
    return Realism(
        titles=set_titles(workspace, sets),
        quality={
            run.id: _of_sets(found, [one for one in sets if one in measured and measured[one][0].id == run.id])
            for run, found in measured.values()
        },
        told=told,
        warnings=tuple(dict.fromkeys(found.warning for _, found in tried.values() if found.warning)),
        quizzes=tuple(reversed(quizzes)),
    )


def _newest(
    workspace: Workspace, kind: str, config: EvaluateConfig, result: type[Found]
) -> dict[str, tuple[Run, Found]]:
    """Return the newest finished run of a kind that looked at each set, over the comparison's dataset version."""
    newest: dict[str, tuple[Run, Found]] = {}
    for run in list_runs(workspace, kind):
        asked = set(run.record.settings["synthetic"]) & set(config.synthetic) - newest.keys()
        if asked and run.record.settings["dataset"] == config.dataset and run.status().state == "done":
            newest |= dict.fromkeys(asked, (run, result.model_validate(run.result())))
    return newest


def _of_sets(found: QualityResult, sets: Sequence[str]) -> QualityResult:
    """Return what was measured of some sets, and of real pictures of the classes that these show."""
    shown = {cell.labels for cell in found.cells if cell.set in sets}
    kept = [cell for cell in found.cells if cell.set in {REAL, *sets} and cell.labels in shown]
    return found.model_copy(update={"cells": kept})


def realism_tables(known: Realism) -> dict[str, pd.DataFrame]:
    """Return what is known as tables in long form: a row per number; only those that have a row."""
    quality = [{"run": run_id, **row} for run_id, found in known.quality.items() for row in flat(found)]
    machines = [
        {"run": run_id, "set": told.set, "machine": name, "learned": told.learned, **one.model_dump()}
        for run_id, told in known.told.values()
        for name, one in told.told.items()
    ]
    people = [
        {
            "rater": number,
            "set": one.set or REAL,
            "labels": quiz.labels,
            "size_px": quiz.size_px,
            "called_synthetic": one.called_fake.value,
            "low": one.called_fake.low,
            "high": one.called_fake.high,
            "n": one.n,
            "plausibility": one.rating,
            "rated": one.rated,
        }
        for number, quiz in enumerate(known.quizzes, start=1)
        for one in known.judged(quiz)
    ]
    found = {"quality": quality, "realfake": machines, "quiz": people}
    return {name: pd.DataFrame(rows) for name, rows in found.items() if rows}
