"""Heat maps through the grad-cam library (Gildenblat et al.): any of its methods at any layer that gives maps.

Grad-CAM (Selvaraju et al. 2017), Grad-CAM++ (Chattopadhay et al. 2018), LayerCAM (Jiang et al. 2021), Eigen-CAM
(Muhammad and Yeasin 2020), which asks no class. The library stretches a map from its minimum, enlarges it and stretches
it again; here it stays as the method gave it, and is scaled like a map in closed form.
"""

from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from leafcore.masks.cam import Cams, Explain, Targets, as_cams
from leafcore.masks.configs import CamConfig, CamMethod
from leafcore.nets.trunk import map_layer


class _AsItIs:
    """Leaves out what the library does to a map after a method has drawn it; goes before the method's class."""

    def compute_cam_per_layer(self: Any, images: torch.Tensor, targets: Any, eigen_smooth: bool) -> list[np.ndarray]:
        held = self.activations_and_grads
        activations, gradients = (part[0].numpy() if part else None for part in (held.activations, held.gradients))
        return [self.get_cam_image(images, self.target_layers[0], targets, activations, gradients, eigen_smooth)]

    def aggregate_multi_layers(self, maps: list[np.ndarray]) -> np.ndarray:
        return maps[0]


_METHODS: dict[CamMethod, type[Any]] = {
    "gradcam": GradCAM,
    "gradcam++": GradCAMPlusPlus,
    "layercam": LayerCAM,
    "eigencam": EigenCAM,
}


def library_explainer(model: nn.Module, config: CamConfig, size_px: int, target: Targets) -> Explain:
    """Return what draws heat maps with one of the library's methods.

    Args:
        model: A timm classifier in eval mode, its weights frozen.
        config: Method and layer; an empty layer is the last one that gives maps.
        size_px: The side of the pictures it will see.
        target: The class to explain, one for all or each picture's own; None for the one that each most likely is.

    Raises:
        CheckpointError: The network gives no maps.
        ConfigError: It has no such layer.
    """
    layer = map_layer(model, config.layer, size_px)
    method = type("AsItIs", (_AsItIs, _METHODS[config.method]), {})

    def explain(images: torch.Tensor) -> Cams:
        cam = method(model, [layer])
        each = [target] * len(images) if isinstance(target, int) else target
        wanted = None if each is None else [ClassifierOutputTarget(one) for one in each]
        try:
            # The weights are frozen, so gradients reach the layer only if the pictures ask for them.
            scores = cam(images.detach().requires_grad_(cam.uses_gradients), wanted)
            return as_cams(torch.from_numpy(scores), cam.outputs.detach().cpu())
        finally:
            cam.activations_and_grads.release()

    return explain
