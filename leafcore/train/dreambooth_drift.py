"""How far a model has drifted from the untouched base, prompt by prompt.

Drift is the mean squared difference between the noise that both predict, in the same latents at the same timesteps: 0
before training, and about 1 for predictions that have nothing to do with each other. The latents are those of a picture
that the base drew of the prompt, so that it is asked about what it would have drawn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from leafcore.train.dreambooth_base import Sampling, StableDiffusion
from leafcore.train.dreambooth_losses import noise_of

DRIFT_SEED = 0  # of noise and drawings: those of every run alike, so that runs compare
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the timesteps, as a share of all


@dataclass(frozen=True)
class DriftProbe:
    """What is asked of one prompt.

    Attributes:
        prompt: The prompt.
        drawn: (1, C, H, W), the latents of what the base draws of it.
        noisy: (T, C, H, W), these with noise.
        timesteps: (T,) int64, how much.
        untouched: (T, C, H, W), the noise that the base predicts.
    """

    prompt: str
    drawn: torch.Tensor
    noisy: torch.Tensor
    timesteps: torch.Tensor
    untouched: torch.Tensor


def drift_probes(
    base: StableDiffusion, prompts: Sequence[str], *, size_px: int, sampling: Sampling
) -> list[DriftProbe]:
    """Ask the untouched base about prompts.

    Args:
        base: Before anything about it is changed.
        prompts: What to ask about.
        size_px: The side of what it draws.
        sampling: How it draws that.
    """
    timesteps = torch.tensor([round(level * (base.steps - 1)) for level in LEVELS], device=base.device)
    probes = []
    for prompt in prompts:
        drawn = base.draw(prompt, [DRIFT_SEED], size_px=size_px, sampling=sampling)
        noise = torch.randn((len(LEVELS), *drawn.shape[1:]), generator=torch.Generator().manual_seed(DRIFT_SEED))
        noisy = base.scheduler.add_noise(drawn.expand(len(LEVELS), -1, -1, -1), noise.to(base.device), timesteps)
        untouched = _predicted(base, prompt, noisy, timesteps)
        probes.append(DriftProbe(prompt, drawn, noisy, timesteps, untouched))
    return probes


def drift_of(model: StableDiffusion, probe: DriftProbe) -> float:
    """Return how far the model has drifted at a prompt: a mean squared difference, at least 0."""
    now = _predicted(model, probe.prompt, probe.noisy, probe.timesteps)
    return float((now - probe.untouched).square().mean())


@torch.no_grad()
def _predicted(model: StableDiffusion, prompt: str, noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """Return the predicted noise, level by level: no more memory than a step of one picture."""
    embedded = model.embed(model.tokens([prompt]))
    parts = [
        noise_of(model.scheduler, model.predict(one, at, embedded), one, at)
        for one, at in zip(noisy.split(1), timesteps.split(1), strict=True)
    ]
    return torch.cat(parts)


def scalar_name(prompt: str) -> str:
    """Return what a prompt's drift is called among a run's scalars.

    >>> scalar_name("a photo of a dog")
    'drift_a_photo_of_a_dog'
    """
    return "drift_" + re.sub(r"\W+", "_", prompt.lower()).strip("_")
