"""CycleGAN: unpaired translation with cycle consistency (Zhu, Park, Isola, Efros 2017, arXiv 1703.10593).

Every call that instance normalisation makes independent of its batch is batched: four generator calls a step instead of
six, two discriminator calls instead of four for the discriminators' update. The losses are the same.
"""

import math
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from leafcore.data.seen import merge
from leafcore.images import to_uint8
from leafcore.nets import build
from leafcore.progress import Progress
from leafcore.train.averaging import averaged
from leafcore.train.configs import TranslationConfig
from leafcore.train.device import autocast, fit_device
from leafcore.train.image_pool import ImagePool
from leafcore.train.losses import adversarial_loss, cycle_loss, identity_loss, leaf_change
from leafcore.train.recipe import Losses, Preview, Recipe
from leafcore.train.translation_data import Batch, Domain, UnpairedData, unpaired_data
from leafcore.train.translation_start import start_translation
from leafcore.workspace import Workspace


class CycleGAN(Recipe):
    """Translates whole pictures between two label sets, background included.

    `gen_ab` and `gen_ba` translate; `disc_a` and `disc_b` judge pictures *of* that domain.
    """

    config: TranslationConfig
    exported = ("gen_ab", "gen_ba")
    origin: dict[str, Any] | None = None  # what it started from, if not from chance

    def __init__(self, config: TranslationConfig, data: UnpairedData, device: torch.device) -> None:
        self.config, self.data, self.device = config, data, device
        self.generator = data.generator
        steps = math.ceil(len(data) / config.batch_size)
        self.steps_per_epoch = min(steps, config.max_steps_per_epoch or steps)
        self.seen = {"generator": data.seen, "probe": data.probed}
        self._build_networks()
        self._build_optimizers()

    columns: ClassVar[tuple[str, ...]] = ("input", "fake", "reconstruction", "identity")

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "CycleGAN":
        """Load both domains; see `Recipe.from_config`."""
        return cls(config, unpaired_data(config, workspace, None, progress), device).started(workspace, progress)

    def started(self, workspace: Workspace, progress: Progress) -> Self:
        """Return itself, its networks filled with the weights that `init` names, if it names any."""
        if self.config.init:
            init, described = self.config.init_path or self.config.init, self.describe()["nets"]
            self.origin, seen = start_translation(workspace, init, self.nets, described, progress)
            self.seen = merge(self.seen, seen)
        return self

    def _build_networks(self) -> None:
        descriptions = self.describe()["nets"]
        descriptions |= dict.fromkeys(("disc_a", "disc_b"), describe_discriminator(self.config))
        self.nets = {name: fit_device(build(what), self.device, self.config) for name, what in descriptions.items()}
        self.gen_ab, self.gen_ba = self.nets["gen_ab"], self.nets["gen_ba"]
        self.disc_a, self.disc_b = self.nets["disc_a"], self.nets["disc_b"]
        self.averaged: dict[str, AveragedModel] = {}
        if self.config.ema_decay:
            self.averaged = {name: averaged(self.nets[name], self.config.ema_decay) for name in self.exported}

    def _build_optimizers(self) -> None:
        config = self.config
        self.optimizer_gen = self._adam(self.gen_ab, self.gen_ba)
        self.optimizer_disc = self._adam(self.disc_a, self.disc_b)
        self.schedulers = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate_factor)
            for optimizer in (self.optimizer_gen, self.optimizer_disc)
        ]
        self.pool_a = ImagePool(config.pool_size, self.generator)
        self.pool_b = ImagePool(config.pool_size, self.generator)
        self.stateful = {
            "optimizer_gen": self.optimizer_gen,
            "optimizer_disc": self.optimizer_disc,
            "scheduler_gen": self.schedulers[0],
            "scheduler_disc": self.schedulers[1],
            "pool_a": self.pool_a,
            "pool_b": self.pool_b,
            "stream_a": self.data.stream_a,
            "stream_b": self.data.stream_b,
            **{f"averaged_{name}": network for name, network in self.averaged.items()},
        }

    def _adam(self, *networks: nn.Module) -> torch.optim.Adam:
        parameters = chain.from_iterable(network.parameters() for network in networks)
        return torch.optim.Adam(parameters, self.config.learning_rate, betas=(self.config.beta1, 0.999), fused=True)

    def _rate_factor(self, epochs_done: int) -> float:
        """Return the learning rate's factor: 1 for `epochs`, then falling towards 0 over `epochs_decay`."""
        return 1.0 - max(0, epochs_done + 1 - self.config.epochs) / (self.config.epochs_decay + 1)

    @property
    def epochs(self) -> int:
        """Epochs at the full rate and while it falls."""
        return self.config.all_epochs

    # --- what LeafGAN changes -----------------------------------------------------------------------

    def judged(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return what a discriminator sees of pictures: here, all of them."""
        del mask
        return images

    def background_losses(self, batch: Batch, fake_a: torch.Tensor, fake_b: torch.Tensor) -> Losses:
        """Return losses on what lies outside the leaf, with their weights applied by `weight`; here, none."""
        del batch, fake_a, fake_b
        return {}

    def translated(self, generator: nn.Module, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return what a generator makes of pictures, whose leaves are under the mask: here, all of each is its own."""
        del mask
        out: torch.Tensor = generator(images)
        return out

    # --- training --------------------------------------------------------------------------------------------------

    def next_batch(self) -> Batch:
        """See `Recipe.next_batch`."""
        return self.data.next_batch(self.config.batch_size, self.device)

    def step(self, batch: Batch) -> Losses:
        """Update the generators, then the discriminators; see `Recipe.step`."""
        gen_losses, fake_a, fake_b = self._step_generators(batch)
        losses = gen_losses | self._step_discriminators(batch, fake_a, fake_b)
        changes = {
            "change_ab": leaf_change(fake_b, batch.real_a, batch.mask_a),
            "change_ba": leaf_change(fake_a, batch.real_b, batch.mask_b),
        }
        return {name: value.detach() for name, value in (losses | changes).items()}

    def _step_generators(self, batch: Batch) -> tuple[Losses, torch.Tensor, torch.Tensor]:
        real_a, real_b = batch.real_a, batch.real_b
        _require_grad((self.disc_a, self.disc_b), False)
        self.optimizer_gen.zero_grad(set_to_none=True)
        with autocast(self.device, self.config.precision):
            losses, fake_a, fake_b = self._translate(batch)
            rec_a = self.translated(self.gen_ba, fake_b, batch.mask_a)
            rec_b = self.translated(self.gen_ab, fake_a, batch.mask_b)
            score_a = self.disc_a(self.judged(fake_a, batch.mask_b))
            score_b = self.disc_b(self.judged(fake_b, batch.mask_a))
        losses |= {
            "adversarial_ab": adversarial_loss(score_b, is_real=True),
            "adversarial_ba": adversarial_loss(score_a, is_real=True),
            "cycle_a": cycle_loss(rec_a, real_a),
            "cycle_b": cycle_loss(rec_b, real_b),
        }
        losses |= self.background_losses(batch, fake_a, fake_b)
        torch.stack([self.weight(name) * loss for name, loss in losses.items()]).sum().backward()
        self.optimizer_gen.step()
        for name, network in self.averaged.items():
            network.update_parameters(self.nets[name])
        return losses, fake_a.detach(), fake_b.detach()

    def _translate(self, batch: Batch) -> tuple[Losses, torch.Tensor, torch.Tensor]:
        """Return the identity losses and both fakes; each generator sees both domains in one call."""
        real_a, real_b = batch.real_a, batch.real_b
        if self.config.weight_identity == 0:
            fake_a = self.translated(self.gen_ba, real_b, batch.mask_b)
            return {}, fake_a, self.translated(self.gen_ab, real_a, batch.mask_a)
        both, masks = torch.cat([real_a, real_b]), torch.cat([batch.mask_a, batch.mask_b])
        fake_b, idt_b = self.translated(self.gen_ab, both, masks).chunk(2)
        idt_a, fake_a = self.translated(self.gen_ba, both, masks).chunk(2)
        losses = {"identity_a": identity_loss(idt_a, real_a), "identity_b": identity_loss(idt_b, real_b)}
        return losses, fake_a, fake_b

    def weight(self, loss: str) -> float:
        """Return the weight of a generator loss."""
        weights = {"cycle": self.config.weight_cycle, "identity": self.config.weight_identity}
        return weights.get(loss.split("_")[0], 1.0)

    def _step_discriminators(self, batch: Batch, fake_a: torch.Tensor, fake_b: torch.Tensor) -> Losses:
        _require_grad((self.disc_a, self.disc_b), True)
        self.optimizer_disc.zero_grad(set_to_none=True)
        pooled_b = self.pool_b.query(self.judged(fake_b, batch.mask_a))
        pooled_a = self.pool_a.query(self.judged(fake_a, batch.mask_b))
        losses = {}
        for name, disc, real, fake in (
            ("disc_b", self.disc_b, self.judged(batch.real_b, batch.mask_b), pooled_b),
            ("disc_a", self.disc_a, self.judged(batch.real_a, batch.mask_a), pooled_a),
        ):
            with autocast(self.device, self.config.precision):
                real_score, fake_score = disc(torch.cat([real, fake.to(real.dtype)])).chunk(2)
            loss = (adversarial_loss(real_score, is_real=True) + adversarial_loss(fake_score, is_real=False)) * 0.5
            loss.backward()
            losses[name] = loss
        self.optimizer_disc.step()
        return losses

    def end_epoch(self) -> dict[str, float]:
        """Lower the learning rate."""
        for scheduler in self.schedulers:
            scheduler.step()
        return {}

    # --- looking ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def preview(self) -> Preview:
        """Translate the probes, both ways; see `Recipe.preview`."""
        rows: list[dict[str, str]] = []
        pictures: list[list[np.ndarray]] = []
        gen_ab, gen_ba = self.export().values()
        for direction, probes, there, back in (
            ("ab", self.data.probes_a, gen_ab, gen_ba),
            ("ba", self.data.probes_b, gen_ba, gen_ab),
        ):
            rows += [{"direction": direction, "image": str(image)} for image in probes.records["image"]]
            pictures += self._translate_probes(probes, there, back)
        return Preview(self.columns, rows, pictures)

    def _translate_probes(self, probes: Domain, there: nn.Module, back: nn.Module) -> list[list[np.ndarray]]:
        real, mask = (tensor.to(self.device) for tensor in probes.whole())
        fake = self.translated(there, real, mask)
        shown = {
            "input": real,
            "mask": mask.expand_as(real) * 2 - 1,
            "fake": fake,
            "reconstruction": self.translated(back, fake, mask),
            "identity": self.translated(back, real, mask),
        }
        return [list(row) for row in zip(*(to_uint8(shown[column]) for column in self.columns), strict=True)]

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        config = self.config
        return {
            "recipe": "cyclegan",
            "a": config.a,
            "b": config.b,
            "size_px": config.size_px,
            "dataset": config.dataset,
            "nets": {name: describe_generator(config) for name in self.exported},
            **({"init": self.origin} if self.origin else {}),
        }

    def export(self) -> dict[str, nn.Module]:
        """Return the generators, or their moving averages if the config asks for them; see `Recipe.export`."""
        return {name: network.module for name, network in self.averaged.items()} or super().export()


def describe_generator(config: TranslationConfig) -> dict[str, Any]:
    """Return what `nets.build` makes the config's generator from; what is as in the paper is left out."""
    args: dict[str, Any] = {"filters": config.filters}
    args |= {"downs": config.halvings} if config.generator == "unet" else {"blocks": config.blocks}
    args |= {"upsampling": config.upsampling} if config.upsampling != "transposed" else {}
    args |= {"residual": True} if config.residual else {}
    return {"type": f"{config.generator}_generator", "args": args}


def describe_discriminator(config: TranslationConfig) -> dict[str, Any]:
    """Return what `nets.build` makes the config's discriminators from."""
    args = {"filters": config.disc_filters, "layers": config.disc_layers}
    return {"type": f"{config.discriminator}_discriminator", "args": args}


def _require_grad(networks: tuple[nn.Module, ...], value: bool) -> None:
    for network in networks:
        network.requires_grad_(value)
