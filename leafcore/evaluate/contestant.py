"""A classifier of a comparison: it takes exactly so many steps, validated evenly on the way."""

from typing import Any

import torch

from leafcore.data.classes import Classes
from leafcore.progress import Progress
from leafcore.train.classifier import Classifier, LabelledImages
from leafcore.train.configs import ClassifierConfig
from leafcore.train.recipe import Losses


class Rounds:
    """Where in a number of steps validation comes: evenly, the last time after the last step.

    Args:
        steps: Of the whole training.
        count: How often validation comes, at most once a step.
    """

    def __init__(self, steps: int, count: int) -> None:
        self._steps, self._count = steps, count
        self.taken = 0

    def advance(self) -> bool:
        """Count a step; return whether a round ends with it."""
        before = self.taken * self._count // self._steps
        self.taken += 1
        return self.taken * self._count // self._steps > before

    def state_dict(self) -> dict[str, Any]:
        """Return the steps taken."""
        return {"taken": self.taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after so many steps."""
        self.taken = state["taken"]


class Contestant(Classifier):
    """Takes the same number of steps as every other one, whatever their epochs are.

    Steps need not divide evenly among validations, so to the loop they are one epoch, and the rounds are counted here.

    Args:
        config: Its settings; `epochs` is how often validation picks the best weights.
        sets: What it learns from, at the size of `load_size`, and what its best weights are chosen on, at `size_px`.
        classes: What it tells apart, in the order of the targets' columns.
        device: Where to compute.
        steps: How many steps it takes.
        progress: Told the validation scores.
    """

    def __init__(
        self,
        config: ClassifierConfig,
        sets: tuple[LabelledImages, LabelledImages],
        classes: Classes,
        device: torch.device,
        steps: int,
        progress: Progress,
    ) -> None:
        super().__init__(config, *sets, classes, device)
        self.steps_per_epoch = steps
        self.rounds = Rounds(steps, config.epochs)
        self.stateful["rounds"] = self.rounds
        self._progress = progress

    @property
    def epochs(self) -> int:
        """One, of all steps."""
        return 1

    def step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> Losses:
        """Update the network once; validate where a round ends."""
        losses = super().step(batch)
        if self.rounds.advance():
            self._progress.report(self.rounds.taken, self.steps_per_epoch, **super().end_epoch())
        return losses

    def end_epoch(self) -> dict[str, float]:
        """Return nothing: the last round ended with the last step."""
        return {}
