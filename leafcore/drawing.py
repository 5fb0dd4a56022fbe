"""Drawing pictures from prompts, by models that DreamBooth taught."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from leafcore.base_models import fetch, fingerprint, open_base, require_accepted
from leafcore.checkpoints import Checkpoint, require_unchanged
from leafcore.errors import CheckpointError
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.prompts import prompt_facts
from leafcore.train.checkpointing import read_weights
from leafcore.train.dreambooth_base import Sampling, load_stable_diffusion
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
        checkpoint: DreamBooth's.
        wish: What is to be drawn.
        workspace: Where its base is.
        device: Where to compute.
        progress: Told of the download, if the base must be fetched.

    Attributes:
        facts: What it was taught.
        prompt: What it draws.

    Raises:
        CheckpointError: The weights are missing, damaged, or belong to another base than the one that is here.
        ConfigError: The base's license was not accepted here.
    """

    def __init__(
        self, checkpoint: Checkpoint, wish: Wish, workspace: Workspace, device: torch.device, progress: Progress
    ) -> None:
        self.facts = prompt_facts(checkpoint)
        self.prompt = wish.prompt or self.facts.prompt
        self._sampling, self._strength = wish.sampling, wish.strength
        require_unchanged(checkpoint)
        base = open_base(workspace, self.facts.base)
        require_accepted(workspace, base)
        folder = fetch(base, progress)
        if fingerprint(folder) != self.facts.base_sha256:
            raise CheckpointError(
                f"checkpoint: {checkpoint.name} was taught on another {base.name} than is in {folder} now; put that "
                "one back, or train anew."
            )
        self._model = load_stable_diffusion(folder, device, "auto")
        _, networks = read_weights(checkpoint.weights)
        if self.facts.method == "full":
            for name, tensors in networks.items():
                getattr(self._model, name).load_state_dict(tensors)
        else:
            tensors = {f"{name}.{key}": tensor for name, part in networks.items() for key, tensor in part.items()}
            pipeline = self._model.pipeline()
            pipeline.load_lora_weights(tensors, adapter_name="taught")
            pipeline.set_adapters("taught", wish.strength)

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

    def sample(self, seed: int, indices: Sequence[int], label: str, truncation: float, batch_size: int) -> np.ndarray:
        """Draw pictures by their numbers; picture k of a seed is the same however many are drawn with it.

        Returns:
            (N, S, S, 3) uint8.
        """
        del label, truncation  # the prompt says what is drawn
        drawn = []
        for start in range(0, len(indices), batch_size):
            seeds = [picture_seed(seed, index) for index in indices[start : start + batch_size]]
            latents = self._model.draw(self.prompt, seeds, size_px=self.facts.size_px, sampling=self._sampling)
            drawn += [self._model.decode(one)[0] for one in latents.split(1)]
        return np.stack(drawn)
