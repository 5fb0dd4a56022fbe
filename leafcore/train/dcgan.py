"""DCGAN: pictures of noise (Radford, Metz, Chintala 2016, arXiv 1511.06434).

As published: binary cross-entropy, one step of the discriminator for one of the generator, real and fake in batches of
their own, so that each is normalised by itself. By setting a critic with gradient penalty (WGAN-GP: Gulrajani et al.
2017, arXiv 1704.00028), classes by projection or by an auxiliary classifier, spectral normalisation, DiffAugment, and a
moving average of the generator.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel

from leafcore.images import to_uint8
from leafcore.nets import build
from leafcore.nets.dcgan_discriminator import Judgement
from leafcore.progress import Progress
from leafcore.train.averaging import warmed_up
from leafcore.train.configs import DCGANConfig
from leafcore.train.dcgan_losses import gradient_penalty, says
from leafcore.train.device import autocast, fit_device
from leafcore.train.diffaug import diff_augment
from leafcore.train.noise_data import ClassPictures, class_pictures
from leafcore.train.recipe import Losses, Preview, Recipe
from leafcore.workspace import Workspace

PROBE_SEED = 0  # of the latent vectors that previews show: those of every run alike, so that runs compare


@dataclass(frozen=True)
class RealBatch:
    """Pictures and their classes.

    Attributes:
        images: (N, 3, S, S) float32 in [-1, 1].
        classes: (N,) int64.
    """

    images: torch.Tensor
    classes: torch.Tensor


class DCGAN(Recipe):
    """Learns to make pictures of standard normal vectors: `generator` makes them, `discriminator` judges.

    Args:
        config: Its settings.
        pictures: What it learns from.
        labels: The label sets that the pictures are of, in the order of their classes.
        device: Where to compute.
    """

    config: DCGANConfig
    exported = ("generator",)

    def __init__(
        self, config: DCGANConfig, pictures: ClassPictures, labels: tuple[str, ...], device: torch.device
    ) -> None:
        self.config, self.pictures, self.labels, self.device = config, pictures, labels, device
        self.classes = labels if config.conditional != "none" else ()
        self.generator = pictures.generator
        self.is_critic = config.loss == "wgan-gp"
        self.judgings = config.critic_steps if self.is_critic else 1
        steps = math.ceil(len(pictures) / (config.batch_size * self.judgings))
        self.steps_per_epoch = min(steps, config.max_steps_per_epoch or steps)
        self.seen = {"generator": pictures.seen}
        self._build_networks()
        self._build_optimizers()
        count = config.samples * max(1, len(self.classes))
        self.probes = torch.randn(count, config.latent, generator=torch.Generator().manual_seed(PROBE_SEED))

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "DCGAN":
        """Load the train pictures; see `Recipe.from_config`."""
        pictures, labels = class_pictures(config, workspace, progress)
        return cls(config, pictures, labels, device)

    def _build_networks(self) -> None:
        config = self.config
        judge: dict[str, Any] = {"size_px": config.size_px, "filters": config.disc_filters}
        judge |= {"classes": len(self.classes), "auxiliary": config.conditional == "acgan"}
        judge |= {"batch_norm": not (self.is_critic or config.spectral_norm), "spectral_norm": config.spectral_norm}
        described = {**self.describe()["nets"], "discriminator": {"type": "dcgan_discriminator", "args": judge}}
        self.nets = {name: fit_device(build(what), self.device, config) for name, what in described.items()}
        self.gen, self.disc = self.nets["generator"], self.nets["discriminator"]
        self.averaged: AveragedModel | None = None
        if config.ema_decay:  # of the running statistics too: they belong to the averaged weights
            average = warmed_up(config.ema_decay)
            self.averaged = AveragedModel(self.gen, multi_avg_fn=average, use_buffers=True)

    def _build_optimizers(self) -> None:
        self.optimizer_gen, self.optimizer_disc = self._adam(self.gen), self._adam(self.disc)
        self.stateful = {
            "optimizer_gen": self.optimizer_gen,
            "optimizer_disc": self.optimizer_disc,
            "stream": self.pictures.stream,
            **({"averaged_generator": self.averaged} if self.averaged else {}),
        }

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        betas = (self.config.beta1, self.config.beta2)
        return torch.optim.Adam(network.parameters(), self.config.learning_rate, betas=betas, fused=True)

    # --- training --------------------------------------------------------------------------------------------------

    def next_batch(self) -> list[RealBatch]:
        """Return real pictures for each of the discriminator's steps."""
        size = self.config.batch_size
        return [RealBatch(*self.pictures.take(size, self.device)) for _ in range(self.judgings)]

    def step(self, batch: list[RealBatch]) -> Losses:
        """Update the discriminator, once per batch, then the generator once; see `Recipe.step`."""
        losses: Losses = {}
        for real in batch:
            with torch.set_grad_enabled(real is batch[-1]):  # the generator learns from the last fakes only
                fake = self._make(real.classes)
            losses = self._step_critic(real, fake) if self.is_critic else self._step_discriminator(real, fake)
        losses |= self._step_generator(fake, batch[-1].classes)
        return {name: loss.detach() for name, loss in losses.items()}

    def _make(self, classes: torch.Tensor) -> torch.Tensor:
        """Return a fake for each class, (N, 3, S, S) float32."""
        z = torch.randn(len(classes), self.config.latent, generator=self.generator).to(self.device)
        with autocast(self.device, self.config.precision):
            fake: torch.Tensor = self.gen(z, classes if self.classes else None)
        return fake.float()

    def _judge(self, images: torch.Tensor, classes: torch.Tensor) -> Judgement:
        """Return what the discriminator says of pictures, augmented if the config asks for it."""
        seen = diff_augment(images, self.generator) if self.config.diffaug else images
        with autocast(self.device, self.config.precision):
            judgement: Judgement = self.disc(seen, classes)
        return judgement

    def _step_discriminator(self, real: RealBatch, fake: torch.Tensor) -> Losses:
        """Learn to tell real from fake."""
        self.optimizer_disc.zero_grad(set_to_none=True)
        of_real, of_fake = self._judge(real.images, real.classes), self._judge(fake.detach(), real.classes)
        losses = {"disc": says(of_real.scores, self.config.real_label) + says(of_fake.scores, 0.0)}
        losses |= self._class_losses(real.classes, real=of_real, fake=of_fake)
        self._descend(losses, self.optimizer_disc)
        told = {name: of.scores.float().sigmoid().mean() for name, of in (("real", of_real), ("fake", of_fake))}
        return losses | {f"probability_{name}": value for name, value in told.items()}

    def _step_critic(self, real: RealBatch, fake: torch.Tensor) -> Losses:
        """Learn to score real above fake by as much as gradients of length 1 allow (WGAN-GP, algorithm 1)."""
        fake = fake.detach()
        self.optimizer_disc.zero_grad(set_to_none=True)
        of_real, of_fake = self._judge(real.images, real.classes), self._judge(fake, real.classes)
        mix = torch.rand(len(fake), generator=self.generator).to(self.device)
        penalty, norm = gradient_penalty(lambda x: self.disc(x, real.classes).scores, real.images, fake, mix)
        losses = {
            "disc": of_fake.scores.float().mean() - of_real.scores.float().mean(),
            "gradient_penalty": penalty,
            **self._class_losses(real.classes, real=of_real, fake=of_fake),
        }
        self._descend(losses, self.optimizer_disc)
        return losses | {"gradient_norm": norm}

    def _step_generator(self, fake: torch.Tensor, classes: torch.Tensor) -> Losses:
        """Learn to fool the discriminator as it is now, with the fakes that it was just taught on."""
        self.disc.requires_grad_(False)
        self.optimizer_gen.zero_grad(set_to_none=True)
        judged = self._judge(fake, classes)
        fooling = -judged.scores.float().mean() if self.is_critic else says(judged.scores, 1.0)
        losses = {"adversarial": fooling, **self._class_losses(classes, made=judged)}
        self._descend(losses, self.optimizer_gen)
        self.disc.requires_grad_(True)
        if self.averaged:
            self.averaged.update_parameters(self.gen)
        return losses

    def _class_losses(self, classes: torch.Tensor, **judged: Judgement) -> Losses:
        """Return how badly an auxiliary classifier tells the classes (ACGAN, Odena et al. 2017, eq. 3)."""
        return {
            f"class_{name}": F.cross_entropy(judgement.class_logits.float(), classes)
            for name, judgement in judged.items()
            if judgement.class_logits is not None
        }

    def _descend(self, losses: Losses, optimizer: torch.optim.Optimizer) -> None:
        torch.stack([self._weight(name) * loss for name, loss in losses.items()]).sum().backward()
        optimizer.step()

    def _weight(self, loss: str) -> float:
        if loss == "gradient_penalty":
            return self.config.weight_penalty
        return self.config.weight_class if loss.startswith("class_") else 1.0

    # --- looking ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def preview(self) -> Preview:
        """Make pictures of the same latent vectors each time, a row per class; see `Recipe.preview`."""
        network = self.export()["generator"]
        was_training = network.training
        network.eval()
        rows, count = self.classes or (self.one_label,), self.config.samples
        classes = torch.arange(len(rows)).repeat_interleave(count).to(self.device)
        made = to_uint8(network(self.probes.to(self.device), classes if self.classes else None))
        network.train(was_training)
        pictures = [list(made[start : start + count]) for start in range(0, len(made), count)]
        columns = tuple(f"sample {number}" for number in range(1, count + 1))
        return Preview(columns, [{"labels": labels} for labels in rows], pictures)

    @property
    def one_label(self) -> str:
        """The label set that all its pictures are of; empty if there are several."""
        return self.labels[0] if len(self.labels) == 1 else ""

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        config = self.config
        args = {"latent": config.latent, "size_px": config.size_px, "filters": config.filters}
        return {
            "recipe": "dcgan",
            "dataset": config.dataset,
            "size_px": config.size_px,
            "latent": config.latent,
            "classes": list(self.classes),
            "labels": self.one_label,
            "nets": {"generator": {"type": "dcgan_generator", "args": {**args, "classes": len(self.classes)}}},
        }

    def export(self) -> dict[str, nn.Module]:
        """Return the generator, or its moving average if the config asks for it; see `Recipe.export`."""
        return {"generator": self.averaged.module} if self.averaged else super().export()
