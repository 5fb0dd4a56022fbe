"""What a denoiser is taught, and how much each timestep counts."""

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_snr


def target_of(
    scheduler: DDPMScheduler, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
) -> torch.Tensor:
    """Return what the U-Net should say: the noise (Ho et al. 2020, eq. 14), or the velocity.

    Velocity is sqrt(a) * noise - sqrt(1 - a) * latents (Salimans & Ho 2022, arXiv 2202.00512, section 4).

    Args:
        scheduler: Its config says which.
        latents: (N, C, H, W), without noise.
        noise: The same, standard normal.
        timesteps: (N,) int64.
    """
    if scheduler.config.prediction_type == "v_prediction":
        velocity: torch.Tensor = scheduler.get_velocity(latents, noise, timesteps)
        return velocity
    return noise


def noise_of(
    scheduler: DDPMScheduler, output: torch.Tensor, noisy: torch.Tensor, timesteps: torch.Tensor
) -> torch.Tensor:
    """Return the noise that a U-Net's output says: the output itself, or sqrt(a) * velocity + sqrt(1 - a) * noisy."""
    if scheduler.config.prediction_type != "v_prediction":
        return output
    kept: torch.Tensor = scheduler.alphas_cumprod.to(output.device)[timesteps].view(-1, 1, 1, 1)
    return kept.sqrt() * output + (1 - kept).sqrt() * noisy


def denoising_loss(
    scheduler: DDPMScheduler,
    output: torch.Tensor,
    target: torch.Tensor,
    timesteps: torch.Tensor,
    min_snr: float = 0.0,
) -> torch.Tensor:
    """Return the mean squared error (Ho et al. 2020, eq. 14), weighted by min-SNR if asked for.

    Args:
        scheduler: How noise was added.
        output: (N, C, H, W) float32, what the U-Net says.
        target: The same, see `target_of`.
        timesteps: (N,) int64.
        min_snr: The ratio at which the weight is clamped (gamma of Hang et al. 2023, arXiv 2303.09556, eq. 5); 0: all
            timesteps alike.
    """
    errors = F.mse_loss(output, target, reduction="none").mean(dim=(1, 2, 3))
    if min_snr:
        ratio = compute_snr(scheduler, timesteps)
        is_velocity = scheduler.config.prediction_type == "v_prediction"
        errors = errors * ratio.clamp(max=min_snr) / (ratio + 1 if is_velocity else ratio)
    return errors.mean()
