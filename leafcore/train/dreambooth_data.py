"""The data of DreamBooth: latents of the pictures that show the token, and of those that the base drew before."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from leafcore.data.sampling import ShuffledStream
from leafcore.files import write_bytes
from leafcore.images import encode_png, load_square, to_signed
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.train.dreambooth_base import Sampling, StableDiffusion
from leafcore.train.dreambooth_config import DreamBoothConfig
from leafcore.workspace import Workspace

PRIOR_SEED = 0  # of the pictures for prior preservation: those of every run alike, so that they are drawn once


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


def prior_pictures(
    base: StableDiffusion, identity: str, config: DreamBoothConfig, workspace: Workspace, progress: Progress
) -> np.ndarray:
    """Return what the untouched base draws of the prior prompt, drawn once and kept in the workspace's cache.

    Picture k is the same however many are asked for, so that more of them only draws the rest.

    Args:
        base: As it was loaded.
        identity: Its `fingerprint`.
        config: Says prompt, number and size.
        workspace: Whose cache keeps them.
        progress: Told of each picture.

    Returns:
        (N, S, S, 3) uint8.

    Raises:
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; those that were drawn stay.
    """
    sampling = Sampling(config.sample_steps, config.guidance)
    folder = prior_folder(workspace, identity, config)
    files = [folder / f"{index:04d}.png" for index in range(config.prior_images)]
    missing = [index for index, file in enumerate(files) if not file.exists()]
    if missing:
        progress.phase("drawing prior pictures")
        folder.mkdir(parents=True, exist_ok=True)
    for done, index in enumerate(missing):
        progress.raise_if_stopped()
        seed = picture_seed(PRIOR_SEED, index)
        latents = base.draw(config.prior_prompt, [seed], size_px=config.size_px, sampling=sampling)
        write_bytes(files[index], encode_png(base.decode(latents)[0]))
        progress.report(done + 1, len(missing))
    return np.stack([load_square(file, config.size_px) for file in files])


def prior_folder(workspace: Workspace, identity: str, config: DreamBoothConfig) -> Path:
    """Return where prior pictures are kept: by what decides how they look."""
    said = {
        "base": identity, "prompt": config.prior_prompt, "size_px": config.size_px, "seed": PRIOR_SEED,
        "steps": config.sample_steps, "guidance": config.guidance,
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return workspace.cache / "priors" / digest[:32]
