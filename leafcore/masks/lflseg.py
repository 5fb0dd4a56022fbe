"""A trained LFLSeg model at work: pictures in, heat maps out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.transforms import limit_detail
from leafcore.errors import CheckpointError, DatasetError
from leafcore.generate import load_network
from leafcore.images import load_square
from leafcore.masks.cam import class_activation_maps
from leafcore.nets.backbones import InputScale
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Look:
    """What LFLSeg sees in one picture.

    Attributes:
        path: The picture.
        cam: (h, w) float32 in [0, 1]; None if the picture could not be read.
        probabilities: Of full leaf, partial leaf, non-leaf; (3,) float32.
        problem: Why it could not be read; empty if it could.
    """

    path: Path
    cam: np.ndarray | None
    probabilities: np.ndarray
    problem: str = ""


class LFLSegModel:
    """LFLSeg weights, loaded.

    Args:
        checkpoint: Weights of the recipe `lflseg`.
        device: Where to compute.

    Raises:
        CheckpointError: The weights are of another recipe, or damaged.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        if checkpoint.card.recipe != "lflseg":
            raise CheckpointError(
                f"model: {checkpoint.name} is a {checkpoint.card.recipe} model, expected an lflseg model. "
                "Train one: python -m leafcore train lflseg --dataset NAME"
            )
        self.checkpoint = checkpoint
        description = checkpoint.card.description
        self.size_px = int(description["size_px"])
        self._scale = InputScale.described(description)
        self._detail = float(description.get("detail", 1.0))  # older weights saw all there was
        self._device = device
        self._net: nn.Module = load_network(checkpoint, "classifier", device)

    def look(self, paths: Sequence[Path], batch_size: int = 16) -> Iterator[Look]:
        """Look at pictures, in order; one that cannot be read is reported, not raised.

        Args:
            paths: The pictures' files.
            batch_size: Pictures per forward pass.
        """
        for start in range(0, len(paths), batch_size):
            yield from self._look_at(paths[start : start + batch_size])

    def _look_at(self, paths: Sequence[Path]) -> list[Look]:
        pictures: dict[Path, np.ndarray] = {}
        problems: dict[Path, str] = {}
        for path in paths:
            try:
                pictures[path] = load_square(path, self.size_px)
            except DatasetError as error:
                problems[path] = str(error)
        looks = {path: Look(path, None, np.zeros(3, np.float32), problem) for path, problem in problems.items()}
        if pictures:
            batch = torch.from_numpy(np.stack(list(pictures.values()))).permute(0, 3, 1, 2).to(self._device)
            shown = limit_detail(batch, [self._detail] * len(batch), self.size_px)
            cams = class_activation_maps(self._net, self._scale(shown))
            for path, cam, probabilities in zip(pictures, cams.maps, cams.probabilities, strict=True):
                looks[path] = Look(path, cam, probabilities)
        return [looks[path] for path in paths]


def open_lflseg(workspace: Workspace, ref: str, device: torch.device) -> LFLSegModel:
    """Load LFLSeg weights by what a config calls them.

    Raises:
        NotFoundError: There is nothing by that name.
        CheckpointError: It is no LFLSeg model.
    """
    return LFLSegModel(open_checkpoint(workspace, ref), device)
