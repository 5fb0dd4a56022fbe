"""Making pictures with a diffusion model: noise is taken away step by step, towards a class if asked to.

With samplers that draw nothing on the way, a picture is a function of the noise that it begins with, as a GAN's is of
its latent vector; so whatever latent vectors can do, seeds, ways between two, a grid of classes, this noise can too.
"""

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from torch import nn

from leafcore.denoising import Denoising
from leafcore.images import require_finite

SCHEDULES = {"cosine": "squaredcos_cap_v2", "linear": "linear"}
PREDICTIONS = {"v": "v_prediction", "epsilon": "epsilon"}
LOWEST_LOG_SNR = -5.1  # half of it; below, a cosine is all but pure noise (Lu et al. 2022, arXiv 2211.01095, app. D)


def process_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint says of its process: `timesteps`, `schedule` and `prediction`, as a config has them.

    A linear schedule also has `beta_start` and `beta_end`: those of Ho et al. at 1000 levels, else scaled so that the
    last level is noise (as Nichol and Dhariwal 2021, arXiv 2102.09672, have it in their code).
    """
    said = {name: config[name] for name in ("timesteps", "schedule", "prediction")}
    if said["schedule"] == "linear":
        said |= {"beta_start": 0.1 / said["timesteps"], "beta_end": min(20 / said["timesteps"], 0.999)}
    return said


def diffusion_process(said: Mapping[str, Any]) -> DDPMScheduler:
    """Return the process by which pictures turn into noise (Ho et al. 2020, eq. 4).

    Args:
        said: See `process_settings`; without betas, as older checkpoints are, a linear schedule has those of 1000
            levels, however many there are.
    """
    return DDPMScheduler(**_arguments(said))


def _arguments(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all schedulers of diffusers are told."""
    betas = {name: float(said[name]) for name in ("beta_start", "beta_end") if name in said}
    return betas | {
        "num_train_timesteps": int(said["timesteps"]),
        "beta_schedule": SCHEDULES[said["schedule"]],
        "prediction_type": PREDICTIONS[said["prediction"]],
    }


class DiffusionGenerator:
    """Makes pictures of noise, as a generator makes them of latent vectors.

    Args:
        denoiser: The network, in eval mode.
        said: The process, see `diffusion_process`.
        how: How noise is taken away.
    """

    def __init__(self, denoiser: nn.Module, said: Mapping[str, Any], how: Denoising) -> None:
        self._denoiser, self._said, self._how = denoiser, said, how

    def __call__(self, latents: torch.Tensor, classes: torch.Tensor | None = None) -> torch.Tensor:
        """Make pictures.

        Args:
            latents: (N, 3 * S * S) float32, standard normal.
            classes: (N,) int64; None without classes.

        Returns:
            (N, 3, S, S) float32 in [-1, 1].

        Raises:
            RunError: The network told what is no number.
        """
        scheduler = self._scheduler()
        scheduler.set_timesteps(self._how.sampling_steps, device=latents.device)
        side = round((latents.shape[1] / 3) ** 0.5)
        x = latents.view(-1, 3, side, side) * scheduler.init_noise_sigma
        for timestep in scheduler.timesteps:
            x = scheduler.step(self._predict(x, timestep, classes), timestep, x).prev_sample
        return require_finite(x).clamp(-1, 1)

    def _scheduler(self) -> Any:
        """Return a sampler that clips its guess of the picture to [-1, 1] and draws nothing."""
        if self._how.sampler == "ddim":  # Song et al. 2021, arXiv 2010.02502, eq. 12 with sigma = 0
            return DDIMScheduler(**_arguments(self._said), timestep_spacing="trailing", clip_sample=True)
        return DPMSolverMultistepScheduler(  # DPM-Solver++(2M): Lu et al. 2022, arXiv 2211.01095, algorithm 2
            **_arguments(self._said), lambda_min_clipped=LOWEST_LOG_SNR, thresholding=True, sample_max_value=1.0
        )

    def _predict(self, x: torch.Tensor, timestep: torch.Tensor, classes: torch.Tensor | None) -> torch.Tensor:
        """Ask the network, towards the classes if there are any (Ho and Salimans 2022, eq. 6, their w = guidance - 1).

        The velocity is linear in the noise, so that either can be combined.
        """
        wanted: torch.Tensor = self._denoiser(x, timestep, classes)
        if classes is None or self._how.guidance == 1:
            return wanted
        free: torch.Tensor = self._denoiser(x, timestep, None)
        return free + self._how.guidance * (wanted - free)
