"""Looking at every picture of a listing once: can it be read, what is it, what is odd about it?"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from PIL import Image

from leafcore.data.duplicates import perceptual_hash
from leafcore.data.listing import Entry, Listing
from leafcore.data.manifest import Skipped
from leafcore.data.taken import camera_of, day_taken
from leafcore.data.traits import traits_of
from leafcore.errors import DatasetError
from leafcore.files import write_atomic
from leafcore.images import open_rgb, thumbnail
from leafcore.progress import Progress
from leafcore.workspace import Workspace

BATCH = 16  # pictures handed to a thread at a time


def scan(
    listing: Listing, workspace: Workspace, progress: Progress, *, workers: int | None = None
) -> tuple[pd.DataFrame, list[Skipped]]:
    """Decode every picture of a listing once: hash it, note what is odd, keep a thumbnail.

    Args:
        listing: What a layout names.
        workspace: Where the thumbnails are kept.
        progress: Told how many pictures are done.
        workers: How many threads; as many as there are cores if None.

    Returns:
        A row per picture that can be read: the columns of a manifest but `split`, and `fixed_split`; and the others.

    Raises:
        Stopped: Somebody asked to stop.
    """
    progress.phase("reading")
    rows: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count()) as pool:
        batches = [listing.entries[start : start + BATCH] for start in range(0, len(listing.entries), BATCH)]
        for batch in pool.map(partial(_scan_batch, listing.root, workspace), batches):
            for row in batch:
                if isinstance(row, Skipped):
                    skipped.append(row)
                else:
                    rows.append(row)
            progress.report(len(rows) + len(skipped), len(listing.entries))
            if progress.should_stop:
                pool.shutdown(cancel_futures=True)
                progress.raise_if_stopped()
    return pd.DataFrame(rows), skipped


def thumbnail_file(workspace: Workspace, sha256: str) -> Path:
    """Return where a picture's thumbnail is, or will be."""
    return workspace.cache / "thumbnails" / f"{sha256}.jpg"


def keep_thumbnail(kept: Path, picture: Image.Image) -> bytes:
    """Write a picture's thumbnail where `thumbnail_file` says, and return it."""
    small = thumbnail(picture)
    write_atomic(kept, lambda file: file.write(small), flush=False)
    return small


def _scan_batch(root: Path, workspace: Workspace, entries: Sequence[Entry]) -> list[dict[str, object] | Skipped]:
    return [_scan_file(root, workspace, entry) for entry in entries]


def _scan_file(root: Path, workspace: Workspace, entry: Entry) -> dict[str, object] | Skipped:
    path = root / entry.image
    try:
        picture = open_rgb(path)
        with path.open("rb") as file:
            sha256 = entry.sha256 or hashlib.file_digest(file, "sha256").hexdigest()
        with Image.open(path) as header:
            traits, taken, camera = traits_of(header), day_taken(header), camera_of(header)
    except (DatasetError, OSError) as error:
        return Skipped(image=entry.image, reason=str(error).removeprefix(f"{path}: "))
    kept = thumbnail_file(workspace, sha256)
    if not kept.exists():
        keep_thumbnail(kept, picture)
    is_drawn = bool(entry.sha256)  # by our own code: told apart by what was drawn, on every processor alike
    return {
        "image": entry.image,
        "labels": entry.labels,
        "group": entry.group or entry.image,
        "fixed_split": entry.split,
        "sha256": sha256,
        "phash": "" if is_drawn else perceptual_hash(picture),
        "traits": traits,
        "taken": taken,
        "camera": camera,
        "width": picture.width,
        "height": picture.height,
        "bytes": path.stat().st_size,
        "mask": entry.mask,
    }
