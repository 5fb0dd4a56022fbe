"""Checking an export: every file has its checksum, every picture its row, and nothing is missing."""

import csv
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import BaseModel

from leafcore.data.listing import leads_outside
from leafcore.errors import DatasetError
from leafcore.export.packing import PIECE_BYTES, SUMS
from leafcore.images import SUFFIXES

REQUIRED = ("manifest.csv", "labels.csv", "DATA_CARD.md", "LICENSES.md", SUMS)


class Verified(BaseModel):
    """What a ZIP was found to hold, if nothing is wrong with it.

    Attributes:
        zip: Where it is.
        files: Files in all.
        images: How many of these are pictures.
        synthetic: How many pictures are synthetic, by the manifest.
        bytes: The ZIP's size.
    """

    zip: str
    files: int
    images: int
    synthetic: int
    bytes: int


def verify(path: Path) -> Verified:
    """Check an export.

    Raises:
        DatasetError: It is no ZIP, lacks a required file, or a file has no row, a row no file, or a checksum differs.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _verified(path, archive)
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DatasetError(f"{path}: a folder, expected the ZIP of an export.") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DatasetError(f"{path}: not a whole ZIP ({error}); download or export it again.") from None


def _verified(path: Path, archive: zipfile.ZipFile) -> Verified:
    names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    _refuse(path, (name for name in names if leads_outside(name)), "leads outside the folder it is unpacked in")
    _refuse(path, _repeated(names), "is there twice")
    _refuse(path, (name for name in REQUIRED if name not in names), "is missing; expected in every export")
    _check_sums(path, archive, names)
    rows = _table(path, archive, "manifest.csv", ("file", "sha256", "synthetic"))
    labels = _table(path, archive, "labels.csv", ("image", "labels"))
    pictures = {name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES}
    for name, files in (
        ("manifest.csv", [row["file"] for row in rows]),
        ("labels.csv", [row["image"] for row in labels]),
    ):
        _refuse(path, _repeated(files), f"has two rows in {name}")
        _refuse(path, sorted(pictures - set(files)), f"has no row in {name}")
        _refuse(path, sorted(set(files) - set(names)), f"has a row in {name} and is not there")
    sums = _sums(path, archive)
    _refuse(
        path,
        (row["file"] for row in rows if row["sha256"] != sums.get(row["file"])),
        "has another checksum in manifest.csv",
    )
    synthetic = sum(row["synthetic"] == "True" for row in rows)
    return Verified(
        zip=str(path), files=len(names), images=len(pictures), synthetic=synthetic, bytes=path.stat().st_size
    )


def _refuse(path: Path, wrong: Iterator[str] | list[str], what: str) -> None:
    """Refuse a ZIP if there is anything wrong with it: name the first, count the others."""
    found = list(wrong)
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise DatasetError(f"{path}: {found[0]} {what}{more}.")


def _repeated(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _check_sums(path: Path, archive: zipfile.ZipFile, names: list[str]) -> None:
    """Read every file once, and compare it with its checksum."""
    sums = _sums(path, archive)
    _refuse(path, sorted(set(names) - set(sums) - {SUMS}), f"has no checksum in {SUMS}")
    _refuse(path, sorted(set(sums) - set(names)), f"has a checksum in {SUMS} and is not there")
    for name, expected in sums.items():
        digest = hashlib.sha256()
        with archive.open(name) as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
        if digest.hexdigest() != expected:
            _refuse(path, [name], f"has changed: its checksum is another than in {SUMS}")


def _sums(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the checksum of each file that has one."""
    lines = (line.partition("  ") for line in _text(path, archive, SUMS).splitlines())
    return {name: sha256 for sha256, _, name in lines}


def _table(path: Path, archive: zipfile.ZipFile, name: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(_text(path, archive, name), newline=""))
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise DatasetError(f"{path}: {name} has no column {missing[0]!r}.")
    return [{column: row[column] or "" for column in columns} for row in reader]


def _text(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    try:
        return archive.read(name).decode()
    except UnicodeDecodeError:
        raise DatasetError(f"{path}: {name} is no UTF-8 text; export the set again.") from None
