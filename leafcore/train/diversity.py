"""How varied what a noise model makes is, beside real pictures: near 0 where it makes one picture again and again."""

from collections.abc import Callable, Mapping

import torch

PICTURES = 16  # per class that is watched
MOST_CLASSES = 4  # that are watched
SEED = 1  # of the latent vectors: those of every epoch and every run alike


def pairwise_difference(pictures: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute difference of all pairs of (N, 3, S, S) pictures, N at least 2."""
    flat = pictures.flatten(1).float()
    return torch.pdist(flat, p=1).mean() / flat.shape[1]


class Diversity:
    """Compares pairs of fakes with pairs of real pictures, within a class.

    As Odena et al. 2017 (arXiv 1610.09585, section 4.2) tell mode collapse by the likeness of pairs of a class, but in
    absolute differences of pixels, which cost nothing beside a step.

    Args:
        reals: By class: (N, 3, S, S) real pictures in [-1, 1]; a class with fewer than two, or all alike, is left out.
        latent: Length of a latent vector.
    """

    def __init__(self, reals: Mapping[int, torch.Tensor], latent: int) -> None:
        differences = {one: float(pairwise_difference(of)) for one, of in reals.items() if len(of) > 1}
        self._reals = {one: value for one, value in differences.items() if value > 0}
        self._latents = torch.randn(PICTURES, latent, generator=torch.Generator().manual_seed(SEED))

    def of(self, make: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> float | None:
        """Return the mean over the watched classes: 0 if all fakes are alike, 1 if they are as varied as real ones.

        Args:
            make: Returns (N, 3, S, S) pictures for (N, latent) vectors and (N,) int64 classes; draws nothing.

        Returns:
            None where no class has real pictures to compare with.
        """
        shares = [
            pairwise_difference(make(self._latents, torch.full((PICTURES,), one))) / real
            for one, real in self._reals.items()
        ]
        return float(torch.stack(shares).mean()) if shares else None
