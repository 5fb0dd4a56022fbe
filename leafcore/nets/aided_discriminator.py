"""A PatchGAN that is aided by features that are already learned.

Kumari, Zhang, Shechtman and Zhu (2022, arXiv 2112.09130) put discriminators on the features of trained networks beside
the usual one; how the features are mixed, and judged at several scales, is of Sauer, Chitta, Müller and Geiger (2021,
"Projected GANs Converge Faster", arXiv 2111.01007).
"""

from collections.abc import Callable
from typing import Self

import timm
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from leafcore.nets.backbones import BUNDLED, build_backbone
from leafcore.nets.patch_discriminator import PatchDiscriminator

WIDTH = 64  # channels of every scale after mixing
STAGES = (1, 2, 3, 4)  # of the backbone: maps at 1/4, 1/8, 1/16 and 1/32 of the picture's side


class FeaturePyramid(nn.Module):
    """What a network that was trained on ImageNet sees at four scales, mixed at random; nothing of it is trained.

    The mixing, a random 1 x 1 convolution at each scale and a random 3 x 3 convolution from each to the next finer
    one, keeps a discriminator from resting on a few features only (Sauer et al. 2021, section 3.2). It is drawn from
    one seed, so that a resumed training goes on under the same.
    """

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            learned = build_backbone(BUNDLED, 1, pretrained=True).state_dict()
            self.trunk = timm.create_model(BUNDLED, features_only=True, out_indices=STAGES)
            self.trunk.load_state_dict({name: learned[name] for name in self.trunk.state_dict()})
            channels: list[int] = self.trunk.feature_info.channels()  # type: ignore[union-attr, operator]  # timm's
            self.across_channels = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in channels)
            self.across_scales = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in channels)
            for conv in (*self.across_channels, *self.across_scales):
                nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Look at pictures.

        Args:
            x: (N, 3, H, W) float in [-1, 1], as the trunk was trained.

        Returns:
            Maps, (N, 64, h, w) each, the finest first: h is H / 4, H / 8, H / 16, H / 32.
        """
        unit = [F.normalize(seen) * seen.shape[1] ** 0.5 for seen in self.trunk(x)]
        maps = [mix(seen) for mix, seen in zip(self.across_channels, unit, strict=True)]
        mixed: list[torch.Tensor] = []
        for conv, own in zip(reversed(self.across_scales), reversed(maps), strict=True):
            coarser = F.interpolate(mixed[-1], own.shape[-2:], mode="bilinear") if mixed else 0
            mixed.append(conv(own + coarser))
        return mixed[::-1]


class AidedDiscriminator(nn.Module):
    """Judges pictures by their pixels, as a `PatchDiscriminator` does, and at four scales of a `FeaturePyramid`.

    What took a network a million photographs to learn, such as telling a spot from a vein, need not be learned from
    some hundred leaves: it notices symptoms of a few pixels, which a `PatchDiscriminator` alone overlooks among all the
    patches that show none. That one keeps the colours true, of which features say little. The pyramid is part of the
    code, not of the weights.

    Args:
        filters: Channels after the first layer that looks at pixels.
        layers: Strided layers of that part after its first.
    """

    def __init__(self, filters: int = 64, layers: int = 3) -> None:
        super().__init__()
        self._frozen = (FeaturePyramid(),)  # in a tuple: neither trained, nor saved, nor switched to training
        self.pixels = PatchDiscriminator(filters, layers)
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(WIDTH, 1, 3, padding=1)),
            )
            for _ in STAGES
        )

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        """Move the pyramid too, where a device or a memory format is asked for."""
        self._frozen[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Judge pictures.

        Args:
            x: (N, 3, H, W) float in [-1, 1].

        Returns:
            (N, 8, H / 4, W / 4), high for real: scores by pixels, four times the same, then by features, the finest
            scale first. Coarse ones are repeated, so that in a mean all scales count alike, and pixels as much as
            features.
        """
        scores = [head(seen) for head, seen in zip(self.heads, self._frozen[0](x), strict=True)]
        finest = scores[0].shape[-2:]
        by_pixels = F.interpolate(self.pixels(x), finest).expand(-1, len(scores), -1, -1)
        return torch.cat([by_pixels, *(F.interpolate(score, finest) for score in scores)], dim=1)
