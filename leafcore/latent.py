"""Making pictures from noise: samples, interpolations, a grid of every class."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint
from leafcore.denoising import Denoising, denoising_of
from leafcore.generate import load_network
from leafcore.images import to_uint8
from leafcore.noise import noise_facts, picture_seed

UNLIMITED = 10.0  # standard deviations; a normal number beyond is one in 10^23


def draw_latents(seeds: Iterable[int], size: int, truncation: float = 0.0) -> torch.Tensor:
    """Draw the latent vector of each of some pictures.

    The truncation trick (Brock, Donahue, Simonyan 2019, arXiv 1809.11096, section 3.1): numbers whose magnitude is
    above a threshold are drawn again, which trades variety for typical pictures. Drawn here through the inverse of the
    truncated distribution, so that one seed gives a like picture at any threshold.

    Args:
        seeds: One per picture.
        size: Numbers in a vector.
        truncation: The threshold in standard deviations; 0 for none.

    Returns:
        (N, size) float32.
    """
    limit = torch.tensor(truncation or UNLIMITED, dtype=torch.float64)
    low = torch.special.ndtr(-limit)  # how much of the normal distribution is below
    drawn = [torch.rand(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds]
    vectors: torch.Tensor = torch.special.ndtri(low + torch.stack(drawn) * (1 - 2 * low))
    return vectors.clamp(-limit, limit).float()


def slerp(start: torch.Tensor, end: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Interpolate along the great circle between two vectors (Shoemake 1985).

    Normal vectors of many dimensions lie near a sphere; a straight line between two leaves it, and a generator has seen
    nothing like its middle (White 2016, arXiv 1609.04468).

    Args:
        start: (D,) float.
        end: (D,) float.
        shares: (N,) float in [0, 1], of the way from start to end.

    Returns:
        (N, D) float; along the straight line where the two point the same or the opposite way.
    """
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    angle = torch.acos(cosine)
    shares = shares[:, None]
    if torch.sin(angle) < 1e-6:
        return torch.lerp(start, end, shares)
    return (torch.sin((1 - shares) * angle) * start + torch.sin(shares * angle) * end) / torch.sin(angle)


Generator = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]  # latents and classes in, pictures out


class NoiseModel:
    """Makes pictures from noise.

    Args:
        checkpoint: A noise model's.
        device: Where to compute.
        how: How a diffusion model takes noise away, see `denoising_of`.

    Attributes:
        facts: What it makes.

    Raises:
        CheckpointError: The weights are missing, damaged, or no noise model's.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device, how: Denoising | None = None) -> None:
        self.facts = noise_facts(checkpoint)
        self._how = how or denoising_of(self.facts)
        self._generator = _open_generator(checkpoint, device, self._how)
        self._device = device

    @torch.inference_mode()
    def __call__(self, latents: torch.Tensor, labels: Sequence[str]) -> np.ndarray:
        """Make a picture of each latent vector.

        Args:
            latents: (N, latent) float32.
            labels: (N,) label sets; only a class-conditional model reads them.

        Returns:
            (N, S, S, 3) uint8.
        """
        classes = None
        if self.facts.classes:
            classes = torch.tensor([self.facts.classes.index(one) for one in labels], device=self._device)
        return to_uint8(self._generator(latents.to(self._device), classes))

    def recipe(self) -> dict[str, Any]:
        """Return what a picture's recipe says of how it was made."""
        return self._how.recipe()

    def sample(
        self, seed: int, indices: Sequence[int], label: str = "", truncation: float = 0.0, batch_size: int = 16
    ) -> np.ndarray:
        """Make some of the pictures of a seed; picture k is the same whichever others are made with it.

        Args:
            seed: Of all of them.
            indices: Which, from 0; at least one.
            label: A label set; empty for every class in turn.
            truncation: See `draw_latents`.
            batch_size: Pictures per forward pass.

        Returns:
            (N, S, S, 3) uint8.
        """
        latents = draw_latents((picture_seed(seed, index) for index in indices), self.facts.latent, truncation)
        return self._in_batches(latents, self.facts.labels_of(indices, label), batch_size)

    def interpolate(
        self, seeds: tuple[int, int], steps: int, label: str = "", truncation: float = 0.0, batch_size: int = 16
    ) -> np.ndarray:
        """Go from the first picture of one seed to the first of another.

        Args:
            seeds: The two.
            steps: Pictures, both ends included; at least 2.
            label: A label set; empty for the model's first.
            truncation: See `draw_latents`.
            batch_size: Pictures per forward pass.

        Returns:
            (steps, S, S, 3) uint8.
        """
        start, end = draw_latents((picture_seed(seed, 0) for seed in seeds), self.facts.latent, truncation)
        latents = slerp(start, end, torch.linspace(0, 1, steps))
        return self._in_batches(latents, self.facts.labels_of([0] * steps, label), batch_size)

    def class_grid(self, seed: int, columns: int, truncation: float = 0.0, batch_size: int = 16) -> np.ndarray:
        """Make the same latent vectors of every class, so that what differs in a column is the class.

        Args:
            seed: Of the columns.
            columns: Pictures of each class.
            truncation: See `draw_latents`.
            batch_size: Pictures per forward pass.

        Returns:
            (classes, columns, S, S, 3) uint8; one row if the model is unconditional.
        """
        rows = self.facts.classes or (self.facts.labels,)
        return np.stack([self.sample(seed, range(columns), labels, truncation, batch_size) for labels in rows])

    def _in_batches(self, latents: torch.Tensor, labels: Sequence[str], size: int) -> np.ndarray:
        starts = range(0, len(latents), size)
        return np.concatenate([self(latents[start : start + size], labels[start : start + size]) for start in starts])


def _open_generator(checkpoint: Checkpoint, device: torch.device, how: Denoising) -> Generator:
    """Load what makes pictures: a DCGAN's generator at once, a diffusion model step by step."""
    if not how.sampling_steps:
        return load_network(checkpoint, "generator", device)
    from leafcore.diffusion import DiffusionGenerator  # loads diffusers, which takes seconds

    process = checkpoint.card.description["process"]
    return DiffusionGenerator(load_network(checkpoint, "denoiser", device), process, how)
