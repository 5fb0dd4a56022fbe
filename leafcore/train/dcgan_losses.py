"""The losses of the noise recipes: binary cross-entropy, or WGAN-GP."""

from collections.abc import Callable

import torch
import torch.nn.functional as F


def says(scores: torch.Tensor, value: float) -> torch.Tensor:
    """Return the binary cross-entropy of scores against one value (Goodfellow et al. 2014, eq. 1).

    Args:
        scores: (N,) logits.
        value: What they should say, in [0, 1]: 0 for fake, 1 for real, or a little less (one-sided label smoothing,
            Salimans et al. 2016, section 3.4).
    """
    return F.binary_cross_entropy_with_logits(scores.float(), torch.full_like(scores, value, dtype=torch.float32))


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how far a critic's gradients are from length 1 between real and fake (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: Returns a score per picture, each of its own picture alone; run in float32.
        real: (N, 3, S, S) float32.
        fake: (N, 3, S, S) float32, detached.
        mix: (N,) in [0, 1]: the share of the real picture in each point, uniform in the paper.

    Returns:
        The mean of (|gradient| - 1)^2, and the mean of |gradient|.
    """
    share = mix[:, None, None, None]
    points = (share * real + (1 - share) * fake).requires_grad_(True)
    (gradients,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    norms = gradients.flatten(1).norm(dim=1)  # (N,)
    return ((norms - 1) ** 2).mean(), norms.mean()
