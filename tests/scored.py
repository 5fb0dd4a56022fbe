"""Score runs made by hand, without scoring anything."""

from collections.abc import Mapping
from typing import Any

from leafcore.config import Config
from leafcore.files import write_bytes
from leafcore.pick.scores import EpochScores, Score, ScoreResult
from leafcore.runs import Run, create_run
from leafcore.workspace import Workspace
from tests.states import write_state


class Asked(Config):
    """What a score run is about."""

    run: str
    direction: str = "ab"


def result_of(run: str, rows: Mapping[int, Mapping[str, float]], **values: Any) -> ScoreResult:
    """Return scores by epoch: {epoch: {measure: value}}, each with an sd of 0.1 on 24 fakes."""
    epochs = [
        EpochScores(epoch=epoch, scores={key: Score(value=value, sd=0.1, n=24) for key, value in measures.items()})
        for epoch, measures in rows.items()
    ]
    facts = {"run": run, "direction": "ab", "dataset": "leaves@1", "split": "val", "features": "test_resnet"}
    return ScoreResult(**{**facts, **values}, epochs=epochs)


def write_scores(workspace: Workspace, result: ScoreResult) -> Run:
    """Write a score run that is done."""
    run = create_run(workspace, "score", Asked(run=result.run, direction=result.direction))
    for name in ("result.json", "scores.json"):  # what it ended with, and what it has so far
        write_bytes(run.folder / name, result.model_dump_json().encode())
    write_state(run, "done")
    return run
