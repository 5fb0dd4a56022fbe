"""The augmentations of the studies, by torchvision: they say something about a leaf that no other photograph shows.

The cassava study flips both ways, turns by up to a quarter, zooms in by up to a fifth and changes the contrast by as
much. Brightness and saturation vary as contrast does; the hue never, for it tells diseases apart.
"""

import math

import torch
from torchvision.transforms import v2

QUARTER_TURN = 90.0  # degrees
ZOOM = 0.2
JITTER = 0.2


class StudyAugment:
    """Turns, zooms and recolors each picture of a batch on its own, on whatever device it is.

    Everything is drawn from torch's own random numbers on the CPU, which a training run saves.

    Args:
        size_px: The side of the pictures.
    """

    def __init__(self, size_px: int) -> None:
        corners = math.ceil(size_px * (math.sqrt(2) - 1) / 2)  # what a turned picture shows beyond its edges
        self._change = v2.Compose(
            [
                v2.RandomVerticalFlip(),
                v2.Pad(corners, padding_mode="reflect"),
                v2.RandomAffine(
                    QUARTER_TURN, scale=(1.0, 1.0 / (1.0 - ZOOM)), interpolation=v2.InterpolationMode.BILINEAR
                ),
                v2.CenterCrop(size_px),
                v2.ColorJitter(brightness=JITTER, contrast=JITTER, saturation=JITTER),
            ]
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Change pictures.

        Args:
            images: (N, 3, S, S) uint8, mirrored at random already.

        Returns:
            The same shape and type.
        """
        return torch.stack([self._change(image) for image in images])
