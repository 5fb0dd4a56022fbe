"""Class activation maps in closed form.

For a network that ends in global average pooling and one linear layer, Grad-CAM (Selvaraju et al. 2017, eqs. 1 and 2)
needs no gradient: the gradient of class c's score with respect to map k is the constant w_ck / (h w), so the heat map
is ReLU(sum_k w_ck A_k) up to a factor that normalising by the maximum takes away (the CAM of Zhou et al. 2016).
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from leafcore.nets.backbones import closed_form_head


@dataclass(frozen=True)
class Cams:
    """What a classifier says about pictures, and where it looks.

    Attributes:
        maps: (N, h, w) float32 in [0, 1], each divided by its maximum; all zero where nothing speaks for the class.
        probabilities: (N, classes) float32, summing to 1.
    """

    maps: np.ndarray
    probabilities: np.ndarray


@torch.no_grad()
def class_activation_maps(model: nn.Module, images: torch.Tensor, target: int = 0) -> Cams:
    """Return the heat map of one class for each picture, in one forward pass.

    Args:
        model: A timm classifier ending in global average pooling and one linear layer, in eval mode.
        images: (N, 3, H, W) float32, scaled by the model's `InputScale`.
        target: The class to explain; 0 is LFLSeg's full leaf.

    Raises:
        CheckpointError: The network ends otherwise.
    """
    linear = closed_form_head(model)
    features: torch.Tensor = cast(Any, model).forward_features(images)  # (N, K, h, w)
    weights = linear.weight[target]  # (K,)
    maps = torch.einsum("nkhw,k->nhw", features, weights).relu_()
    peaks = maps.amax(dim=(1, 2), keepdim=True)
    maps = torch.where(peaks > 0, maps / peaks.clamp_min(torch.finfo(maps.dtype).tiny), 0.0)
    logits = linear(features.mean(dim=(2, 3)))
    return Cams(maps.float().cpu().numpy(), logits.float().softmax(1).cpu().numpy())
