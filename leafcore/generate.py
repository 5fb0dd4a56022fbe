"""Using checkpoints: load their networks, apply a chain of translations to a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from leafcore.chain_steps import Step
from leafcore.chains import Sizing, chain_size, picture_size
from leafcore.checkpoints import Checkpoint, require_unchanged
from leafcore.errors import CheckpointError
from leafcore.images import load_mask, to_signed, to_uint8
from leafcore.nets import build
from leafcore.progress import Progress
from leafcore.sizing import Apply, by_change, in_tiles
from leafcore.train.checkpointing import read_weights
from leafcore.train.device import autocast, uses_bf16
from leafcore.train.train_config import Precision
from leafcore.wish import AS_TAUGHT, Wish, require_heeded
from leafcore.workspace import Workspace

if TYPE_CHECKING:
    from leafcore.drawing import PromptModel
    from leafcore.train.dreambooth_base import StableDiffusion


def load_network(checkpoint: Checkpoint, name: str, device: torch.device) -> nn.Module:
    """Rebuild one network of a checkpoint, in eval mode, its weights frozen.

    Args:
        checkpoint: Where the weights are.
        name: Which network, such as "gen_ab" or "classifier".
        device: Where it goes.

    Raises:
        CheckpointError: The weights are missing, damaged, changed since they were promoted, or hold no such network.
    """
    description, networks = read_weights(checkpoint.weights)
    require_unchanged(checkpoint)
    if name not in networks:
        held = ", ".join(networks)
        raise CheckpointError(f"checkpoint: {checkpoint.name} holds {held}, expected {name}; choose another one.")
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn only to be replaced
        network = build(description["nets"][name])
    try:
        network.load_state_dict(networks[name])
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            f"checkpoint: the weights of {checkpoint.name} do not fit its network ({reason})."
        ) from None
    return network.to(device).eval().requires_grad_(False)


class Leaves:
    """The masks of some pictures.

    Args:
        files: By picture, the file of its mask, or None; see `mask_sets.mask_files`.
        size_px: The side that masks are resized to.
    """

    def __init__(self, files: Mapping[str, Path | None], size_px: int) -> None:
        self.files = files
        self.size_px = size_px

    def __call__(self, images: Sequence[str]) -> torch.Tensor:
        """Return (N, 1, S, S) float32, 1 on the leaf; all ones where a picture has no mask.

        Raises:
            DatasetError: A mask is gone or damaged.
        """
        files = [self.files[image] for image in images]
        whole = np.ones((self.size_px, self.size_px), dtype=bool)
        masks = [whole if file is None else load_mask(file, self.size_px) for file in files]
        return torch.from_numpy(np.stack(masks)[:, None].astype(np.float32))


class Chain:
    """Translations one after another: healthy -> rust -> frog eye; a step may also draw over what came before.

    Args:
        steps: Translators, or models that draw from a prompt, in order, all of one size.
        device: Where to compute.
        workspace: Where the bases of models that draw are; only they need it.
        wish: What they draw, and how: the same for each, but a prompt is for one alone.
        size_px: The side of the pictures; 0: the size of the steps.
        sizing: How another size is reached.
        precision: How translators compute, see `train.device.autocast`.
        base: Where the base of models that draw is now, see `find_base`.

    Attributes:
        steps: As given.
        size_px: The side of the pictures.
        drawing: What draws, in order.

    Raises:
        CheckpointError: There is none, one is no step of a chain, or their sizes differ.
        ConfigError: The license of a base was not accepted here; tiles do not fit into a picture; or see `wish`.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        device: torch.device,
        workspace: Workspace | None = None,
        wish: Wish = AS_TAUGHT,
        size_px: int = 0,
        sizing: Sizing = "resize",
        precision: Precision = "fp32",
        base: str = "",
    ) -> None:
        self.steps = tuple(steps)
        self.size_px = picture_size(steps, size_px, sizing)
        self._trained_px = chain_size(steps)
        self._resized = in_tiles if sizing == "tiles" else by_change
        self._device = device
        self._precision, self._base = precision, base
        self.drawing: list[PromptModel] = []
        self._bases: dict[str, StableDiffusion] = {}
        self._applied = [self._open(step, workspace) for step in steps]
        self.wish(wish)

    def wish(self, wish: Wish) -> None:
        """Let the steps that draw draw this from now on; without a prompt, each what it was taught.

        Raises:
            ConfigError: There is a prompt, but several steps draw; or no LoRA whose strength could be changed.
        """
        if self.drawing:
            require_heeded([model.facts for model in self.drawing], wish.prompt, wish.lora_strength)
        for model in self.drawing:
            model.wish(wish if model.facts.method == "lora" else replace(wish, lora_strength=1.0))

    def _open(self, step: Step, workspace: Workspace | None) -> Apply:
        """Return a step with its size, its mask and its strength: `x + strength * mask * (made - x)`."""
        if step.draws and workspace is not None:
            make = self._open_drawing(step.checkpoint, workspace)
        else:
            make = self._open_translator(step)
        if self.size_px != self._trained_px:
            make = self._resized(make, self._trained_px)

        def apply(images: torch.Tensor, masks: torch.Tensor | None, seeds: Sequence[int]) -> torch.Tensor:
            leaves = masks if step.masked else None
            made = make(images, leaves, seeds)
            if leaves is not None:  # at the size of the pictures: a change that was enlarged reaches over the edge
                made = torch.where(leaves > 0.5, made, images)
            return made if step.how.strength == 1 else torch.lerp(images, made, step.how.strength)

        return apply

    def _open_translator(self, step: Step) -> Apply:
        generator = load_network(step.checkpoint, "gen_ba" if step.how.back else "gen_ab", self._device)
        if self._device.type == "cuda" and uses_bf16(self._device, self._precision):
            generator = generator.to(memory_format=torch.channels_last)

        def translate(images: torch.Tensor, masks: torch.Tensor | None, seeds: Sequence[int]) -> torch.Tensor:
            del masks, seeds  # a translation sees the whole picture, and leaves nothing to chance
            with autocast(self._device, self._precision):
                made: torch.Tensor = generator(images).float()
            return made

        return translate

    def _open_drawing(self, checkpoint: Checkpoint, workspace: Workspace) -> Apply:
        from leafcore.drawing import PromptModel  # diffusers takes seconds to load, and GANs need none of it

        progress = Progress(workspace.cache)
        model = PromptModel([checkpoint], AS_TAUGHT, workspace, self._device, progress, self._bases, self._base)
        self.drawing.append(model)

        def draw(images: torch.Tensor, masks: torch.Tensor | None, seeds: Sequence[int]) -> torch.Tensor:
            leaves = None if masks is None else masks[:, 0].cpu().numpy() > 0.5
            made = torch.from_numpy(model.redraw(seeds, to_uint8(images), leaves))
            return to_signed(made.permute(0, 3, 1, 2)).to(self._device)

        return draw

    def recipe(self) -> dict[str, Any]:
        """Return what a picture's recipe says of the steps that draw: their settings, all prompts."""
        if not self.drawing:
            return {}
        said = next((one for one in self.drawing if one.facts.method == "lora"), self.drawing[0])
        return {**said.recipe(), "prompt": " | ".join(model.prompt for model in self.drawing)}

    @torch.inference_mode()
    def __call__(
        self, images: torch.Tensor, masks: torch.Tensor | None = None, seeds: Sequence[int] | None = None
    ) -> list[torch.Tensor]:
        """Take pictures through every step.

        Args:
            images: (N, 3, S, S) float32 in [-1, 1], S = `size_px`.
            masks: (N, 1, S, S) float32, 1 on the leaf: outside it, a step that draws, or was trained or told to change
                the leaf only, leaves the picture as it is. None: every step's picture is its own all over.
            seeds: (N,) of what a step draws; None: 0 to N - 1.

        Returns:
            The pictures after each step, each (N, 3, S, S) float32 in [-1, 1].
        """
        made = []
        current, leaves = images.to(self._device), None if masks is None else masks.to(self._device)
        for apply in self._applied:
            current = apply(current, leaves, range(len(images)) if seeds is None else seeds)
            made.append(current)
        return made
