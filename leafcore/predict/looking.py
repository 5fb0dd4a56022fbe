"""Where a trained classifier looks: the heat map of one class."""

import numpy as np
import torch

from leafcore.masks.cam import explain_classes
from leafcore.measure.trained_classifier import TrainedClassifier


def heat_map(model: TrainedClassifier, picture: np.ndarray, index: int) -> np.ndarray:
    """Return what in a picture speaks for a class, by Grad-CAM.

    Args:
        model: The classifier.
        picture: (S, S, 3) uint8, of its own size.
        index: Which of its classes.

    Returns:
        (h, w) float32 in [0, 1].

    Raises:
        CheckpointError: The network gives no maps.
    """
    images = model.scale(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].to(model.device))
    drawn: np.ndarray = explain_classes(model.net, images, [index])[0]
    return drawn
