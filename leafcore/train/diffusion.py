"""A diffusion model of a dataset's own pictures, trained from nothing (Ho et al. 2020, arXiv 2006.11239).

Pictures are noised to a random level, and a network learns to tell the noise or the velocity (Salimans and Ho 2022,
arXiv 2202.00512). With classes, some pictures' are not told, so that sampling can be guided (Ho and Salimans 2022,
arXiv 2207.12598).
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel

from leafcore.denoising import AUTO_GUIDANCE, Denoising, nearest_steps
from leafcore.diffusion import DiffusionGenerator, diffusion_process, process_settings
from leafcore.images import to_uint8
from leafcore.nets import build
from leafcore.progress import Progress
from leafcore.train.averaging import averaged
from leafcore.train.device import autocast, fit_device
from leafcore.train.diffusion_config import DiffusionConfig
from leafcore.train.noise_data import ClassPictures, class_pictures
from leafcore.train.recipe import Losses, Preview, Recipe
from leafcore.workspace import Workspace

PROBE_SEED = 0  # of the noise that previews begin with: that of every run alike, so that runs compare
PREVIEW_STEPS = 10  # of DPM-Solver

Batch = tuple[torch.Tensor, torch.Tensor]  # (N, 3, S, S) float32 in [-1, 1], and (N,) int64 classes


class Diffusion(Recipe):
    """Learns what is noise in noisy pictures: `denoiser` tells it.

    Args:
        config: Its settings.
        pictures: What it learns from.
        labels: The label sets that the pictures are of, in the order of their classes.
        device: Where to compute.
    """

    config: DiffusionConfig
    exported = ("denoiser",)

    def __init__(
        self, config: DiffusionConfig, pictures: ClassPictures, labels: tuple[str, ...], device: torch.device
    ) -> None:
        self.config, self.pictures, self.labels, self.device = config, pictures, labels, device
        self.classes = labels if config.conditional != "none" else ()
        self.generator = pictures.generator
        steps = math.ceil(len(pictures) / config.batch_size)
        self.steps_per_epoch = min(steps, config.max_steps_per_epoch or steps)
        self.seen = {"generator": pictures.seen}
        self._follow(process_settings(config.model_dump()))
        self.denoiser = fit_device(build(self.describe()["nets"]["denoiser"]), device, config)
        self.nets = {"denoiser": self.denoiser}
        self.optimizer = torch.optim.AdamW(
            self.denoiser.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.averaged: AveragedModel | None = None
        self.stateful = {"optimizer": self.optimizer, "stream": pictures.stream}
        if config.ema_decay:
            self.averaged = averaged(self.denoiser, config.ema_decay)
            self.stateful["averaged_denoiser"] = self.averaged
        self.probes = torch.randn(config.samples, self.latent, generator=torch.Generator().manual_seed(PROBE_SEED))

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "Diffusion":
        """Load the train pictures; see `Recipe.from_config`."""
        pictures, labels = class_pictures(config, workspace, progress)
        return cls(config, pictures, labels, device)

    def _follow(self, said: dict[str, Any]) -> None:
        """Noise pictures by a process from now on; see `process_settings`."""
        self.said, self.process = said, diffusion_process(said)

    # --- training --------------------------------------------------------------------------------------------------

    def next_batch(self) -> Batch:
        """Return pictures and their classes."""
        return self.pictures.take(self.config.batch_size, self.device)

    def step(self, batch: Batch) -> Losses:
        """Update the network once; see `Recipe.step`."""
        images, classes = batch
        timesteps, noise = self._draw(images)
        noisy, target = self._noised(images, noise, timesteps)
        with autocast(self.device, self.config.precision):
            told = self.denoiser(noisy, timesteps, self._told_classes(classes))
        errors = F.mse_loss(told.float(), target, reduction="none").mean(dim=(1, 2, 3))
        self.optimizer.zero_grad(set_to_none=True)
        (self._weights(timesteps) * errors).mean().backward()
        if self.config.max_gradient:
            nn.utils.clip_grad_norm_(self.denoiser.parameters(), self.config.max_gradient)
        self.optimizer.step()
        if self.averaged:
            self.averaged.update_parameters(self.denoiser)
        return {"denoising": errors.mean().detach()}

    def _draw(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a timestep and noise for each picture: (N,) int64 and (N, 3, S, S) float32."""
        timesteps = torch.randint(self.config.timesteps, (len(images),), generator=self.generator)
        noise = torch.randn(images.shape, generator=self.generator)
        return timesteps.to(self.device), noise.to(self.device)

    def _noised(
        self, images: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return noisy pictures (Ho et al. 2020, eq. 4), and what the network is to tell of them."""
        noisy = self.process.add_noise(images, noise, timesteps)
        if self.config.prediction == "epsilon":
            return noisy, noise
        return noisy, self.process.get_velocity(images, noise, timesteps)  # Salimans and Ho 2022, appendix D

    def _told_classes(self, classes: torch.Tensor) -> torch.Tensor | None:
        """Return the classes, some of them replaced by the null class (Ho and Salimans 2022, algorithm 1)."""
        if not self.classes:
            return None
        untold = torch.rand(len(classes), generator=self.generator) < self.config.class_dropout
        return classes.masked_fill(untold.to(self.device), len(self.classes))

    def _weights(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Return what each picture's error counts: min(SNR, gamma) of that of the picture (Hang et al. 2023, eq. 9)."""
        gamma = self.config.snr_gamma
        kept: torch.Tensor = self.process.alphas_cumprod.to(self.device)[timesteps]
        snr = kept / (1 - kept)
        if not gamma:
            return torch.ones_like(snr)
        return snr.clamp(max=gamma) / (snr if self.config.prediction == "epsilon" else snr + 1)

    # --- looking ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def preview(self) -> Preview:
        """Make pictures of the same noise each time, a row per class; see `Recipe.preview`."""
        network = self.export()["denoiser"]
        was_training = network.training
        network.eval()
        steps = nearest_steps("dpm-solver", PREVIEW_STEPS, self.config.timesteps)
        how = Denoising(AUTO_GUIDANCE if self.classes else 0.0, "dpm-solver", steps)
        generate = DiffusionGenerator(network, self.said, how)
        probes, pictures = self.probes.to(self.device), []
        for number in range(max(1, len(self.classes))):
            classes = torch.full((len(probes),), number, device=self.device) if self.classes else None
            pictures.append(list(to_uint8(generate(probes, classes))))
        network.train(was_training)
        columns = tuple(f"sample {number}" for number in range(1, len(probes) + 1))
        return Preview(columns, [{"labels": labels} for labels in self.classes or (self.one_label,)], pictures)

    @property
    def one_label(self) -> str:
        """The label set that all its pictures are of; empty if there are several."""
        return self.labels[0] if len(self.labels) == 1 else ""

    @property
    def latent(self) -> int:
        """How many numbers the noise of a picture has."""
        return 3 * self.config.size_px**2

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        config = self.config
        args = {name: getattr(config, name) for name in ("size_px", "filters", "levels", "blocks", "patch")}
        return {
            "recipe": "diffusion",
            "dataset": config.dataset,
            "size_px": config.size_px,
            "latent": self.latent,
            "classes": list(self.classes),
            "labels": self.one_label,
            "process": self.said,
            "nets": {"denoiser": {"type": "denoiser", "args": {**args, "classes": len(self.classes)}}},
        }

    def export(self) -> dict[str, nn.Module]:
        """Return the network, or its moving average if the config asks for it; see `Recipe.export`."""
        return {"denoiser": self.averaged.module} if self.averaged else super().export()

    def state_dict(self) -> dict[str, Any]:
        """See `Recipe.state_dict`."""
        return {**super().state_dict(), "process": self.said}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state, one from before linear schedules were scaled without that; see `Recipe`."""
        super().load_state_dict(state)
        before = state.get("process", {"schedule": "linear"})
        if before["schedule"] == "linear" and "beta_start" not in before:
            self._follow({name: value for name, value in self.said.items() if not name.startswith("beta_")})
