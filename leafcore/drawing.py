"""Drawing pictures from prompts, by models that DreamBooth taught."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline

from leafcore.base_hub import fetch
from leafcore.base_list import find_base
from leafcore.base_models import fingerprint
from leafcore.checkpoints import Checkpoint, require_unchanged
from leafcore.errors import CheckpointError
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.prompts import prompt_facts, taught_together
from leafcore.train.checkpointing import read_weights
from leafcore.train.device import autocast
from leafcore.train.dreambooth_base import Sampling, StableDiffusion, load_stable_diffusion
from leafcore.wish import Wish, require_heeded
from leafcore.workspace import Workspace


class PromptModel:
    """Draws pictures from a prompt; stands where a `NoiseModel` may.

    Args:
        checkpoints: DreamBooth's; several only if each was taught by LoRA on the same base.
        wish: What is to be drawn.
        workspace: Where its base is.
        device: Where to compute.
        progress: Told of the download, if the base must be fetched.
        bases: Those that are loaded, by their fingerprints: models that LoRA taught share them, each is loaded once.
        base: Where the base is now, if not where it was; see `find_base`.

    Attributes:
        facts: What it was taught, all tokens together.
        prompt: What it draws.

    Raises:
        CheckpointError: The weights are missing, damaged, or belong to another base than the one that is here.
        ConfigError: The base's license was not accepted here, or the checkpoints do not go together.
    """

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        wish: Wish,
        workspace: Workspace,
        device: torch.device,
        progress: Progress,
        bases: dict[str, StableDiffusion] | None = None,
        base: str = "",
    ) -> None:
        self.facts = taught_together([prompt_facts(checkpoint) for checkpoint in checkpoints])
        self._adapters: list[str] = []
        for checkpoint in checkpoints:
            require_unchanged(checkpoint)
        shared = {} if bases is None or self.facts.method == "full" else bases
        if self.facts.base_sha256 not in shared:
            shared[self.facts.base_sha256] = self._load(workspace, base, device, progress)
        self._model = shared[self.facts.base_sha256]
        if self.facts.method == "full":
            _, networks = read_weights(checkpoints[0].weights)
            for name, tensors in networks.items():
                getattr(self._model, name).load_state_dict(tensors)
        else:
            self._add_lora(checkpoints)
        self.wish(wish)

    def _load(self, workspace: Workspace, base: str, device: torch.device, progress: Progress) -> StableDiffusion:
        found = find_base(workspace, self.facts.base, self.facts.base_sha256, base)
        folder = fetch(workspace, found, progress).folder
        if fingerprint(folder) != self.facts.base_sha256:
            raise CheckpointError(
                f"checkpoint: {self.facts.name} was taught on another {self.facts.base} than is in {folder} now; "
                "put that one back, say where it is as `base`, or train anew."
            )
        return load_stable_diffusion(folder, device, "auto")

    def wish(self, wish: Wish) -> None:
        """Draw this from now on.

        Raises:
            ConfigError: It asks for less or more of a LoRA than was taught, and there is none.
        """
        require_heeded([self.facts], wish.prompt, wish.lora_strength)
        self._wish, self.prompt = wish, wish.prompt or self.facts.prompt
        self._sampling = Sampling(wish.sampling_steps, wish.guidance, wish.negative, wish.sampler)

    def _switch(self) -> None:
        """Let the base draw as these checkpoints were taught: others that share it may have drawn since."""
        if self._adapters:
            strengths = [self._wish.lora_strength] * len(self._adapters)
            self._model.pipeline().set_adapters(self._adapters, strengths)

    def warn_of_tokens(self, progress: Progress) -> None:
        """Warn of words that stand for what was taught and that the prompt is without."""
        for token in self.facts.missing_tokens(self.prompt):
            progress.warn(f"The prompt {self.prompt!r} is without {token!r}, the word for what was taught.")

    def _add_lora(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Add what each checkpoint learned to the base's weights, unless it is there."""
        pipeline = self._model.pipeline()
        there = {adapter for adapters in pipeline.get_list_adapters().values() for adapter in adapters}
        self._adapters = [f"taught_{checkpoint.card.weights_sha256[:16]}" for checkpoint in checkpoints]
        for adapter, checkpoint in zip(self._adapters, checkpoints, strict=True):
            if adapter in there:
                continue
            _, networks = read_weights(checkpoint.weights)
            tensors = {f"{name}.{key}": tensor for name, part in networks.items() for key, tensor in part.items()}
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several are what is asked for
                pipeline.load_lora_into_unet(tensors, None, self._model.unet, adapter_name=adapter)
                if "text_encoder" in networks:  # asked for one that nothing is meant for, diffusers warns
                    pipeline.load_lora_into_text_encoder(
                        tensors, None, self._model.text_encoder, prefix="text_encoder", adapter_name=adapter
                    )

    def recipe(self) -> dict[str, Any]:
        """Return what a picture's recipe says of how it was drawn; its strength is of those over sources only."""
        return {**asdict(self._wish), "prompt": self.prompt}

    def draw(self, seeds: Sequence[int]) -> np.ndarray:
        """Draw a picture of each seed, (N, S, S, 3) uint8; one is the same however many are drawn with it."""
        self._switch()
        latents = self._model.draw(self.prompt, seeds, size_px=self.facts.size_px, sampling=self._sampling)
        return np.stack([self._model.decode(one)[0] for one in latents.split(1)])

    def sample(self, seed: int, indices: Sequence[int], label: str, truncation: float, batch_size: int) -> np.ndarray:
        """Draw pictures by their numbers; picture k of a seed is the same however many are drawn with it.

        Returns:
            (N, S, S, 3) uint8.
        """
        del label, truncation  # the prompt says what is drawn
        seeds = [picture_seed(seed, index) for index in indices]
        starts = range(0, len(seeds), batch_size)
        return np.concatenate([self.draw(seeds[start : start + batch_size]) for start in starts])

    def redraw(self, seeds: Sequence[int], sources: np.ndarray, leaves: np.ndarray | None) -> np.ndarray:
        """Draw over pictures; what comes of one depends on its own seed only.

        Args:
            seeds: One per source.
            sources: (N, S, S, 3) uint8, one batch, S as the model was taught.
            leaves: (N, S, S) bool, what may change; all else stays as it is, to the pixel. None: everything may.

        Returns:
            (N, S, S, 3) uint8.
        """
        self._switch()
        return redraw(self._model, self.prompt, seeds, sources, leaves, self._wish.strength, self._sampling)


