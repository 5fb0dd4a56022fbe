"""Translating the pictures that epochs are compared on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from leafcore.checkpoints import Checkpoint
from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import MaskSet, mask_path
from leafcore.errors import DatasetError
from leafcore.generate import load_network
from leafcore.images import blend, load_mask, load_square, to_signed, to_uint8
from leafcore.pick.scores import Direction
from leafcore.progress import Progress
from leafcore.threads import in_order

AHEAD = 16  # pictures decoded ahead


@dataclass(frozen=True)
class Pictures:
    """Photographs of one domain, decoded.

    Attributes:
        records: (N rows) of the dataset.
        images: (N, S, S, 3) uint8.
        masks: (N, S, S) bool, True on the leaf; None without a mask set.
    """

    records: pd.DataFrame
    images: np.ndarray
    masks: np.ndarray | None

    def __len__(self) -> int:
        return len(self.records)


def decode(
    dataset: Dataset, records: pd.DataFrame, masks: MaskSet | None, size_px: int, progress: Progress
) -> Pictures:
    """Decode pictures and their masks, leaving out those that cannot be read, with a warning.

    Raises:
        DatasetError: None can be read.
    """

    def load(row: tuple[str, str]) -> tuple[np.ndarray, np.ndarray | None] | DatasetError:
        try:
            image = load_square(dataset.root / row[1], size_px)
            return image, load_mask(mask_path(masks.folder, row[1]), size_px) if masks else None
        except DatasetError as error:
            return error

    rows = list(zip(records.index, records["image"], strict=True))
    kept, problems = [], []
    for (index, _), loaded in zip(rows, in_order(load, rows, ahead=AHEAD), strict=True):
        progress.raise_if_stopped()
        if isinstance(loaded, DatasetError):
            problems.append(str(loaded))
        else:
            kept.append((index, *loaded))
    if not kept:
        raise DatasetError(f"None of the {len(rows)} pictures can be read; first: {problems[0]}")
    if problems:
        progress.warn(f"{len(problems)} pictures cannot be read and are left out; first: {problems[0]}")
    drawn = [mask for _, _, mask in kept if mask is not None]
    images = np.stack([image for _, image, _ in kept])
    return Pictures(records.loc[[index for index, *_ in kept]], images, np.stack(drawn) if drawn else None)


@dataclass(frozen=True)
class Translated:
    """A batch, there and back again.

    Attributes:
        rows: Which pictures.
        fakes: (n, S, S, 3) uint8.
        reconstructions: The same shape; None where the weights hold no way back.
    """

    rows: slice
    fakes: np.ndarray
    reconstructions: np.ndarray | None


class Translator:
    """The generators of one epoch.

    Where the recipe blends, a fake is the generator's picture on the leaf and the source outside, as in training.

    Args:
        checkpoint: The epoch's weights.
        direction: Which generator translates; the other one leads back.
        device: Where to compute.

    Raises:
        CheckpointError: The weights are damaged, or hold no such generator.
    """

    def __init__(self, checkpoint: Checkpoint, direction: Direction, device: torch.device) -> None:
        there, back = ("gen_ab", "gen_ba") if direction == "ab" else ("gen_ba", "gen_ab")
        description = checkpoint.card.description
        self._device = device
        self._there = load_network(checkpoint, there, device)
        self._back = load_network(checkpoint, back, device) if back in description["nets"] else None
        self._blends = bool(description.get("blend", False))

    @torch.inference_mode()
    def __call__(self, sources: Pictures, batch_size: int) -> Iterator[Translated]:
        """Yield pictures in batches, translated."""
        for start in range(0, len(sources), batch_size):
            rows = slice(start, start + batch_size)
            real = to_signed(torch.from_numpy(sources.images[rows]).permute(0, 3, 1, 2)).to(self._device)
            mask = None if sources.masks is None else torch.from_numpy(sources.masks[rows])[:, None].to(real)
            fake = self._translated(self._there, real, mask)
            rec = None if self._back is None else to_uint8(self._translated(self._back, fake, mask))
            yield Translated(rows, to_uint8(fake), rec)

    def _translated(self, generator: nn.Module, images: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        made: torch.Tensor = generator(images)
        return blend(made, images, mask) if self._blends and mask is not None else made


def mean_change(one: np.ndarray, other: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Return the mean absolute difference of each pair of pictures in levels of 255, (N,) float64.

    Args:
        one: (N, S, S, 3) uint8.
        other: The same shape.
        where: (N, S, S) bool, the pixels that count; None for all. NaN for a picture where none does.
    """
    difference = np.abs(one.astype(np.int16) - other.astype(np.int16)).mean(-1)  # (N, S, S)
    counted = np.ones(difference.shape, bool) if where is None else where
    pixels = counted.sum((1, 2))
    total = (difference * counted).sum((1, 2))
    mean: np.ndarray = np.divide(total, pixels, out=np.full(len(total), np.nan), where=pixels > 0)
    return mean
