"""DreamBooth (Ruiz et al. 2023, arXiv 2208.12242): Stable Diffusion learns what a rare token means, and keeps the rest.

As published: the U-Net, and the text encoder if asked for, learn to denoise a few pictures under a prompt with the
token, and pictures that the base itself drew under a prompt without it (prior preservation, eq. 2). By default through
LoRA (Hu et al. 2022, arXiv 2106.09685), whose weights a plain `StableDiffusionPipeline.load_lora_weights` reads.

What the study of ours missed is watched: at every epoch's end, how far prompts that should mean what they meant have
drifted from the base.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from leafcore.base_hub import fetch
from leafcore.base_models import BaseModel, fingerprint, require_accepted
from leafcore.data.learned import learned_pictures
from leafcore.data.manifest import load
from leafcore.data.pixels import image_pixels
from leafcore.errors import ConfigError
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.train.configs import DreamBoothConfig
from leafcore.train.device import uses_bf16
from leafcore.train.dreambooth_base import Sampling, StableDiffusion, load_stable_diffusion
from leafcore.train.dreambooth_data import LatentPictures, PriorPictures, encode_pictures
from leafcore.train.dreambooth_drift import DRIFT_SEED, drift_of, drift_probes, scalar_name
from leafcore.train.dreambooth_losses import denoising_loss, target_of
from leafcore.train.dreambooth_start import base_of_run, check_prompts, check_size, keep_base
from leafcore.train.drift_rule import drift_warning, has_drifted
from leafcore.train.recipe import Drawing, Losses, Preview, Recipe
from leafcore.workspace import Workspace

TARGETS = {  # the layers that LoRA adds to: attention, as in diffusers' own DreamBooth
    "unet": ["to_k", "to_q", "to_v", "to_out.0"],
    "text_encoder": ["q_proj", "k_proj", "v_proj", "out_proj"],
}


@dataclass(frozen=True)
class NoisyBatch:
    """Latents and what is done to them.

    Attributes:
        latents: (N, C, H, W) float32: of pictures with the token, then as many for prior preservation if there are.
        noise: The same, standard normal.
        timesteps: (N,) int64, how much noise.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    Attributes:
        base: The model, untouched.
        facts: Which it is.
        identity: Its `fingerprint`.
        labels: The label sets that the instances are of.
        files: The pictures of what the token means.
        seen: Their SHA-256.
    """

    base: StableDiffusion
    facts: BaseModel
    identity: str
    labels: tuple[str, ...]
    files: list[Path]
    seen: list[str]


class DreamBooth(Recipe):
    """Teaches a Stable Diffusion a token; see the module.

    Args:
        config: Its settings.
        start: What it starts from; its networks are changed.
        instances: Pictures of what the token means.
        prior: Pictures that the base drew, or None for none.
        generator: Draws order, noise and timesteps.
    """

    config: DreamBoothConfig

    def __init__(
        self,
        config: DreamBoothConfig,
        start: Start,
        instances: LatentPictures,
        prior: LatentPictures | None,
        generator: torch.Generator,
    ) -> None:
        self.config, self.start, self.model, self.device = config, start, start.base, start.base.device
        self.instances, self.prior, self.generator = instances, prior, generator
        self.steps_per_epoch = min(config.epoch_steps, config.max_steps_per_epoch or config.epoch_steps)
        self.seen = {"generator": start.seen}
        self.tokens = self.model.tokens([config.prompt, config.prior_prompt])
        self.sampling = Sampling(config.sample_steps, config.guidance)
        prompts = (config.prompt, *config.probe_prompts)
        self.drift_probes = drift_probes(self.model, prompts, size_px=config.size_px, sampling=self.sampling)
        self.drifts = {probe.prompt: 0.0 for probe in self.drift_probes}
        self.warned: set[str] = set()
        self._open_networks()
        self._build_optimizer()

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "DreamBooth":
        """Load the base and the train pictures, and draw the prior pictures; see `Recipe.from_config`."""
        return cls._begun(config, cls._start(config, workspace, device, progress), workspace, progress)

    @classmethod
    def for_rehearsal(
        cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress
    ) -> tuple["DreamBooth", Drawing]:
        """Draw two blocks of prior pictures, and learn from one picture of them; see `Recipe.for_rehearsal`."""
        start = cls._start(config, workspace, device, progress)
        if not config.prior_weight:
            return cls._begun(config, start, workspace, progress), Drawing()
        drawing = PriorPictures(start.base, start.identity, config, workspace).try_out(progress)
        few = config.model_copy(update={"prior_images": 1})
        return cls._begun(few, start, workspace, progress), drawing

    @staticmethod
    def _start(config: DreamBoothConfig, workspace: Workspace, device: torch.device, progress: Progress) -> Start:
        """Load the base, fetched if need be, and find the train pictures.

        Raises:
            CheckpointError: The base is no Stable Diffusion, cannot be fetched, or is another than the run began with.
            ConfigError: Its license was not accepted, it cannot be taught this size, or never reads the token.
        """
        facts = base_of_run(workspace, config.base, progress.folder)
        require_accepted(workspace, facts)
        dataset = load(workspace, config.dataset)
        labels, records = learned_pictures(dataset, config.labels)
        facts = fetch(workspace, facts, progress)
        in_half = config.method == "lora" and uses_bf16(device, config.precision)
        frozen = torch.bfloat16 if in_half else torch.float32
        base = load_stable_diffusion(facts.folder, device, config.precision, frozen=frozen)
        base.require_size(config.size_px)
        check_size(base.native_px, config.size_px, progress)
        identity = fingerprint(facts.folder)
        keep_base(progress.folder, facts, identity)
        check_prompts(base.tokenizer, config, labels, progress)

        return Start(base, facts, identity, labels, dataset.paths(records), list(records["sha256"]))

    @classmethod
    def _begun(cls, config: DreamBoothConfig, start: Start, workspace: Workspace, progress: Progress) -> "DreamBooth":
        """Encode the pictures that are learned from, those for prior preservation drawn if need be."""
        base, generator = start.base, torch.Generator().manual_seed(config.seed)
        pictures = image_pixels(workspace, start.files, config.size_px, progress)
        instances = encode_pictures(base, pictures, generator, progress, flip=config.flip)
        prior = None
        if config.prior_weight:
            priors = PriorPictures(base, start.identity, config, workspace)
            priors.draw(progress)
            prior = encode_pictures(base, priors.read(), generator, progress)
        return cls(config, start, instances, prior, generator)

    def _open_networks(self) -> None:
        """Let networks learn: all of their weights, or LoRA's, which change nothing before the first step."""
        config = self.config
        self.exported = ("unet", "text_encoder") if config.train_text_encoder else ("unet",)
        self.nets = {name: getattr(self.model, name) for name in self.exported}
        with torch.random.fork_rng():  # what was drawn before must not decide how LoRA begins
            torch.manual_seed(config.seed)
            for name, network in self.nets.items():
                if config.method == "full":
                    network.requires_grad_(True)
                    continue
                rank = config.lora_rank
                layers = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=TARGETS[name])
                cast(Any, network).add_adapter(layers)
        for parameter in self._learning():
            parameter.data = parameter.data.float()  # steps are too small for 16 bits
        if config.gradient_checkpointing:
            self.model.unet.enable_gradient_checkpointing()  # a prompt's activations are small
        for network in self.nets.values():
            network.train()  # which only gradient checkpointing asks: there is neither dropout nor batch statistics

    def _build_optimizer(self) -> None:
        self.optimizer = _optimizer(self.config, self._learning(), self.device)
        self.stateful = {
            "optimizer": self.optimizer,
            "stream": self.instances.stream,
            **({"prior_stream": self.prior.stream} if self.prior else {}),
        }

    def _learning(self) -> list[torch.nn.Parameter]:
        return [parameter for part in self._learning_by_name().values() for parameter in part.values()]

    def _learning_by_name(self) -> dict[str, dict[str, torch.nn.Parameter]]:
        return {
            name: {key: parameter for key, parameter in network.named_parameters() if parameter.requires_grad}
            for name, network in self.nets.items()
        }

    # --- training --------------------------------------------------------------------------------------------------

    def next_batch(self) -> list[NoisyBatch]:
        """Return the batches of one step, each noisy in its own way."""
        return [self._noisy_batch() for _ in range(self.config.accumulate)]

    def _noisy_batch(self) -> NoisyBatch:
        parts = [part.take(self.config.batch_size) for part in (self.instances, self.prior) if part]
        latents = torch.cat(parts)
        noise = torch.randn(latents.shape, generator=self.generator)
        timesteps = torch.randint(self.model.steps, (len(latents),), generator=self.generator)
        return NoisyBatch(*(tensor.to(self.device) for tensor in (latents, noise, timesteps)))

    def step(self, batch: list[NoisyBatch]) -> Losses:
        """Update the weights once, by the gradients of all batches; see `Recipe.step`."""
        self.optimizer.zero_grad(set_to_none=True)
        summed: Losses = {}
        for part in batch:
            losses = self.losses(part)
            total = losses["denoising"] + self.config.prior_weight * losses.get("denoising_prior", 0.0)
            (total / len(batch)).backward()
            summed = {name: summed.get(name, 0.0) + loss.detach() / len(batch) for name, loss in losses.items()}
        torch.nn.utils.clip_grad_norm_(self._learning(), self.config.max_gradient_norm)
        self.optimizer.step()
        return summed

    def losses(self, batch: NoisyBatch) -> Losses:
        """Return how badly the noise of a batch is told: that of instances, and that of prior pictures (eq. 2)."""
        count = self.config.batch_size
        tokens = self.tokens.repeat_interleave(count, dim=0) if self.prior else self.tokens[:1].expand(count, -1)
        with torch.set_grad_enabled(self.config.train_text_encoder and torch.is_grad_enabled()):
            embedded = self.model.embed(tokens)
        scheduler, timesteps = self.model.scheduler, batch.timesteps
        noisy = scheduler.add_noise(batch.latents, batch.noise, timesteps)
        output = self.model.predict(noisy, timesteps, embedded)
        target = target_of(scheduler, batch.latents, batch.noise, timesteps)
        halves = zip(output.split(count), target.split(count), timesteps.split(count), strict=True)
        found = [denoising_loss(scheduler, *half, self.config.min_snr) for half in halves]
        return dict(zip(("denoising", "denoising_prior"), found, strict=False))

    def end_epoch(self) -> dict[str, float]:
        """Return how far each prompt has drifted from the base; the first is the one with the token, which should."""
        self.drifts = {probe.prompt: drift_of(self.model, probe) for probe in self.drift_probes}
        (_, learned), *others = self.drifts.items()
        return {"learned": learned, **{scalar_name(prompt): drift for prompt, drift in others}}

    def warnings(self) -> list[str]:
        """Name the prompts that have drifted, each the first time; see `Recipe.warnings`."""
        (_, learned), *others = self.drifts.items()
        far = {prompt: drift for prompt, drift in others if has_drifted(drift, learned) and prompt not in self.warned}
        self.warned |= far.keys()
        return [drift_warning(prompt, drift, learned) for prompt, drift in far.items()]

    # --- looking ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def preview(self) -> Preview:
        """Draw each prompt by the same seeds each time, beside what the base drew of it; see `Recipe.preview`."""
        size_px, count = self.config.size_px, self.config.samples
        seeds = [DRIFT_SEED, *(picture_seed(DRIFT_SEED, index) for index in range(1, count))]  # the first is the base's
        pictures: list[list[np.ndarray]] = []
        for probe in self.drift_probes:
            drawn = [self.model.draw(probe.prompt, [seed], size_px=size_px, sampling=self.sampling) for seed in seeds]
            pictures.append([self.model.decode(latents)[0] for latents in (probe.drawn, *drawn)])
        columns = ("base", *(f"sample {number}" for number in range(1, count + 1)))
        return Preview(columns, [{"prompt": probe.prompt, "labels": ""} for probe in self.drift_probes], pictures)

    # --- keeping ---------------------------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        config, start = self.config, self.start
        network = {"type": config.method, "args": {"rank": config.lora_rank} if config.method == "lora" else {}}
        return {
            "recipe": "dreambooth",
            "dataset": config.dataset,
            "size_px": config.size_px,
            "labels": " ".join(start.labels) if len(start.labels) == 1 else "",
            "base": start.facts.name,
            "base_sha256": start.identity,
            "license": f"{start.facts.license} ({start.facts.name}); as the pictures it was trained on",
            "prompt": config.prompt,
            "token": config.token,
            "prior_prompt": config.prior_prompt,
            "nets": dict.fromkeys(self.exported, network),
        }

    def weights(self) -> dict[str, dict[str, torch.Tensor]]:
        """Return LoRA's weights as `StableDiffusionPipeline.load_lora_weights` reads them, or all; see `Recipe`."""
        if self.config.method == "full":
            return super().weights()
        return {
            name: convert_state_dict_to_diffusers(get_peft_model_state_dict(network, save_embedding_layers=False))
            for name, network in self.nets.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything a resume needs; of the networks what learns, for the rest is the base's."""
        learning = self._learning_by_name()
        nets = {name: {key: tensor.detach() for key, tensor in part.items()} for name, part in learning.items()}
        return {
            "nets": nets,
            "stateful": {name: part.state_dict() for name, part in self.stateful.items()},
            "generator": self.generator.get_state(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: Any) -> None:
        """Go on from a saved state; see `Recipe.load_state_dict`."""
        for name, part in self._learning_by_name().items():
            for key, parameter in part.items():
                parameter.copy_(state["nets"][name][key])
        for name, stateful in self.stateful.items():
            stateful.load_state_dict(state["stateful"][name])
        self.generator.set_state(state["generator"].cpu())


def _optimizer(
    config: DreamBoothConfig, learning: list[torch.nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """Return AdamW, its moments in 8 bits if asked for (Dettmers et al. 2022, arXiv 2110.02861).

    Raises:
        ConfigError: 8 bits need bitsandbytes and a GPU, and there is none.
    """
    if config.optimizer == "adamw":
        return torch.optim.AdamW(learning, config.learning_rate, weight_decay=config.weight_decay, fused=True)
    try:
        import bitsandbytes
    except ImportError:
        bitsandbytes = None
    if bitsandbytes is None or device.type != "cuda":
        lacking = "the package bitsandbytes, which is not installed" if bitsandbytes is None else "a GPU"
        raise ConfigError(f"optimizer: adamw8bit needs {lacking}; choose adamw.")
    optimizer: torch.optim.Optimizer = bitsandbytes.optim.AdamW8bit(
        learning, config.learning_rate, weight_decay=config.weight_decay
    )
    return optimizer
