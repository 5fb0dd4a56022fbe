"""A classifier that has been trained, at work on pictures."""

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint
from leafcore.data.classes import Classes
from leafcore.errors import CheckpointError
from leafcore.generate import load_network
from leafcore.measure.scores import THRESHOLD, predicted_labels
from leafcore.nets.backbones import InputScale


class TrainedClassifier:
    """Tells how probable each class is; its weights stay as they are.

    Args:
        checkpoint: A classifier's.
        device: Where to compute.

    Attributes:
        net: The network, in eval mode.
        scale: How it wants its pictures.
        classes: What it tells apart.
        thresholds: (classes,) float64, from which probability a label is named; 0.5 in weights that say nothing.
        size_px: The side of the pictures it sees.

    Raises:
        CheckpointError: The weights are missing, damaged, or no classifier's.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        if checkpoint.card.recipe != "classifier":
            raise CheckpointError(
                f"model: {checkpoint.name} is a {checkpoint.card.recipe} model, expected a classifier. "
                "Train one: python -m leafcore train classifier --dataset NAME"
            )
        description = checkpoint.card.description
        self.net = load_network(checkpoint, "classifier", device)
        self.scale = InputScale.described(description)
        self.classes = Classes(tuple(description["labels"]), exclusive=not description["multi_label"])
        self.thresholds = np.asarray(description.get("thresholds", [THRESHOLD] * len(self.classes.names)), np.float64)
        self.size_px = int(description["size_px"])
        self.device = device

    @torch.inference_mode()
    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) float32 in [0, 1], on the CPU, of (N, 3, S, S) pictures in [0, 255] of its own size."""
        logits = self.net(self.scale(images.to(self.device))).float()
        probabilities: torch.Tensor = logits.softmax(1) if self.classes.exclusive else logits.sigmoid()
        return probabilities.cpu()

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which labels (N, classes) probabilities mean at its thresholds, see `predicted_labels`."""
        return predicted_labels(probabilities, not self.classes.exclusive, self.thresholds)
