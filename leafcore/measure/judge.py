"""A frozen classifier that says what pictures show."""

from collections.abc import Iterable

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint
from leafcore.data.classes import Classes
from leafcore.data.labels import label_set
from leafcore.generate import load_network
from leafcore.images import resize_square
from leafcore.measure.scores import predicted_labels, set_probability
from leafcore.nets.backbones import InputScale


class Judge:
    """Names the label set of pictures.

    Args:
        checkpoint: A classifier's.
        device: Where to compute.

    Raises:
        CheckpointError: The weights are missing, damaged, or no classifier's.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self._net = load_network(checkpoint, "classifier", device)
        description = checkpoint.card.description
        self._classes = Classes(tuple(description["labels"]), exclusive=not description["multi_label"])
        self._scale = InputScale.described(description)
        self._size_px = int(description["size_px"])
        self._device = device

    def __call__(self, pictures: Iterable[np.ndarray]) -> list[str]:
        """Return the label set of each of some pictures.

        Args:
            pictures: (S, S, 3) uint8 each, or all in one array; one batch of at least one.
        """
        return self.tell(pictures)[0]

    @torch.inference_mode()
    def tell(self, pictures: Iterable[np.ndarray]) -> tuple[list[str], np.ndarray]:
        """Return the label set of each of some pictures, and how probable exactly that set is.

        Args:
            pictures: As in a call.

        Returns:
            (N,) label sets, and (N,) float64 in [0, 1], see `set_probability`.
        """
        squares = np.stack([resize_square(picture, self._size_px) for picture in pictures])
        batch = torch.from_numpy(squares).permute(0, 3, 1, 2).to(self._device)
        logits = self._net(self._scale(batch)).float()
        probabilities = (logits.softmax(1) if self._classes.exclusive else logits.sigmoid()).cpu().numpy()
        named = predicted_labels(probabilities, multi_label=not self._classes.exclusive)
        probable = set_probability(probabilities, named, exclusive=self._classes.exclusive)
        return [label_set(labels) for labels in self._classes.decode(named)], probable
