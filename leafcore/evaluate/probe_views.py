"""What a shortcut probe leaves of a picture: the leaf, the background, the border. The rest is one colour, exactly."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from leafcore.evaluate.probe_configs import View
from leafcore.train.classifier import LabelledImages


@dataclass(frozen=True)
class Viewing:
    """How pictures are looked at.

    Attributes:
        view: What is left of them.
        border: Width of the border, as a share of the side.
        margin: How far around the mask counts as leaf where the leaf is taken away, as a share of the side.
        fill: (3,) uint8, the colour of the rest.
    """

    view: View
    border: float
    margin: float
    fill: np.ndarray


@dataclass(frozen=True)
class ViewedImages(LabelledImages):
    """Pictures of which a part is left.

    Attributes:
        masks: (N, L, L, 1) uint8, 1 on the leaf.
        viewing: Which part.
    """

    masks: np.ndarray
    viewing: Viewing

    def pick(self, indices: np.ndarray) -> torch.Tensor:
        """Return what is left of some pictures, (N, 3, L, L) uint8."""
        masks = torch.from_numpy(np.stack([self.masks[index] for index in indices])).permute(0, 3, 1, 2)
        fill = torch.from_numpy(self.viewing.fill).view(1, 3, 1, 1)
        return torch.where(kept(masks, self.viewing), super().pick(indices), fill)


def kept(masks: torch.Tensor, viewing: Viewing) -> torch.Tensor:
    """Return which pixels a view leaves.

    The outline of the leaf stays visible in every view that cuts along it; the border has none where the leaf does not
    reach it.

    Args:
        masks: (N, 1, S, S) uint8, 1 on the leaf.
        viewing: What is left.

    Returns:
        (N, 1, S, S) bool.
    """
    if viewing.view == "whole":
        return torch.ones_like(masks, dtype=torch.bool)
    if viewing.view == "leaf":
        return masks > 0
    side = masks.shape[-1]
    around = round(viewing.margin * side)
    background = F.max_pool2d(masks.float(), 2 * around + 1, stride=1, padding=around) == 0
    if viewing.view == "background":
        return background
    width = max(1, round(viewing.border * side))
    inner = slice(width, side - width)
    frame = torch.ones((side, side), dtype=torch.bool)
    frame[inner, inner] = False
    return background & frame


def mean_color(images: np.ndarray) -> np.ndarray:
    """Return the mean colour of (N, S, S, 3) uint8 pictures, (3,) uint8."""
    means = np.stack([image.reshape(-1, 3).mean(0) for image in images])  # one at a time: they may lie on the disk
    color: np.ndarray = means.mean(0).round().astype(np.uint8)
    return color
