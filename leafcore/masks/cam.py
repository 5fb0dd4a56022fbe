"""Class activation maps: in closed form where the network allows it, else through the grad-cam library.

For a network that ends in global average pooling and one linear layer, Grad-CAM (Selvaraju et al. 2017, eqs. 1 and 2)
needs no gradient: the gradient of class c's score with respect to map k is the constant w_ck / (h w), so the heat map
is ReLU(sum_k w_ck A_k) up to a factor that normalising by the maximum takes away (the CAM of Zhou et al. 2016).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from leafcore.errors import CheckpointError
from leafcore.masks.configs import CamConfig
from leafcore.nets.backbones import closed_form_head, has_closed_form
from leafcore.nets.trunk import Trunk, fast_trunk

FULL_LEAF = 0  # LFLSeg's first class


@dataclass(frozen=True)
class Cams:
    """What a classifier says about pictures, and where it looks.

    Attributes:
        maps: (N, h, w) float32 in [0, 1], each divided by its maximum; all zero where nothing speaks for the class.
        probabilities: (N, classes) float32, summing to 1.
    """

    maps: np.ndarray
    probabilities: np.ndarray


Explain = Callable[[torch.Tensor], Cams]  # takes (N, 3, H, W) float32, scaled by the model's `InputScale`
Targets = int | Sequence[int] | None  # the class to explain: one, each picture's own, or what each most likely is


def explainer(model: nn.Module, config: CamConfig, size_px: int) -> Explain:
    """Return what draws the heat maps that a config asks for.

    Args:
        model: A timm classifier in eval mode, its weights frozen.
        config: Method, layer and class.
        size_px: The side of the pictures it will see.

    Raises:
        CheckpointError: The network gives no maps.
        ConfigError: It has no such layer.
    """
    target = FULL_LEAF if config.target == "full leaf" else None
    if config.method == "gradcam" and not config.layer and has_closed_form(model):
        trunk, head = fast_trunk(model), closed_form_head(model)
        return lambda images: _closed_form(trunk, head, images, target)
    from leafcore.masks.library import library_explainer  # slow to import

    return library_explainer(model, config, size_px, target)


def explain_classes(model: nn.Module, images: torch.Tensor, classes: Sequence[int]) -> np.ndarray:
    """Return what in each picture speaks for a class of its own, by Grad-CAM.

    Args:
        model: A timm classifier in eval mode, its weights frozen.
        images: (N, 3, H, W) float32, scaled by the model's `InputScale`.
        classes: (N,) which class each map is of.

    Returns:
        (N, h, w) float32 in [0, 1].

    Raises:
        CheckpointError: The network gives no maps, or what it gives is not a number.
    """
    if has_closed_form(model):
        return _closed_form(Trunk(model), closed_form_head(model), images, classes).maps
    from leafcore.masks.library import library_explainer  # slow to import

    return library_explainer(model, CamConfig(), images.shape[-1], classes)(images).maps


def class_activation_maps(model: nn.Module, images: torch.Tensor, target: int | None = FULL_LEAF) -> Cams:
    """Return the heat map of one class for each picture, in closed form, in one forward pass.

    Args:
        model: A timm classifier ending in global average pooling and one linear layer, in eval mode.
        images: (N, 3, H, W) float32, scaled by the model's `InputScale`.
        target: The class to explain; None for the one that each picture most likely is.

    Raises:
        CheckpointError: The network ends otherwise, or what it gives is not a number.
    """
    return _closed_form(Trunk(model), closed_form_head(model), images, target)


@torch.inference_mode()
def _closed_form(trunk: nn.Module, head: nn.Linear, images: torch.Tensor, target: Targets) -> Cams:
    features = trunk(images)  # (N, K, h, w)
    logits = head(features.mean(dim=(2, 3)))
    classes = logits.argmax(1) if target is None else torch.as_tensor(target, device=logits.device).expand(len(images))
    return as_cams(torch.einsum("nkhw,nk->nhw", features, head.weight[classes]), logits)


def as_cams(scores: torch.Tensor, logits: torch.Tensor) -> Cams:
    """Return heat maps as the paper's code scales them: ReLU, then divided by the maximum.

    Args:
        scores: (N, h, w), what speaks for the class, and against it where negative.
        logits: (N, classes).

    Raises:
        CheckpointError: Some of it is not a number, or infinite.
    """
    if not (torch.isfinite(scores).all() and torch.isfinite(logits).all()):
        raise CheckpointError(
            "model: it gives numbers that are not finite, so no heat map can be drawn: its training diverged. Choose "
            "an earlier epoch, or train again with a lower learning rate."
        )
    maps = scores.relu()
    peaks = maps.amax(dim=(1, 2), keepdim=True)
    maps = torch.where(peaks > 0, maps / peaks.clamp_min(torch.finfo(maps.dtype).tiny), 0.0)
    return Cams(maps.float().cpu().numpy(), logits.float().softmax(1).cpu().numpy())
