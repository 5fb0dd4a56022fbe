"""Using checkpoints: load their networks, apply a chain of translations to a batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from leafcore.chains import blends, chain_size
from leafcore.checkpoints import Checkpoint, require_unchanged
from leafcore.errors import CheckpointError
from leafcore.images import blend, load_mask
from leafcore.nets import build
from leafcore.train.checkpointing import read_weights


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
        self._size_px = size_px

    def __call__(self, images: Sequence[str]) -> torch.Tensor:
        """Return (N, 1, S, S) float32, 1 on the leaf; all ones where a picture has no mask.

        Raises:
            DatasetError: A mask is gone or damaged.
        """
        files = [self.files[image] for image in images]
        whole = np.ones((self._size_px, self._size_px), dtype=bool)
        masks = [whole if file is None else load_mask(file, self._size_px) for file in files]
        return torch.from_numpy(np.stack(masks)[:, None].astype(np.float32))


class Chain:
    """Translations one after another: healthy -> rust -> frog eye.

    Args:
        checkpoints: Translators in order, all of one size.
        device: Where to compute.

    Raises:
        CheckpointError: There is none, one does not translate, or their sizes differ.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], device: torch.device) -> None:
        self.size_px = chain_size(checkpoints)
        self._device = device
        self._generators = [load_network(checkpoint, "gen_ab", device) for checkpoint in checkpoints]
        self._blends = [blends(checkpoint) for checkpoint in checkpoints]

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor, masks: torch.Tensor | None = None) -> list[torch.Tensor]:
        """Translate pictures through every step.

        Args:
            images: (N, 3, S, S) float32 in [-1, 1], S = `size_px`.
            masks: (N, 1, S, S) float32, 1 on the leaf: outside it, a step that was trained to change the leaf only
                leaves the picture as it is. None: every step's picture is its own all over.

        Returns:
            The pictures after each step, each (N, 3, S, S) float32 in [-1, 1].
        """
        steps = []
        current = images.to(self._device)
        for generator, blending in zip(self._generators, self._blends, strict=True):
            made = generator(current)
            current = blend(made, current, masks.to(self._device)) if blending and masks is not None else made
            steps.append(current)
        return steps
