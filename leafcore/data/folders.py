"""Layouts in which the folder says what a picture shows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from leafcore.data.labels import label_name, label_set
from leafcore.data.listing import Entry, Listing
from leafcore.data.manifest import Skipped
from leafcore.errors import DatasetError
from leafcore.images import SUFFIXES

DOMAINS = ("trainA", "trainB", "valA", "valB", "testA", "testB")
DOMAIN_LABELS = "domains.json"


def read_folders(path: Path) -> Listing:
    """Read one folder per class, as PlantVillage comes: the folder's name is the label.

    Raises:
        DatasetError: There is no folder with a picture in it.
    """
    entries, skipped = [], []
    if not path.is_dir():
        raise DatasetError(f"{path}: expected a folder that holds one folder per class, got a file.")
    for child in sorted(path.iterdir()):
        files = sorted(child.rglob("*")) if child.is_dir() else [child]
        for file in files:
            below = file.relative_to(path)
            if any(part.startswith(".") for part in below.parts):
                continue
            is_picture = file.suffix.lower() in SUFFIXES
            if file.is_dir():
                if is_picture:
                    skipped.append(Skipped(image=below.as_posix(), reason="a folder, not a picture"))
                continue
            if is_picture and file != child:
                entries.append(Entry(below.as_posix(), label_name(child.name)))
            elif is_picture:
                skipped.append(Skipped(image=below.as_posix(), reason="not in a class folder"))
            elif file != child:
                skipped.append(Skipped(image=below.as_posix(), reason=f"not a picture ({file.suffix or 'no ending'})"))
    if not entries:
        raise DatasetError(
            f"{path}: no pictures found; expected one folder per class with {', '.join(sorted(SUFFIXES))} files in it, "
            "or a train.csv with the columns image and labels."
        )
    return Listing(path, entries, skipped)


def read_domains(path: Path) -> Listing:
    """Read an unpaired translation dataset: `trainA trainB testA testB`, as CycleGAN and LeafGAN have it.

    What is in `testA` and `testB` stays the test split, and what is in `valA` and `valB` the validation split. A folder
    `trainA_mask` (LeafGAN's own; `trainA_masked` and other cases of the letters are taken as well) holds a mask of the
    same stem for each picture of `trainA`. The domains get their labels from `domains.json`, as `leafcore write` leaves
    it, else from a folder's name such as `horse2zebra`; otherwise they are `A` and `B`.

    Raises:
        DatasetError: A train folder is missing or empty, or `domains.json` says no labels.
    """
    labels = _domain_labels(path)
    folders = {child.name.lower(): child for child in path.iterdir() if child.is_dir()}
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for domain in DOMAINS:
        folder = folders.get(domain.lower())
        masks = _masks(folders, domain)
        found = len(entries)
        for file in _files(folder) if folder else ():
            below = file.relative_to(path).as_posix()
            if file.suffix.lower() not in SUFFIXES:
                skipped.append(Skipped(image=below, reason=f"not a picture ({file.suffix or 'no ending'})"))
                continue
            mask = masks.get(file.stem)
            entries.append(
                Entry(
                    below,
                    labels[domain[-1]],
                    mask=mask.relative_to(path).as_posix() if mask else "",
                    split=domain[:-1],
                )
            )
        if domain.startswith("train") and len(entries) == found:
            raise DatasetError(f"{path}: {domain} holds no picture; expected trainA and trainB, and testA and testB.")
    return Listing(path, entries, skipped)


def _domain_labels(path: Path) -> dict[str, str]:
    file = path / DOMAIN_LABELS
    if file.is_file():
        try:
            said = json.loads(file.read_text("utf-8"))
            return {letter: label_set(str(said[letter])) for letter in ("A", "B")}
        except (ValueError, KeyError, TypeError):
            raise DatasetError(f'{file}: expected JSON such as {{"A": "healthy", "B": "rust"}}.') from None
    named = re.fullmatch(r"(.+)2(.+)", path.name)
    return {"A": label_name(named[1]), "B": label_name(named[2])} if named else {"A": "A", "B": "B"}


def _masks(folders: dict[str, Path], domain: str) -> dict[str, Path]:
    for ending in ("_mask", "_masks", "_masked"):
        folder = folders.get(f"{domain}{ending}".lower())
        if folder is not None:
            return {file.stem: file for file in _files(folder)}
    return {}


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is not hidden; of folders, those that are called like a picture, for the scan to name."""
    for file in sorted(folder.iterdir()):
        if not file.name.startswith(".") and (not file.is_dir() or file.suffix.lower() in SUFFIXES):
            yield file


def looks_like_domains(path: Path) -> bool:
    """Whether a folder holds `trainA` and `trainB`."""
    names = {child.name.lower() for child in path.iterdir()} if path.is_dir() else set()
    return {"traina", "trainb"} <= names
