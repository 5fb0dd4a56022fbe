"""The data of DreamBooth: latents of the pictures that show the token, and of those that the base drew before."""

import hashlib
import json
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import torch

from leafcore.data.sampling import ShuffledStream
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.images import encode_png, load_square, to_signed
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.train.device import uses_bf16
from leafcore.train.dreambooth_base import Sampling, StableDiffusion
from leafcore.train.dreambooth_config import DreamBoothConfig
from leafcore.train.recipe import Drawing
from leafcore.workspace import Workspace

PRIOR_SEED = 0  # of the pictures for prior preservation: those of every run alike, so that they are drawn once
BLOCK = 4  # of them are drawn at a time on a GPU


class LatentPictures:
    """Pictures of one prompt, encoded once, in an endless shuffled stream.

    Args:
        means: (N, C, H, W) float32, see `StableDiffusion.encode`.
        deviations: The same.
        generator: Draws orders, and latents of these distributions.
    """

    def __init__(self, means: torch.Tensor, deviations: torch.Tensor, generator: torch.Generator) -> None:
        self.means, self.deviations, self._generator = means, deviations, generator
        self.stream = ShuffledStream(len(means), generator)

    def __len__(self) -> int:
        return len(self.means)

    def take(self, count: int) -> torch.Tensor:
        """Return latents of the next pictures, (N, C, H, W) float32 on the CPU."""
        indices = self.stream.take(count)
        means = self.means[indices]
        return means + self.deviations[indices] * torch.randn(means.shape, generator=self._generator)


def encode_pictures(
    base: StableDiffusion, pictures: np.ndarray, generator: torch.Generator, progress: Progress, *, flip: bool = False
) -> LatentPictures:
    """Encode pictures one by one, so that the VAE takes no more memory than it must.

    Args:
        base: Whose VAE encodes.
        pictures: (N, S, S, 3) uint8.
        generator: See `LatentPictures`.
        progress: Asked whether to stop.
        flip: Whether the mirrored ones are added.

    Raises:
        Stopped: Somebody asked to stop.
    """
    progress.phase("encoding")
    sides = [pictures, pictures[:, :, ::-1]] if flip else [pictures]
    encoded = []
    for picture in (picture for side in sides for picture in side):
        progress.raise_if_stopped()
        encoded.append(base.encode(to_signed(torch.tensor(picture.copy()).permute(2, 0, 1)[None])))
    means, deviations = (torch.cat(parts) for parts in zip(*encoded, strict=True))
    return LatentPictures(means, deviations, generator)


class PriorPictures:
    """What the untouched base draws of the prior prompt, drawn once and kept in the workspace's cache.

    They are drawn in whole blocks, so that picture k is the same however many are asked for and whoever asked first;
    more of them only draws the rest.

    Args:
        base: As it was loaded.
        identity: Its `fingerprint`.
        config: Says prompt, number and size.
        workspace: Whose cache keeps them.
        block: How many are drawn at a time; 0: what suits the device.
    """

    def __init__(
        self, base: StableDiffusion, identity: str, config: DreamBoothConfig, workspace: Workspace, block: int = 0
    ) -> None:
        self._base, self._config = base, config
        self._block = block or (BLOCK if base.device.type == "cuda" else 1)  # a CPU gains nothing
        self._folder = prior_folder(workspace, base, identity, config)

    @property
    def missing(self) -> list[int]:
        """The first number of each block that is still to be drawn."""
        starts = range(0, self._config.prior_images, self._block)
        return [start for start in starts if not all(self._file(index).exists() for index in self._wanted(start))]

    def draw(self, progress: Progress, most: int | None = None) -> None:
        """Draw blocks that are missing.

        Args:
            progress: Told of each picture.
            most: How many blocks; None: all.

        Raises:
            DiskFull: There is no room.
            Stopped: Somebody asked to stop; those that were drawn stay.
        """
        starts = self.missing[:most]
        if not starts:
            return
        progress.phase("drawing prior pictures")
        self._folder.mkdir(parents=True, exist_ok=True)
        counts = [len(self._wanted(start)) for start in starts]
        for number, start in enumerate(starts, start=1):
            progress.raise_if_stopped()
            self._draw_block(start)
            progress.report(sum(counts[:number]), sum(counts))

    def try_out(self, progress: Progress) -> Drawing:
        """Draw a block, and a second one to tell what the others will take: the first also warms up.

        Raises:
            DiskFull: There is no room.
            Stopped: Somebody asked to stop.
        """
        begun = time.perf_counter()
        self.draw(progress, most=1)
        second = time.perf_counter()
        self.draw(progress, most=1)
        ended = time.perf_counter()
        return Drawing(spent_s=ended - begun, left_s=len(self.missing) * (ended - second))

    def read(self) -> np.ndarray:
        """Return all of them, (N, S, S, 3) uint8, only once they are drawn; one that is damaged is drawn again."""
        return np.stack([self._read(index) for index in range(self._config.prior_images)])

    def _read(self, index: int) -> np.ndarray:
        file = self._file(index)
        with suppress(DatasetError):
            return load_square(file, self._config.size_px)
        file.unlink(missing_ok=True)
        self._draw_block(index - index % self._block)
        return load_square(file, self._config.size_px)

    def _draw_block(self, start: int) -> None:
        indices = range(start, start + self._block)
        latents = self._latents([picture_seed(PRIOR_SEED, index) for index in indices])
        for index, one in zip(indices, latents.split(1), strict=True):
            write_bytes(self._file(index), encode_png(self._base.decode(one)[0]))

    def _latents(self, seeds: list[int]) -> torch.Tensor:
        """Draw a block, one by one if there is no memory for all at once: a step may need less."""
        config, sampling = self._config, Sampling(self._config.sample_steps, self._config.guidance)
        draw = partial(self._base.draw, config.prior_prompt, size_px=config.size_px, sampling=sampling)
        with suppress(torch.OutOfMemoryError):
            return draw(seeds)
        return torch.cat([draw([seed]) for seed in seeds])

    def _wanted(self, start: int) -> range:
        return range(start, min(start + self._block, self._config.prior_images))

    def _file(self, index: int) -> Path:
        return self._folder / f"{index:04d}.png"


def prior_folder(workspace: Workspace, base: StableDiffusion, identity: str, config: DreamBoothConfig) -> Path:
    """Return where prior pictures are kept: by what decides how they look."""
    said = {
        "base": identity, "prompt": config.prior_prompt, "size_px": config.size_px, "seed": PRIOR_SEED,
        "steps": config.sample_steps, "guidance": config.guidance,
        "precision": "bf16" if uses_bf16(base.device, base.precision) else "fp32", "frozen": str(base.unet.dtype),
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return workspace.cache / "priors" / digest[:32]
