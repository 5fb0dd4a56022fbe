"""Decoded, resized pictures in a memory-mapped file, so that each is decoded once and not once per epoch."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from leafcore.errors import DatasetError
from leafcore.files import require_space, temporary_for
from leafcore.images import load_mask, load_square
from leafcore.progress import Progress
from leafcore.workspace import Workspace


def image_pixels(workspace: Workspace, paths: Sequence[Path], size_px: int, progress: Progress) -> np.ndarray:
    """Return pictures squashed to squares.

    Args:
        workspace: Whose cache keeps them.
        paths: The pictures' files.
        size_px: The side of the squares.
        progress: Told of the decoding, if there is any to do.

    Returns:
        (N, size_px, size_px, 3) uint8, memory-mapped and read-only.

    Raises:
        DatasetError: A file is gone or damaged since the import; the message names it.
        DiskFull: There is no room for the pixels.
        Stopped: Somebody asked to stop.
    """
    return _cached(workspace, paths, (size_px, size_px, 3), lambda path: load_square(path, size_px), progress)


def mask_pixels(workspace: Workspace, paths: Sequence[Path], size_px: int, progress: Progress) -> np.ndarray:
    """Return masks squashed to squares, nearest pixel.

    Args:
        workspace: Whose cache keeps them.
        paths: The masks' files.
        size_px: The side of the squares.
        progress: Told of the decoding, if there is any to do.

    Returns:
        (N, size_px, size_px, 1) uint8, 1 on the leaf; memory-mapped and read-only.

    Raises:
        DatasetError: A file is gone or damaged; the message names it.
        DiskFull: There is no room for the pixels.
        Stopped: Somebody asked to stop.
    """

    def decode(path: Path) -> np.ndarray:
        return load_mask(path, size_px)[..., None].astype(np.uint8)

    return _cached(workspace, paths, (size_px, size_px, 1), decode, progress)


def _cached(
    workspace: Workspace,
    paths: Sequence[Path],
    shape: tuple[int, int, int],
    decode: Callable[[Path], np.ndarray],
    progress: Progress,
) -> np.ndarray:
    """Return the decoded files, from the cache if none of them has changed since."""
    folder = workspace.cache / "pixels"
    target = folder / f"{_key(paths, shape)}.npy"
    whole = (len(paths), *shape)
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        require_space(folder, int(np.prod(whole)))
        _fill(target, whole, paths, decode, progress)
    pixels: np.ndarray = np.load(target, mmap_mode="r")
    return pixels


def _key(paths: Sequence[Path], shape: tuple[int, ...]) -> str:
    """Return a hash of which files these are, as they are now, and how they are resized."""
    digest = hashlib.sha256(repr(shape).encode())
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise DatasetError(
                f"{path}: gone since it was imported; put it back, or import the dataset again."
            ) from None
        digest.update(f"{path}\t{stat.st_mtime_ns}\t{stat.st_size}\n".encode())
    return digest.hexdigest()[:32]


def _fill(
    target: Path,
    shape: tuple[int, ...],
    paths: Sequence[Path],
    decode: Callable[[Path], np.ndarray],
    progress: Progress,
) -> None:
    """Decode on all cores into a temporary file, then put it in place."""
    progress.phase("decoding")
    temporary = temporary_for(target)
    try:
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        try:
            with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
                for index, picture in enumerate(pool.map(decode, paths)):
                    pixels[index] = picture
                    progress.report(index + 1, len(paths))
                    if progress.should_stop:
                        pool.shutdown(cancel_futures=True)
                        progress.raise_if_stopped()
            pixels.flush()
        finally:
            del pixels  # Windows neither moves nor removes a file that is mapped
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
