"""The pictures LFLSeg learns from: whole leaves of a dataset, and photographs of other things."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leafcore.data.manifest import load
from leafcore.data.pixels import image_pixels
from leafcore.data.seen import Seen
from leafcore.data.transforms import load_size
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.images import SUFFIXES, encode_png
from leafcore.progress import Progress
from leafcore.train.configs import LFLSegConfig
from leafcore.workspace import Workspace

RENDERED_NONLEAF = 240  # scenes drawn when no folder is named
VAL_SHARE = 0.15  # of the non-leaf pictures


@dataclass(frozen=True)
class LFLSegPictures:
    """Decoded pictures, (N, L, L, 3) uint8 each; parts are cut from leaves as they are needed."""

    train_leaf: np.ndarray
    val_leaf: np.ndarray
    train_nonleaf: np.ndarray
    val_nonleaf: np.ndarray
    seen: Seen


def lflseg_pictures(config: LFLSegConfig, workspace: Workspace, progress: Progress) -> LFLSegPictures:
    """Load the train and validation leaves of a dataset, and divide the pictures without a leaf.

    Raises:
        DatasetError: There is no train picture, or too few pictures without a leaf.
    """
    dataset = load(workspace, config.dataset)
    train, val = dataset.select(split="train"), dataset.select(split="val")
    if train.empty:
        raise DatasetError(f"dataset: {dataset.ref} has no train picture to learn leaves from.")
    other = _nonleaf_files(config, workspace, progress)
    order = np.random.default_rng(config.seed).permutation(len(other))
    cut = max(1, round(len(other) * VAL_SHARE))

    def pixels(paths: Sequence[Path]) -> np.ndarray:
        return image_pixels(workspace, paths, load_size(config.size_px), progress)

    return LFLSegPictures(
        train_leaf=pixels(dataset.paths(train)),
        val_leaf=pixels(dataset.paths(val)),
        train_nonleaf=pixels([other[index] for index in order[cut:]]),
        val_nonleaf=pixels([other[index] for index in order[:cut]]),
        seen={"lflseg": list(train["sha256"]), "probe": list(val["sha256"])},
    )


def _nonleaf_files(config: LFLSegConfig, workspace: Workspace, progress: Progress) -> Sequence[Path]:
    """Return the pictures without a leaf: the user's folder, or scenes of our own."""
    if config.nonleaf == "rendered":
        return _draw_nonleaf(workspace, config.size_px, progress)
    folder = Path(config.nonleaf).expanduser()
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if len(files) < 2:
        raise DatasetError(
            f"nonleaf: {folder} holds {len(files)} pictures, expected at least 2 (better 200) photographs without a "
            "leaf; or say 'rendered' for scenes of our own."
        )
    return files


def _draw_nonleaf(workspace: Workspace, size_px: int, progress: Progress) -> Sequence[Path]:
    """Return scenes without a leaf, drawn once per workspace and size."""
    from leafcore.data.rendered import render_nonleaf

    folder = workspace.cache / "nonleaf" / f"{size_px}px"
    files = [folder / f"scene-{seed:04d}.png" for seed in range(RENDERED_NONLEAF)]
    progress.phase("drawing scenes without leaves")
    for seed, file in enumerate(files):
        if not file.exists():
            write_bytes(file, encode_png(render_nonleaf(size_px, seed=seed)))
        progress.raise_if_stopped()
    return files
