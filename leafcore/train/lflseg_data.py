"""The pictures LFLSeg learns from: whole leaves of a dataset, parts of them, and photographs of other things.

A part is cut out of a leaf and enlarged, so it is soft beside a whole leaf. A network that notices need not look at the
leaf, and its heat map need not cover it. So parts are cut where the pictures are large, and no class is ever shown with
more detail than a part has.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from leafcore.data.layouts import GRID
from leafcore.data.listing import pictures_below
from leafcore.data.manifest import load
from leafcore.data.nonleaf import nonleaf_folder
from leafcore.data.pixels import image_pixels
from leafcore.data.seen import Seen
from leafcore.data.transforms import load_size
from leafcore.errors import DatasetError
from leafcore.images import open_rgb
from leafcore.progress import Progress
from leafcore.train.configs import LFLSegConfig
from leafcore.workspace import Workspace

CLASSES = ("full leaf", "partial leaf", "non-leaf")
LEAST_NONLEAF = 2  # pictures without a leaf: one to learn from, one to validate on
VAL_SHARE = 0.15  # of the non-leaf pictures
LEAF_BYTES = 4e9  # of decoded leaves in the cache: they are kept larger than the network sees them, if that fits


@dataclass(frozen=True)
class LFLSegPictures:
    """Decoded pictures; parts are cut from leaves as they are needed.

    Attributes:
        train_leaf: (N, M, M, 3) uint8; M is `leaf_size`.
        val_leaf: The same.
        train_nonleaf: (N, L, L, 3) uint8; L is `load_size`.
        val_nonleaf: The same.
        seen: The SHA-256 of the leaves, by role.
        detail: The most that a picture of any class may show, see `part_detail`.
    """

    train_leaf: np.ndarray
    val_leaf: np.ndarray
    train_nonleaf: np.ndarray
    val_nonleaf: np.ndarray
    seen: Seen
    detail: float = 1.0


def lflseg_pictures(config: LFLSegConfig, workspace: Workspace, progress: Progress) -> LFLSegPictures:
    """Load the train and validation leaves of a dataset, and divide the pictures without a leaf.

    Raises:
        DatasetError: There is no train picture, or too few pictures without a leaf.
    """
    dataset = load(workspace, config.dataset)
    train, val = dataset.select(split="train"), dataset.select(split="val")
    if train.empty:
        raise DatasetError(f"dataset: {dataset.ref} has no train picture to learn leaves from.")
    leaves = pd.concat([train, val])
    leaf_px, load_px = leaf_size(leaves, config.size_px), load_size(config.size_px)

    def pixels(paths: Sequence[Path], side: int = load_px) -> np.ndarray:
        return image_pixels(workspace, paths, side, progress)

    others = pictures_below(nonleaf_folder(config.nonleaf, workspace, config.size_px, progress))
    train_nonleaf, val_nonleaf = _nonleaf(config, others, pixels, progress)
    return LFLSegPictures(
        train_leaf=pixels(dataset.paths(train), leaf_px),
        val_leaf=pixels(dataset.paths(val), leaf_px),
        train_nonleaf=train_nonleaf,
        val_nonleaf=val_nonleaf,
        seen={"lflseg": list(train["sha256"]), "probe": list(val["sha256"])},
        detail=part_detail(leaves, leaf_px, config.size_px),
    )


# --- sizes and detail -------------------------------------------------------------------------------------------------


def leaf_size(records: pd.DataFrame, size_px: int) -> int:
    """Return the side that leaves are decoded at, so that a part of one has detail of its own.

    Three times the size of other pictures, unless the leaves are smaller than that or would fill the disk.

    Args:
        records: The leaves' rows of the manifest.
        size_px: The side of what the network sees.
    """
    least = load_size(size_px)
    affordable = int(math.sqrt(LEAF_BYTES / (3 * len(records))))
    return max(least, min(GRID * least, _short_side(records), affordable))


def part_detail(records: pd.DataFrame, leaf_px: int, size_px: int) -> float:
    """Return how much detail a part has: the share of its pixels, along a side, when it is shown like other pictures.

    Args:
        records: The leaves' rows of the manifest.
        leaf_px: The side that leaves are decoded at.
        size_px: The side of what the network sees.

    Returns:
        In (0, 1]: 1 where a part need not be enlarged.
    """
    return min(1.0, min(_short_side(records), leaf_px) / GRID / load_size(size_px))


def _short_side(records: pd.DataFrame) -> int:
    """Return the shorter side that nine of ten pictures reach, px."""
    return int(records[["width", "height"]].min(axis=1).quantile(0.1, interpolation="lower"))


def pick(images: np.ndarray, indices: torch.Tensor) -> torch.Tensor:
    """Return some pictures of (N, L, L, 3) as (n, 3, L, L)."""
    return torch.from_numpy(np.ascontiguousarray(images[indices.numpy()])).permute(0, 3, 1, 2)


def cut_parts(leaves: np.ndarray, indices: torch.Tensor) -> torch.Tensor:
    """Cut cells out of pictures.

    Args:
        leaves: (N, M, M, 3) uint8.
        indices: (n,) int64 in [0, 9 N); each names a picture and one of its nine cells.

    Returns:
        (n, 3, M // 3, M // 3) uint8.
    """
    side = leaves.shape[1] // GRID
    cells = []
    for index in indices.tolist():
        leaf, cell = divmod(index, GRID**2)
        top, left = (cell // GRID) * side, (cell % GRID) * side
        cells.append(leaves[leaf, top : top + side, left : left + side])
    return torch.from_numpy(np.stack(cells)).permute(0, 3, 1, 2)


# --- pictures without a leaf ------------------------------------------------------------------------------------------


def _nonleaf(
    config: LFLSegConfig, files: Sequence[Path], pixels: Callable[[Sequence[Path]], np.ndarray], progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the train and the validation pictures; files that cannot be read are named and left out."""

    def divided(files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
        if len(files) < LEAST_NONLEAF:
            raise DatasetError(
                f"nonleaf: {Path(config.nonleaf).expanduser()} holds {len(files)} pictures that can be read, expected "
                f"at least {LEAST_NONLEAF} (better 200) photographs without a leaf; or say 'rendered' for scenes of "
                "our own."
            )
        order = np.random.default_rng(config.seed).permutation(len(files))
        cut = max(1, round(len(files) * VAL_SHARE))
        return pixels([files[index] for index in order[cut:]]), pixels([files[index] for index in order[:cut]])

    try:
        return divided(files)
    except DatasetError:  # too few, or one of them is damaged: only then look at each
        return divided(_readable(files, progress))


def _readable(files: Sequence[Path], progress: Progress) -> list[Path]:
    """Return the files that can be decoded; say how many cannot, and name the first three."""
    progress.phase("looking for damaged pictures")
    good: list[Path] = []
    problems: list[str] = []
    for file in files:
        try:
            open_rgb(file)
            good.append(file)
        except DatasetError as error:
            problems.append(str(error))
        progress.raise_if_stopped()
    if problems:
        pictures = "1 picture" if len(problems) == 1 else f"{len(problems)} pictures"
        progress.warn(f"nonleaf: {pictures} left out, first: {' '.join(problems[:3])}")
    return good
