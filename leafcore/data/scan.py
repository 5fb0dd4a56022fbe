"""Looking at every picture of a listing once: can it be read, what is it, what is odd about it?"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from PIL import Image

from leafcore.data.duplicates import perceptual_hash
from leafcore.data.listing import Entry, Listing
from leafcore.data.manifest import Skipped
from leafcore.data.taken import day_taken
from leafcore.data.traits import traits_of
from leafcore.errors import DatasetError
from leafcore.images import open_rgb
from leafcore.progress import Progress


def scan(listing: Listing, progress: Progress) -> tuple[pd.DataFrame, list[Skipped]]:
    """Decode and hash every picture of a listing, on all cores.

    Returns:
        A row per picture that can be read: the columns of a manifest but `split`, and `fixed_split`; and the others.

    Raises:
        Stopped: Somebody asked to stop.
    """
    progress.phase("reading")
    rows: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(lambda entry: _scan_file(listing.root, entry), listing.entries)
        for done, row in enumerate(found, start=1):
            if isinstance(row, Skipped):
                skipped.append(row)
            else:
                rows.append(row)
            progress.report(done, len(listing.entries))
            if progress.should_stop:
                pool.shutdown(cancel_futures=True)
                progress.raise_if_stopped()
    return pd.DataFrame(rows), skipped


def _scan_file(root: Path, entry: Entry) -> dict[str, object] | Skipped:
    path = root / entry.image
    try:
        picture = open_rgb(path)
        content = path.read_bytes()
        with Image.open(path) as header:
            traits, taken = traits_of(header), day_taken(header)
    except (DatasetError, OSError) as error:
        return Skipped(image=entry.image, reason=str(error).removeprefix(f"{path}: "))
    is_drawn = bool(entry.sha256)  # by our own code: told apart by what was drawn, on every processor alike
    return {
        "image": entry.image,
        "labels": entry.labels,
        "group": entry.group or entry.image,
        "fixed_split": entry.split,
        "sha256": entry.sha256 or hashlib.sha256(content).hexdigest(),
        "phash": "" if is_drawn else perceptual_hash(picture),
        "traits": traits,
        "taken": taken,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(content),
        "mask": entry.mask,
    }
