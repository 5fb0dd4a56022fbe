"""Asking the warm worker for pictures from noise, as the Studio and the API do; every request is logged. No torch."""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from leafcore.checkpoints import Checkpoint
from leafcore.denoising import denoising_of
from leafcore.measure.interpretation import Interpretation
from leafcore.noise import noise_facts
from leafcore.pick.configs import NO_JUDGE
from leafcore.pick.judges import newest_judge
from leafcore.questions import Question, SampleQuestion, answer_file
from leafcore.usage import Use, note
from leafcore.workspace import Workspace


class Worker(Protocol):
    """Answers questions; see `ask.WarmWorker`."""

    def ask(self, question: Question) -> Path:
        """Return the file that answers a question."""
        ...


@dataclass(frozen=True)
class Sample:
    """Pictures from noise.

    Attributes:
        pictures: (N, S, S, 3) uint8.
        made_as: (N,) label sets that they were made as; empty where the model makes what it likes.
        called: (N,) label sets that a judge sees in them; none at all without one that is believed.
        interpretation: What the judge says of them together.
        latency_ms: From the request to the pictures.
        cached: Whether they had been made before.
    """

    pictures: np.ndarray
    made_as: list[str]
    called: list[str]
    interpretation: Interpretation
    latency_ms: float
    cached: bool


def sample_question(workspace: Workspace, checkpoint: Checkpoint, **settings: Any) -> SampleQuestion:
    """Return the question for pictures of a noise model, named by the newest classifier over its dataset, if any.

    Args:
        workspace: Where the classifier is looked for.
        checkpoint: The noise model.
        **settings: `n`, `seed`, `label`, `truncation`, and those of diffusion models; see `SampleQuestion`.

    Raises:
        InputError: The checkpoint makes nothing from noise, or a setting is wrong.
    """
    facts = noise_facts(checkpoint)
    judge = newest_judge(workspace, facts.dataset, facts.makes)
    named = {"checkpoint": checkpoint.ref, "weights_sha256": checkpoint.card.weights_sha256}
    question = SampleQuestion.build({**named, "judge": judge.ref if judge else NO_JUDGE, **settings})
    how = denoising_of(facts, question, question.truncation)
    return question.model_copy(update={"label": facts.require_label(question.label), **asdict(how)})


def sample(workspace: Workspace, worker: Worker, question: SampleQuestion, source: Literal["api", "studio"]) -> Sample:
    """Ask for pictures, and log that they were asked for.

    Raises:
        LeafError: They cannot be made; the worker says why.
    """
    began = time.perf_counter()
    cached = answer_file(workspace, question).exists()
    with np.load(worker.ask(question)) as answer:
        called = answer["called"].tolist()
        found = Sample(
            pictures=answer["pictures"],
            made_as=answer["made_as"].tolist(),
            called=called,
            interpretation=Interpretation.model_validate_json(str(answer["interpretation"])),
            latency_ms=round(1000 * (time.perf_counter() - began), 1),
            cached=cached,
        )
    use = Use(
        source=source,
        checkpoint=question.checkpoint.partition("#")[0],
        weights_sha256=question.weights_sha256,
        n=question.n,
        latency_ms=found.latency_ms,
        cached=cached,
        called=Counter(called),
    )
    note(workspace, use)
    return found
