"""Heat maps of a dataset's validation pictures, asked of the warm worker in chunks; what is there can be used."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from leafcore.ask import WarmWorker
from leafcore.checkpoints import Checkpoint
from leafcore.data.manifest import Dataset
from leafcore.errors import LeafError
from leafcore.masks.tuning import area_curves, spread
from leafcore.questions import LookQuestion, answer_file
from ui import cached
from ui.service import workspace

LIMIT = 240  # pictures that a threshold is judged by; more would tell little more
CHUNK = 24


@dataclass(frozen=True)
class Heat:
    """What is known of the pictures so far.

    Attributes:
        rows: N records, label sets taking turns.
        maps: (N, h, w) float32 in [0, 1].
        probabilities: (N, 3) float32 of full leaf, partial leaf, non-leaf.
        curves: (N, 101) from `area_curves`.
        total: How many pictures there will be.
    """

    rows: Sequence[dict[str, Any]]
    maps: np.ndarray
    probabilities: np.ndarray
    curves: np.ndarray
    total: int

    @property
    def is_complete(self) -> bool:
        """Whether every picture was looked at."""
        return len(self.rows) == self.total

    def of(self, labels: str | None) -> "Heat":
        """Return what is known of the pictures with a label set; of all if None."""
        chosen = [index for index, row in enumerate(self.rows) if labels in (None, row["labels"])]
        rows = [self.rows[index] for index in chosen]
        return Heat(rows, self.maps[chosen], self.probabilities[chosen], self.curves[chosen], len(rows))

    def by_class(self) -> dict[str, np.ndarray]:
        """Return the mean area curve of each label set, (101,) each."""
        labels = np.array([row["labels"] for row in self.rows])
        return {str(name): self.curves[labels == name].mean(0) for name in np.unique(labels)}


class LookingAhead:
    """A thread that has questions answered, one by one; the answers are files, so nothing else is shared with it.

    Attributes:
        failure: Why it ended early; None if it did not.
    """

    def __init__(self, worker: WarmWorker, questions: Sequence[LookQuestion]) -> None:
        self.failure: LeafError | None = None
        self._began = time.monotonic()
        self._asked, self._answered = len(questions), 0
        self._thread = threading.Thread(target=self._ask, args=(worker, questions), daemon=True)
        self._thread.start()

    def _ask(self, worker: WarmWorker, questions: Sequence[LookQuestion]) -> None:
        try:
            for question in questions:
                worker.ask(question)
                self._answered += 1
        except LeafError as error:
            self.failure = error

    @property
    def left_s(self) -> float | None:
        """About how long the rest will take; None while nothing can be said."""
        if not self._answered:
            return None
        return (time.monotonic() - self._began) / self._answered * (self._asked - self._answered)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the last answer; return whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


class Looks:
    """The validation pictures of a dataset as an LFLSeg model sees them.

    Args:
        dataset: Only its validation pictures have a say; at most 240 are drawn, as many of each label set as there are.
        lflseg: The model.
    """

    def __init__(self, dataset: Dataset, lflseg: Checkpoint) -> None:
        self.dataset, self.lflseg = dataset, lflseg
        records = dataset.select(split="val")
        self.rows = dataset.rows(records.iloc[spread(records["labels"].tolist(), LIMIT)])
        self.questions = [
            LookQuestion(
                model=lflseg.ref,
                weights_sha256=lflseg.card.weights_sha256,
                dataset=dataset.ref,
                images=tuple(row["image"] for row in self.rows[start : start + CHUNK]),
            )
            for start in range(0, len(self.rows), CHUNK)
        ]

    def begin(self) -> None:
        """Have the first pictures looked at now, and the others in the background.

        Raises:
            LeafError: The first ones cannot be looked at.
        """
        cached.look(self.questions[0])
        if not self.known().is_complete:
            self.ahead()

    def ahead(self) -> LookingAhead:
        """Return what asks for the rest; it begins with the first call."""
        root = str(workspace().root)
        return _look_ahead(root, self.lflseg.ref, self.dataset.ref, cached.warm_worker(), self.questions)

    def retry(self) -> None:
        """Ask anew for what could not be answered."""
        _look_ahead.clear()

    def known(self) -> Heat:
        """Return what is known so far."""
        rows: list[dict[str, Any]] = []
        parts = []
        for start, question in zip(range(0, len(self.rows), CHUNK), self.questions, strict=True):
            if cached.is_answered(question):
                rows += self.rows[start : start + CHUNK]
                parts.append(_read(str(answer_file(workspace(), question))))
        maps, probabilities, curves = (np.concatenate(some) for some in zip(*parts, strict=True))
        return Heat(rows, maps, probabilities, curves, len(self.rows))


@st.cache_resource(max_entries=4, show_spinner=False)
def _look_ahead(
    root: str, model: str, dataset: str, _worker: WarmWorker, _questions: Sequence[LookQuestion]
) -> LookingAhead:
    del root, model, dataset  # the key
    return LookingAhead(_worker, _questions)


@st.cache_data(max_entries=128, show_spinner=False)
def _read(file: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(Path(file)) as answer:
        maps: np.ndarray = answer["maps"]
        return maps, answer["probabilities"], area_curves(maps)
