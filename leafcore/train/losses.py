"""The losses of the translation recipes."""

import torch
import torch.nn.functional as F


def adversarial_loss(scores: torch.Tensor, is_real: bool) -> torch.Tensor:
    """Return the least-squares loss of a discriminator's scores (LSGAN, Mao et al. 2017, eq. 9; a = 0, b = c = 1).

    Args:
        scores: (N, 1, h, w), one score per patch.
        is_real: Whether the scores should say real (1) or fake (0).
    """
    target = torch.ones_like(scores) if is_real else torch.zeros_like(scores)
    return F.mse_loss(scores.float(), target.float())


def cycle_loss(reconstruction: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return mean |F(G(x)) - x| (CycleGAN, Zhu et al. 2017, eq. 2)."""
    return F.l1_loss(reconstruction.float(), real)


def identity_loss(identity: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return mean |G(y) - y| (CycleGAN, Zhu et al. 2017, section 5.2)."""
    return F.l1_loss(identity.float(), real)


def background_loss(fake: torch.Tensor, real: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return mean |(1 - S(x)) (G(x) - x)| (LeafGAN, Cap et al. 2020, eq. 5).

    Args:
        fake: (N, 3, H, W) float in [-1, 1], the translation of `real`.
        real: (N, 3, H, W) float in [-1, 1].
        mask: (N, 1, H, W) float, 1 on the leaf.
    """
    outside = 1.0 - mask
    return F.l1_loss(fake.float() * outside, real * outside)


def leaf_change(fake: torch.Tensor, real: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return mean |S(x) (G(x) - x)| over the leaf: no loss, but what tells a generator that gives back what it gets.

    Args:
        fake: (N, 3, H, W) float in [-1, 1], the translation of `real`.
        real: (N, 3, H, W) float in [-1, 1].
        mask: (N, 1, H, W) float, 1 on the leaf.
    """
    share = mask.mean().clamp(min=1.0 / mask.numel())
    return F.l1_loss(fake.float() * mask, real * mask) / share