@torch.no_grad()
def redraw(
    model: StableDiffusion,
    prompt: str,
    seeds: Sequence[int],
    sources: np.ndarray,
    leaves: np.ndarray | None,
    strength: float,
    sampling: Sampling,
) -> np.ndarray:
    """Draw over pictures: noise is added up to a level, and taken away under the prompt (Meng et al. 2022, SDEdit).

    Under a mask, the latents outside are the source's at every step (Avrahami et al. 2023, Blended Latent Diffusion,
    arXiv 2206.02779); a VAE blurs even those, so that the source's own pixels are put back in the end.

    Args:
        model: What draws.
        prompt: In words.
        seeds: One per picture.
        sources: (N, S, S, 3) uint8.
        leaves: (N, S, S) bool, what may change; None: everything.
        strength: The share of the denoising steps that are taken, in (0, 1]; at 1 nothing of the source is left under
            the mask.
        sampling: How.

    Returns:
        (N, S, S, 3) uint8; outside the mask equal to the sources.
    """
    masks = np.ones(sources.shape[:3], bool) if leaves is None else leaves
    parts = model.pipeline(sampling.sampler)
    pipeline = StableDiffusionInpaintPipeline(
        parts.vae, parts.text_encoder, parts.tokenizer, parts.unet, parts.scheduler, None, None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    with autocast(model.device, model.precision):
        drawn = pipeline(
            [prompt] * len(seeds), negative_prompt=[sampling.negative] * len(seeds),
            image=torch.tensor(sources).permute(0, 3, 1, 2).float() / 255,
            mask_image=torch.tensor(masks)[:, None].float(),
            height=sources.shape[1], width=sources.shape[2], strength=strength, num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance, generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="latent",
        )  # fmt: skip
    made = np.concatenate([model.decode(latents) for latents in drawn.images.float().split(1)])
    return np.where(masks[..., None], made, sources)
