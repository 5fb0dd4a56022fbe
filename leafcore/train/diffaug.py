"""DiffAugment (Zhao et al. 2020, arXiv 2006.10738): what a discriminator sees of real and fake alike is augmented.

The generator's gradients pass through, and a discriminator of few pictures cannot learn them by heart. The policy is
the paper's strongest, color + translation + cutout, with the ranges of its appendix.
"""

import torch
import torch.nn.functional as F

SHIFT = 1 / 8  # of the side, at most
CUTOUT = 1 / 2  # of the side


def diff_augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return pictures with other colors, shifted, and with a square cut out.

    Args:
        images: (N, 3, S, S) float in [-1, 1].
        generator: Draws what is done to each, on the CPU.

    Returns:
        (N, 3, S, S); what was shifted in or cut out is 0, mid-grey.
    """
    return _cut_out(_shift(_recolor(images, generator), generator), generator)


def _recolor(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add to the brightness in [-0.5, 0.5), scale the saturation in [0, 2) and the contrast in [0.5, 1.5)."""
    brightness, saturation, contrast = (
        torch.rand(3, len(images), 1, 1, 1, generator=generator).to(images.device, images.dtype).unbind()
    )
    y = images + (brightness - 0.5)
    grey = y.mean(1, keepdim=True)
    y = (y - grey) * (2 * saturation) + grey
    mean = y.mean((1, 2, 3), keepdim=True)
    return (y - mean) * (contrast + 0.5) + mean


def _shift(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move each picture by up to an eighth of its side, both ways, over zeros."""
    count, _, side, _ = images.shape
    most = int(side * SHIFT + 0.5)
    tops, lefts = torch.randint(2 * most + 1, (2, count, 1), generator=generator).to(images.device)
    along = torch.arange(side, device=images.device)
    padded = F.pad(images, [most] * 4).permute(0, 2, 3, 1)  # (N, S + 2m, S + 2m, 3)
    item = torch.arange(count, device=images.device)[:, None, None]
    return padded[item, (tops + along)[:, :, None], (lefts + along)[:, None, :]].permute(0, 3, 1, 2)


def _cut_out(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Zero a square of half the side, its center anywhere in the picture."""
    count, _, side, _ = images.shape
    cut = int(side * CUTOUT + 0.5)
    centers = torch.randint(side + (1 - cut % 2), (2, count, 1), generator=generator).to(images.device)
    away = torch.arange(side, device=images.device) - centers + cut // 2  # (2, N, S)
    inside = (away >= 0) & (away < cut)
    kept = ~(inside[0][:, None, :, None] & inside[1][:, None, None, :])  # (N, 1, S, S)
    return images * kept
