"""A frozen classifier that says what pictures show."""

from collections.abc import Iterable

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import label_set
from leafcore.images import resize_square
from leafcore.measure.scores import set_probability
from leafcore.measure.trained_classifier import TrainedClassifier


class Judge:
    """Names the label set of pictures.

    Args:
        checkpoint: A classifier's.
        device: Where to compute.

    Raises:
        CheckpointError: The weights are missing, damaged, or no classifier's.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self._model = TrainedClassifier(checkpoint, device)

    def __call__(self, pictures: Iterable[np.ndarray]) -> list[str]:
        """Return the label set of each of some pictures.

        Args:
            pictures: (S, S, 3) uint8 each, or all in one array; one batch of at least one.
        """
        return self.tell(pictures)[0]

    def tell(self, pictures: Iterable[np.ndarray]) -> tuple[list[str], np.ndarray]:
        """Return the label set of each of some pictures, and how probable exactly that set is.

        Where a picture may show several labels, they are named from the classifier's own thresholds, as `predict` does.

        Args:
            pictures: As in a call.

        Returns:
            (N,) label sets, and (N,) float64 in [0, 1], see `set_probability`.
        """
        classes = self._model.classes
        squares = np.stack([resize_square(picture, self._model.size_px) for picture in pictures])
        probabilities = self._model.probabilities(torch.from_numpy(squares).permute(0, 3, 1, 2)).numpy()
        named = self._model.decide(probabilities)
        probable = set_probability(probabilities, named, exclusive=classes.exclusive)
        return [label_set(labels) for labels in classes.decode(named)], probable
