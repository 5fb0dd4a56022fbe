"""Using checkpoints: load their networks, apply a chain of translations to a batch."""

from collections.abc import Sequence

import torch
from torch import nn

from leafcore.chains import chain_size
from leafcore.checkpoints import Checkpoint, require_unchanged
from leafcore.errors import CheckpointError
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

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Translate pictures through every step.

        Args:
            images: (N, 3, S, S) float32 in [-1, 1], S = `size_px`.

        Returns:
            The pictures after each step, each (N, 3, S, S) float32 in [-1, 1].
        """
        steps = []
        current = images.to(self._device)
        for generator in self._generators:
            current = generator(current)
            steps.append(current)
        return steps
