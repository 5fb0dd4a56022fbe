"""Stable Diffusion in parts: load it, encode pictures and prompts, predict noise, draw."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from leafcore.base_models import require_layout
from leafcore.denoising import PROMPT_GUIDANCE, PROMPT_STEPS
from leafcore.errors import CheckpointError, ConfigError
from leafcore.images import require_finite, to_uint8
from leafcore.train.configs import Precision
from leafcore.train.device import autocast
from leafcore.train.dreambooth_config import Sampler

NETWORKS = ("unet", "text_encoder", "vae")
PREDICTIONS = ("epsilon", "v_prediction")  # the noise, or the velocity; see `dreambooth_losses.target_of`
SOLVERS: dict[str, Any] = {
    "auto": DPMSolverMultistepScheduler,
    "dpm-solver": DPMSolverMultistepScheduler,  # Lu et al. 2022, arXiv 2211.01095
    "ddim": DDIMScheduler,  # Song et al. 2021, arXiv 2010.02502
}


@dataclass(frozen=True)
class Sampling:
    """How a picture is drawn.

    Attributes:
        steps: Denoising steps.
        guidance: Of classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598); 1 or less: without.
        negative: What is not wanted, in words.
        sampler: Which solver takes the steps.
    """

    steps: int = PROMPT_STEPS
    guidance: float = PROMPT_GUIDANCE
    negative: str = ""
    sampler: Sampler = "auto"


@dataclass
class StableDiffusion:
    """The parts of a Stable Diffusion, on one device.

    Attributes:
        unet: Predicts noise, or velocity, of noisy latents.
        vae: Between pictures and latents.
        text_encoder: Embeds prompts.
        tokenizer: Cuts prompts into tokens.
        scheduler: How noise is added; says what the U-Net predicts.
        device: Where the networks are.
        precision: How they compute.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDPMScheduler
    device: torch.device
    precision: Precision = "fp32"

    @property
    def factor(self) -> int:
        """How many pixels of a picture's side are one of its latents'."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def native_px(self) -> int:
        """The side of the pictures that the U-Net was trained on; 0 if it does not say."""
        side = self.unet.config.sample_size
        return side * self.factor if isinstance(side, int) else 0

    @property
    def steps(self) -> int:
        """How many timesteps noise is added over."""
        return int(self.scheduler.config.num_train_timesteps)

    def require_size(self, size_px: int) -> None:
        """Refuse pictures that the networks cannot halve often enough.

        Raises:
            ConfigError: The side is no multiple of what they need.
        """
        needed = self.factor * 2 ** (len(self.unet.config.block_out_channels) - 1)
        if size_px % needed:
            raise ConfigError(f"size_px: got {size_px}, expected a multiple of {needed} px for this base.")

    def tokens(self, prompts: Sequence[str]) -> torch.Tensor:
        """Return (N, L) int64 tokens; what is longer than the text encoder reads is cut."""
        taken = self.tokenizer(
            list(prompts), padding="max_length", max_length=self.tokenizer.model_max_length, truncation=True,
            return_tensors="pt",
        )  # fmt: skip
        tokens: torch.Tensor = taken.input_ids
        return tokens

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return (N, L, D), what the U-Net attends to."""
        with autocast(self.device, self.precision):
            embedded: torch.Tensor = self.text_encoder(tokens.to(self.device))[0]
        return embedded

    @torch.no_grad()
    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latents of pictures as the VAE sees them: normal distributions.

        Args:
            images: (N, 3, S, S) float32 in [-1, 1].

        Returns:
            Means and standard deviations, each (N, C, S / factor, S / factor) float32 on the CPU, in the U-Net's scale.
        """
        with autocast(self.device, self.precision):
            seen = self.vae.encode(images.to(self.device)).latent_dist
        scale = self.vae.config.scaling_factor
        return (seen.mean.float() * scale).cpu(), (seen.std.float() * scale).cpu()

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Return the pictures of latents: (N, S, S, 3) uint8.

        Raises:
            RunError: The networks told what is no number.
        """
        with autocast(self.device, self.precision):
            images = self.vae.decode(latents.to(self.device) / self.vae.config.scaling_factor).sample
        return to_uint8(require_finite(images.float()).clamp(-1, 1))

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
        """Return what the U-Net says of noisy latents: their noise or their velocity, (N, C, H, W) float32."""
        with autocast(self.device, self.precision):
            output: torch.Tensor = self.unet(noisy, timesteps, embedded).sample
        return output.float()

    def pipeline(self, sampler: Sampler = "auto") -> StableDiffusionPipeline:
        """Return the parts as diffusers' own pipeline."""
        solver = SOLVERS[sampler].from_config(self.scheduler.config)
        pipeline = StableDiffusionPipeline(
            self.vae, self.text_encoder, self.tokenizer, self.unet, solver, None, None, requires_safety_checker=False
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    @torch.no_grad()
    def draw(self, prompt: str, seeds: Sequence[int], *, size_px: int, sampling: Sampling) -> torch.Tensor:
        """Draw a prompt, once by each seed.

        Returns:
            Latents, (N, C, H, W) float32: the same for a seed whatever the device and the others, up to rounding.
        """
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        with autocast(self.device, self.precision):
            drawn = self.pipeline(sampling.sampler)(
                [prompt] * len(seeds), negative_prompt=[sampling.negative] * len(seeds), height=size_px, width=size_px,
                num_inference_steps=sampling.steps, guidance_scale=sampling.guidance, generator=generators,
                output_type="latent",
            )  # fmt: skip
        latents: torch.Tensor = drawn.images.float()
        return latents


def load_stable_diffusion(
    folder: Path, device: torch.device, precision: Precision = "fp32", *, frozen: torch.dtype = torch.float32
) -> StableDiffusion:
    """Load a Stable Diffusion, its weights frozen.

    Args:
        folder: In the layout of diffusers' `StableDiffusionPipeline`.
        device: Where to compute.
        precision: How.
        frozen: In what the weights of U-Net and text encoder are held.

    Raises:
        CheckpointError: A part is missing, damaged, or of another kind of model; the message names it.
    """
    require_layout(folder)
    loaders: dict[str, Any] = {
        "scheduler": DDPMScheduler, "tokenizer": CLIPTokenizer, "text_encoder": CLIPTextModel, "vae": AutoencoderKL,
        "unet": UNet2DConditionModel,
    }  # fmt: skip
    parts: dict[str, Any] = {}
    with _quiet():
        for name, loader in loaders.items():
            try:
                dtype = {"torch_dtype": frozen if name != "vae" else torch.float32} if name in NETWORKS else {}
                parts[name] = loader.from_pretrained(folder, subfolder=name, local_files_only=True, **dtype)
            except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
                reason = str(error).strip().partition("\n")[0][:160] or type(error).__name__
                raise CheckpointError(
                    f"base: {folder / name}: cannot be read ({reason}); fetch this part of the base again."
                ) from None
    for name in NETWORKS:
        parts[name] = parts[name].to(device).requires_grad_(False)
    _require_fitting(folder, parts)
    return StableDiffusion(**parts, device=device, precision=precision)


def _require_fitting(folder: Path, parts: dict[str, Any]) -> None:
    """Refuse parts that do not belong together, and models that tell neither noise nor velocity."""
    unet, width = parts["unet"].config, parts["text_encoder"].config.hidden_size
    if unet.cross_attention_dim != width:
        raise CheckpointError(
            f"base: {folder}: its U-Net attends to {unet.cross_attention_dim} numbers a word, its text encoder gives "
            f"{width}; expected Stable Diffusion 1.x or 2.x."
        )
    prediction = parts["scheduler"].config.prediction_type
    if prediction not in PREDICTIONS:
        raise CheckpointError(
            f"base: {folder / 'scheduler'}: its U-Net predicts {prediction!r}, expected {' or '.join(PREDICTIONS)}; "
            "another kind of prediction is not taught here."
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Load without the libraries' progress bars: a run has its own."""
    was_on = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            transformers_logging.enable_progress_bar()
