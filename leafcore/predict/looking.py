"""Where a trained classifier looks: the heat map of one class."""

import numpy as np
import torch

from leafcore.masks.cam import class_activation_maps
from leafcore.masks.configs import CamConfig
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.nets.backbones import has_closed_form


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
    if has_closed_form(model.net):
        cams = class_activation_maps(model.net, images, index)
    else:
        from leafcore.masks.library import library_explainer  # slow to import

        cams = library_explainer(model.net, CamConfig(), model.size_px, index)(images)
    drawn: np.ndarray = cams.maps[0]
    return drawn
