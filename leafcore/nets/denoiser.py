"""The network of a diffusion model: the U-Net of diffusers, with classes and patches."""

import math

import torch
import torch.nn.functional as F
from diffusers import UNet2DModel
from torch import nn

WIDEST = 4  # no level has more than so many times the channels of the first
MAX_GROUPS = 32  # of group normalisation, as in DDPM
HEAD_CHANNELS = 64  # per head of attention (Dhariwal and Nichol 2021, arXiv 2105.05233, table 2)


class Denoiser(nn.Module):
    """Tells the noise, or the velocity, in noisy pictures (Ho et al. 2020, arXiv 2006.11239, appendix B).

    With classes it also knows a null class, the one after the last: "whatever it may be", for classifier-free guidance
    (Ho and Salimans 2022, arXiv 2207.12598). Patches become channels before the U-Net and pixels after it, so that its
    first level has fewer positions (Hoogeboom et al. 2023, arXiv 2301.11093, section 3.2).

    Args:
        size_px: Side of the pictures, a multiple of patch * 2^(levels - 1).
        filters: Channels of the first level, a multiple of 8; then twice, then four times as many.
        levels: Each of half the side; the last has attention.
        blocks: Residual blocks per level.
        patch: Side of a patch in pixels, 1 for none.
        classes: How many classes it can be told; 0 for none.
    """

    def __init__(
        self, size_px: int = 64, filters: int = 128, levels: int = 4, blocks: int = 2, patch: int = 1, classes: int = 0
    ) -> None:
        super().__init__()
        self.classes, self.patch = classes, patch
        widths = tuple(filters * min(2**level, WIDEST) for level in range(levels))
        plain, groups = levels - 1, min(MAX_GROUPS, filters // 4)
        self.unet = UNet2DModel(
            sample_size=size_px // patch,
            in_channels=3 * patch**2,
            out_channels=3 * patch**2,
            block_out_channels=widths,
            layers_per_block=blocks,
            down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",),
            up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
            attention_head_dim=math.gcd(HEAD_CHANNELS, widths[-1]),
            norm_num_groups=groups if filters % groups == 0 else math.gcd(MAX_GROUPS, filters),
            num_class_embeds=classes + 1 if classes else None,
        )

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, classes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Tell what is noise.

        Args:
            noisy: (N, 3, S, S) float32.
            timesteps: (N,) int64, or a scalar for all.
            classes: (N,) int64 in [0, classes]; None for the null class everywhere.

        Returns:
            (N, 3, S, S), unbounded.
        """
        if self.classes and classes is None:
            classes = torch.full((len(noisy),), self.classes, device=noisy.device)
        x = F.pixel_unshuffle(noisy, self.patch)  # (N, 3 p^2, S/p, S/p)
        out: torch.Tensor = self.unet(x, timesteps, class_labels=classes if self.classes else None).sample
        return F.pixel_shuffle(out, self.patch)  # (N, 3, S, S)
