"""How sure LFLSeg is that pictures show one full leaf."""

from collections.abc import Iterable

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint
from leafcore.data.transforms import limit_detail
from leafcore.errors import CheckpointError
from leafcore.generate import load_network
from leafcore.images import resize_square
from leafcore.nets.backbones import InputScale

FULL_LEAF = 0  # the first of LFLSeg's classes


class Leafness:
    """Tells how probable it is that a picture shows one full leaf (Cap et al. 2020, section III-B).

    Args:
        checkpoint: Of the recipe `lflseg`.
        device: Where to compute.

    Raises:
        CheckpointError: It is of another recipe, or the weights are damaged.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        if checkpoint.card.recipe != "lflseg":
            raise CheckpointError(
                f"leaf_model: {checkpoint.name} is a {checkpoint.card.recipe} model, expected an lflseg model."
            )
        self._net = load_network(checkpoint, "classifier", device)
        description = checkpoint.card.description
        self._scale = InputScale.described(description)
        self._size_px = int(description["size_px"])
        self._detail = float(description.get("detail", 1.0))
        self._device = device

    @torch.inference_mode()
    def __call__(self, pictures: Iterable[np.ndarray]) -> np.ndarray:
        """Return the probability of each picture, (N,) float64 in [0, 1].

        Args:
            pictures: (S, S, 3) uint8 each, or all in one array; one batch of at least one.
        """
        squares = np.stack([resize_square(picture, self._size_px) for picture in pictures])
        batch = torch.from_numpy(squares).permute(0, 3, 1, 2).to(self._device)
        shown = limit_detail(batch, [self._detail] * len(batch), self._size_px)
        probabilities = self._net(self._scale(shown)).float().softmax(1)[:, FULL_LEAF]
        found: np.ndarray = probabilities.cpu().double().numpy()
        return found
