"""The data of a noise model: train pictures of some label sets, each with its class."""

from collections.abc import Sequence

import numpy as np
import torch

from leafcore.data.learned import learned_pictures
from leafcore.data.manifest import load
from leafcore.data.pixels import image_pixels
from leafcore.data.sampling import ShuffledStream
from leafcore.data.transforms import random_crop_flip
from leafcore.images import to_signed
from leafcore.progress import Progress
from leafcore.train.noise_config import NoiseModelConfig
from leafcore.workspace import Workspace


class ClassPictures:
    """Pictures of some classes, decoded once, in an endless shuffled stream.

    Args:
        images: (N, S, S, 3) uint8.
        classes: (N,) int64, the class of each.
        generator: Draws orders and flips.
        flip: Whether every other picture is mirrored.
        seen: Their SHA-256.
    """

    def __init__(
        self,
        images: np.ndarray,
        classes: np.ndarray,
        generator: torch.Generator,
        *,
        flip: bool = True,
        seen: Sequence[str] = (),
    ) -> None:
        self.generator, self.seen = generator, list(seen)
        self._images, self._classes, self._flip = images, torch.tensor(classes), flip
        self.stream = ShuffledStream(len(images), generator)

    def __len__(self) -> int:
        return len(self._images)

    def first_of(self, chosen: int | None, count: int) -> torch.Tensor:
        """Return the first pictures of a class, or of all if None: (n, 3, S, S) float32 in [-1, 1], n at most `count`.

        Nothing is drawn for them, and none is mirrored.
        """
        rows = torch.arange(len(self)) if chosen is None else torch.nonzero(self._classes == chosen)[:, 0]
        images = np.ascontiguousarray(self._images[rows[:count].numpy()])
        return to_signed(torch.from_numpy(images).permute(0, 3, 1, 2))

    def take(self, count: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the next pictures.

        Returns:
            (N, 3, S, S) float32 in [-1, 1], and (N,) int64 classes.
        """
        indices = self.stream.take(count)
        images = torch.from_numpy(np.ascontiguousarray(self._images[indices.numpy()])).permute(0, 3, 1, 2)
        (images,) = random_crop_flip([images], images.shape[-1], self.generator, flip=self._flip)
        return to_signed(images.to(device)), self._classes[indices].to(device)


def class_pictures(
    config: NoiseModelConfig, workspace: Workspace, progress: Progress
) -> tuple[ClassPictures, tuple[str, ...]]:
    """Load the train pictures that a config names, squashed to `size_px`.

    Returns:
        The pictures, and the label sets that they are of.

    Raises:
        DatasetError: There are too few, see `learned_pictures`.
    """
    dataset = load(workspace, config.dataset)
    chosen, records = learned_pictures(dataset, config.labels, as_classes=config.conditional != "none")
    images = image_pixels(workspace, dataset.paths(records), config.size_px, progress)
    classes = records["labels"].map({labels: index for index, labels in enumerate(chosen)}).to_numpy("int64")
    generator = torch.Generator().manual_seed(config.seed)
    seen = list(records["sha256"])
    return ClassPictures(images, classes, generator, flip=config.flip, seen=seen), chosen
