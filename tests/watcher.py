"""A watcher of verbs that remembers what it was told, and can ask them to stop."""

from pathlib import Path

import numpy as np

from leafcore.progress import Progress

BEFORE = ("decoding", "drawing prior pictures", "looking at real pictures")  # the work that is counted


class Watcher(Progress):
    """Remembers everything.

    Args:
        folder: Where the verb puts what it makes; made if it is missing.
        stop_after: Asks to stop once so many units are done, decoding not counted; None for never.
    """

    def __init__(self, folder: Path, stop_after: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.stop_after = stop_after
        self.done = 0
        self.decoded = 0
        self.phases: list[str] = []
        self.scalars: list[dict[str, float]] = []  # with `step`, as a run's metrics
        self.warnings: list[str] = []
        self.samples: list[np.ndarray] = []
        self.safe: list[int] = []

    def phase(self, name: str) -> None:
        if self.phases[-1:] == ["unpacking"]:  # files out of a ZIP are of another kind than the pictures read after
            self.done = 0
        self.phases.append(name)
        self.decoded = 0

    def report(self, done: int, total: int, **scalars: float) -> None:
        if self.phases and self.phases[-1] in BEFORE:
            assert self.decoded < done <= total
            self.decoded = done
            return
        assert self.done <= done <= total
        self.done = done
        if scalars:
            self.scalars.append({"step": done, **scalars})

    def saved(self, done: int) -> None:
        self.safe.append(done)

    def sample(self, image: np.ndarray) -> None:
        self.samples.append(image)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @property
    def should_stop(self) -> bool:
        return self.stop_after is not None and self.done >= self.stop_after
