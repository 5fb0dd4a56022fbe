"""Early stopping: training ends when validation has not become better for a while."""

import math
from typing import Any


class EarlyStopping:
    """Counts the epochs since the best one; equal is no better.

    Args:
        patience: After how many of them training ends; 0: never.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = -math.inf
        self.stale = 0

    def note(self, score: float) -> None:
        """Take an epoch's score, higher is better."""
        self.stale = 0 if score > self.best else self.stale + 1
        self.best = max(self.best, score)

    @property
    def is_due(self) -> bool:
        """Whether training is to end."""
        return 0 < self.patience <= self.stale

    def state_dict(self) -> dict[str, Any]:
        """Return the best score, and how long ago it was."""
        return {"best": self.best, "stale": self.stale}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.best, self.stale = state["best"], state["stale"]
