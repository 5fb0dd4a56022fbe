"""Drawing pictures from prompts, by models that DreamBooth taught."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline

from leafcore.base_models import fetch, fingerprint, open_base, require_accepted
from leafcore.checkpoints import Checkpoint, require_unchanged
from leafcore.errors import CheckpointError
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.prompts import prompt_facts, taught_together
from leafcore.train.checkpointing import read_weights
from leafcore.train.device import autocast
from leafcore.train.dreambooth_base import Sampling, StableDiffusion, load_stable_diffusion
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Wish:
    """What is to be drawn, and how.

    Attributes:
        prompt: In words; empty: what the model was taught.
        sampling: Steps, guidance, what is not wanted.
        strength: How much of LoRA's weights is added, 1 as trained; of other models it must be 1.
    """

    prompt: str
    sampling: Sampling
    strength: float = 1.0


class PromptModel:
    """Draws pictures from a prompt; stands where a `NoiseModel` may.

    Args:
        checkpoints: DreamBooth's; several only if each was taught by LoRA on the same base.
        wish: What is to be drawn.
        workspace: Where its base is.
        device: Where to compute.
        progress: Told of the download, if the base must be fetched.

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
    ) -> None:
        self.facts = taught_together([prompt_facts(checkpoint) for checkpoint in checkpoints])
        self._adapters: list[str] = []
        for checkpoint in checkpoints:
            require_unchanged(checkpoint)
        base = open_base(workspace, self.facts.base)
        require_accepted(workspace, base)
        folder = fetch(base, progress)
        if fingerprint(folder) != self.facts.base_sha256:
            raise CheckpointError(
                f"checkpoint: {self.facts.name} was taught on another {base.name} than is in {folder} now; put that "
                "one back, or train anew."
            )
        self._model = load_stable_diffusion(folder, device, "auto")
        if self.facts.method == "full":
            _, networks = read_weights(checkpoints[0].weights)
            for name, tensors in networks.items():
                getattr(self._model, name).load_state_dict(tensors)
        else:
            self._add_lora(checkpoints)
        self.wish(wish)

    def wish(self, wish: Wish) -> None:
        """Draw this from now on."""
        self.prompt = wish.prompt or self.facts.prompt
        self._sampling, self._strength = wish.sampling, wish.strength
        if self._adapters:
            self._model.pipeline().set_adapters(self._adapters, [wish.strength] * len(self._adapters))

    def _add_lora(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Add what each checkpoint learned to the base's weights."""
        pipeline = self._model.pipeline()
        self._adapters = [f"taught_{number}" for number in range(len(checkpoints))]
        for adapter, checkpoint in zip(self._adapters, checkpoints, strict=True):
            _, networks = read_weights(checkpoint.weights)
            tensors = {f"{name}.{key}": tensor for name, part in networks.items() for key, tensor in part.items()}
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several are what is asked for
                pipeline.load_lora_weights(tensors, adapter_name=adapter)

    def recipe(self) -> dict[str, Any]:
        """Return what a picture's recipe says of how it was drawn."""
        how = self._sampling
        return {
            "prompt": self.prompt,
            "negative": how.negative,
            "guidance": how.guidance,
            "sampler": "dpm-solver" if how.sampler == "auto" else how.sampler,
            "sampling_steps": how.steps,
            "lora_strength": self._strength,
        }

    def draw(self, seeds: Sequence[int]) -> np.ndarray:
        """Draw a picture of each seed, (N, S, S, 3) uint8; one is the same however many are drawn with it."""
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

    def redraw(
        self, seeds: Sequence[int], sources: np.ndarray, leaves: np.ndarray | None, strength: float
    ) -> np.ndarray:
        """Draw over pictures; what comes of one depends on its own seed only.

        Args:
            seeds: One per source.
            sources: (N, S, S, 3) uint8, one batch, S as the model was taught.
            leaves: (N, S, S) bool, what may change; all else stays as it is, to the pixel. None: everything may.
            strength: How much is drawn anew, see `redraw`.

        Returns:
            (N, S, S, 3) uint8.
        """
        return redraw(self._model, self.prompt, seeds, sources, leaves, strength, self._sampling)


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
