"""A trained LFLSeg model at work: pictures in, heat maps out."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.transforms import limit_detail
from leafcore.errors import CheckpointError, DatasetError
from leafcore.generate import load_network
from leafcore.images import load_square
from leafcore.masks.cam import explainer
from leafcore.masks.configs import CamConfig
from leafcore.nets.backbones import InputScale
from leafcore.threads import in_order
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
        cam: How heat maps are drawn.

    Raises:
        CheckpointError: The weights are of another recipe, or damaged.
        ConfigError: The network has no such layer.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device, cam: CamConfig | None = None) -> None:
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
        self._explain = explainer(load_network(checkpoint, "classifier", device), cam or CamConfig(), self.size_px)

    def look(self, paths: Sequence[Path], batch_size: int = 16) -> Iterator[Look]:
        """Look at pictures, in order; one that cannot be read is reported, not raised.

        The next batch is decoded in threads while the network looks at this one.

        Args:
            paths: The pictures' files.
            batch_size: Pictures per forward pass.
        """
        decoded = in_order(self._decode, paths, ahead=2 * batch_size)
        for batch in iter(lambda: list(itertools.islice(decoded, batch_size)), []):
            yield from self._look_at(batch)

    def _decode(self, path: Path) -> tuple[Path, np.ndarray | str]:
        """Return a picture, or why it cannot be read."""
        try:
            return path, load_square(path, self.size_px)
        except DatasetError as error:
            return path, str(error)

    def _look_at(self, decoded: Sequence[tuple[Path, np.ndarray | str]]) -> Iterator[Look]:
        readable = [picture for _, picture in decoded if not isinstance(picture, str)]
        seen = iter(self._cams(readable) if readable else ())
        for path, picture in decoded:
            if isinstance(picture, str):
                yield Look(path, None, np.zeros(3, np.float32), picture)
            else:
                yield Look(path, *next(seen))

    def _cams(self, pictures: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self._device)
        shown = limit_detail(batch, [self._detail] * len(batch), self.size_px)
        cams = self._explain(self._scale(shown))
        return zip(cams.maps, cams.probabilities, strict=True)


def open_lflseg(workspace: Workspace, ref: str, device: torch.device, cam: CamConfig | None = None) -> LFLSegModel:
    """Load LFLSeg weights by what a config calls them.

    Raises:
        NotFoundError: There is nothing by that name.
        CheckpointError: It is no LFLSeg model.
        ConfigError: The network has no such layer.
    """
    return LFLSegModel(open_checkpoint(workspace, ref), device, cam)
