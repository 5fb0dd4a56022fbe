"""The PatchGAN discriminator of pix2pix and CycleGAN (Isola et al. 2017, section 3.2.2)."""

import torch
from torch import nn

from leafcore.nets.resnet_generator import init_normal


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches of a picture: C64-C128-C256-C512 with three layers sees 70 x 70 px at a time.

    Args:
        filters: Channels after the first layer; 64 in the paper.
        layers: Strided layers after the first; 3 in the paper, 2 suits pictures of 64 px.
    """

    def __init__(self, filters: int = 64, layers: int = 3) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(3, filters, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        channels = filters
        for layer in range(1, layers + 1):
            wider = filters * min(2**layer, 8)
            stride = 2 if layer < layers else 1
            parts += [nn.Conv2d(channels, wider, 4, stride, 1), nn.InstanceNorm2d(wider), nn.LeakyReLU(0.2, True)]
            channels = wider
        parts.append(nn.Conv2d(channels, 1, 4, 1, 1))
        self.body = nn.Sequential(*parts)
        self.apply(init_normal)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Judge pictures.

        Args:
            x: (N, 3, H, W) float in [-1, 1].

        Returns:
            (N, 1, h, w): one score per patch, high for real; h is about H / 2^layers.
        """
        out: torch.Tensor = self.body(x)
        return out
