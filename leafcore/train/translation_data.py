"""The data of a translation: two unpaired domains, with masks where the recipe wants them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from leafcore.data.manifest import Dataset, domain, load
from leafcore.data.mask_sets import MaskSet
from leafcore.data.pixels import image_pixels, mask_pixels
from leafcore.data.sampling import ShuffledStream
from leafcore.data.transforms import load_size, random_crop_flip
from leafcore.errors import DatasetError
from leafcore.images import to_signed
from leafcore.progress import Progress
from leafcore.train.configs import TranslationConfig
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Batch:
    """Pictures of two domains.

    Attributes:
        real_a: (N, 3, S, S) float32 in [-1, 1].
        real_b: (N, 3, S, S) float32 in [-1, 1].
        mask_a: (N, 1, S, S) float32, 1 on the leaf; all ones without a mask set.
        mask_b: (N, 1, S, S) float32, 1 on the leaf; all ones without a mask set.
    """

    real_a: torch.Tensor
    real_b: torch.Tensor
    mask_a: torch.Tensor
    mask_b: torch.Tensor


class Domain:
    """The pictures of one domain, decoded once; crops and flips are drawn as they are taken.

    Args:
        workspace: Whose cache keeps the pixels.
        dataset: Where the pictures are.
        records: Which pictures; all of them have a mask where there is a mask set.
        masks: Their mask set, or None.
        load_px: The side they are resized to.
        progress: Told of the decoding.
    """

    def __init__(
        self,
        workspace: Workspace,
        dataset: Dataset,
        records: pd.DataFrame,
        masks: MaskSet | None,
        load_px: int,
        progress: Progress,
    ) -> None:
        self.records = records
        self._images = image_pixels(workspace, dataset.paths(records), load_px, progress)
        self._masks = mask_pixels(workspace, masks.paths(records), load_px, progress) if masks else None

    def __len__(self) -> int:
        return len(self.records)

    def crops(
        self, indices: torch.Tensor, size_px: int, generator: torch.Generator, *, flip: bool = True
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return random crops of some pictures and of their masks, as `Batch` holds them."""
        images, masks = self._pick(indices)
        images, masks = random_crop_flip([images, masks], size_px, generator, flip=flip)
        return to_signed(images), masks.float()

    def whole(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return all pictures and masks uncropped, as `Batch` holds them."""
        images, masks = self._pick(torch.arange(len(self)))
        return to_signed(images), masks.float()

    def _pick(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, 3, L, L) and (N, 1, L, L) uint8."""
        rows = indices.numpy()
        images = torch.from_numpy(np.ascontiguousarray(self._images[rows])).permute(0, 3, 1, 2)
        if self._masks is None:
            return images, torch.ones_like(images[:, :1])
        return images, torch.from_numpy(np.ascontiguousarray(self._masks[rows])).permute(0, 3, 1, 2)


class UnpairedData:
    """Two domains, each in its own endless shuffled stream.

    Args:
        domains: The train pictures of A and of B, at the size of `load_size`.
        probes: Pictures of A and of B, at `size_px`, that previews translate.
        size_px: The side of the crops.
        generator: Draws orders, crops and flips.
        flip: Whether every other picture is mirrored.
    """

    def __init__(
        self,
        domains: tuple[Domain, Domain],
        probes: tuple[Domain, Domain],
        size_px: int,
        generator: torch.Generator,
        *,
        flip: bool = True,
    ) -> None:
        self.domain_a, self.domain_b = domains
        self.probes_a, self.probes_b = probes
        self.generator = generator
        self._size_px, self._flip = size_px, flip
        self.stream_a = ShuffledStream(len(self.domain_a), generator)
        self.stream_b = ShuffledStream(len(self.domain_b), generator)

    def __len__(self) -> int:
        """Return the size of the longer domain: one epoch."""
        return max(len(self.domain_a), len(self.domain_b))

    def next_batch(self, count: int, device: torch.device) -> Batch:
        """Return the next `count` random crops of each domain."""
        size, flip, generator = self._size_px, self._flip, self.generator
        real_a, mask_a = self.domain_a.crops(self.stream_a.take(count), size, generator, flip=flip)
        real_b, mask_b = self.domain_b.crops(self.stream_b.take(count), size, generator, flip=flip)
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in (real_a, real_b, mask_a, mask_b)))

    @property
    def seen(self) -> list[str]:
        """The SHA-256 of every picture that trains."""
        return [*self.domain_a.records["sha256"], *self.domain_b.records["sha256"]]

    @property
    def probed(self) -> list[str]:
        """The SHA-256 of every probe."""
        return [*self.probes_a.records["sha256"], *self.probes_b.records["sha256"]]


def unpaired_data(
    config: TranslationConfig, workspace: Workspace, masks: MaskSet | None, progress: Progress
) -> UnpairedData:
    """Load the domains that a config names: train pictures to learn from, validation pictures as probes.

    Args:
        config: Dataset, label sets, size, number of probes, seed.
        workspace: Where the dataset is.
        masks: The mask set to read beside the pictures, or None.
        progress: Told of the decoding.

    Raises:
        DatasetError: A domain has no train picture, or none with a mask.
        CheckpointError: The masks are of another dataset or version.
    """
    dataset = load(workspace, config.dataset)
    domains, probes = [], []
    for labels in (config.a, config.b):
        train, val = domain(dataset, labels, "train"), dataset.select(split="val", labels=labels)
        if masks is not None:
            train, val = masks.masked(dataset, train), masks.masked(dataset, val)
        if train.empty:
            raise DatasetError(f"masks: no train picture of {labels!r} could be read when the masks were made.")
        if val.empty:
            progress.warn(f"{labels} has no validation picture: its samples show train pictures.")
        val = (train if val.empty else val).head(config.probes)
        domains.append(Domain(workspace, dataset, train, masks, config.load_px or load_size(config.size_px), progress))
        probes.append(Domain(workspace, dataset, val, masks, config.size_px, progress))
    generator = torch.Generator().manual_seed(config.seed)
    both, shown = (domains[0], domains[1]), (probes[0], probes[1])
    return UnpairedData(both, shown, config.size_px, generator, flip=config.flip)
