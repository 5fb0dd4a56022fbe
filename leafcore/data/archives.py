"""Unpacking a ZIP that somebody else made: nothing lands outside the folder, and a bomb is refused before it bursts."""

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from leafcore.data.listing import leads_outside
from leafcore.errors import DatasetError
from leafcore.files import require_space
from leafcore.images import SUFFIXES
from leafcore.progress import Progress

MAX_ENTRIES = 500_000
MAX_RATIO = 100  # pictures hardly shrink; a table of labels may, and is small
SMALL_BYTES = 16 * 2**20  # what may be packed as tightly as it likes
_TAIL_BYTES = 66_000  # the end record and the longest comment after it
KEPT = SUFFIXES | {".csv", ".json"}


def unpack(archive: Path, folder: Path, progress: Progress) -> Path:
    """Unpack the pictures and tables of a ZIP.

    Args:
        archive: The ZIP.
        folder: Where its content goes; made anew, and removed again if anything is wrong.
        progress: Told how many files are out.

    Returns:
        Where the dataset begins: the folder, or the only folder in it, as deep as that goes.

    Raises:
        DatasetError: It is no ZIP, is damaged, or holds a name, a link or a size that nobody means well with.
        DiskFull: There is no room for what it holds.
        Stopped: Somebody asked to stop.
    """
    progress.phase("unpacking")
    folder.mkdir(parents=True)
    is_whole = False
    try:
        with _opened(archive) as packed:
            members = _checked(archive, packed)
            require_space(folder, sum(member.file_size for member in members))
            for done, member in enumerate(members, start=1):
                _write(packed, member, folder)
                progress.report(done, len(members))
                progress.raise_if_stopped()
        is_whole = True
    finally:
        if not is_whole:
            shutil.rmtree(folder, ignore_errors=True)
    return begin(folder)


def outline(archive: Path, folder: Path) -> None:
    """Write what a ZIP looks like: its tables as they are, and an empty file for each picture.

    Args:
        archive: The ZIP.
        folder: An existing, empty folder.

    Raises:
        DatasetError: As `unpack`.
    """
    with _opened(archive) as packed:
        for member in _checked(archive, packed):
            if PurePosixPath(member.filename).suffix.lower() in SUFFIXES:
                (folder / member.filename).parent.mkdir(parents=True, exist_ok=True)
                (folder / member.filename).touch()
            else:
                _write(packed, member, folder)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP, and say in one line what is wrong with it."""
    _require_few(archive, _announced_entries(archive))
    try:
        with zipfile.ZipFile(archive) as packed:
            yield packed
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise DatasetError(f"{archive}: not a ZIP that can be unpacked ({error}); pack it again.") from None


def _announced_entries(archive: Path) -> int:
    """Return how many files a ZIP says it holds: opening it reads the names of all, and a million take 600 MB.

    From its end record, APPNOTE.TXT 4.3.16, or 4.3.14 where the number is too large for that; 0 if there is none.
    """
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 12 > len(tail):
        return 0
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if count == 0xFFFF and large >= 0:
        count = int.from_bytes(tail[large + 32 : large + 40], "little")
    return count


def _require_few(archive: Path, count: int) -> None:
    if count > MAX_ENTRIES:
        raise DatasetError(f"{archive}: holds {count} files, expected at most {MAX_ENTRIES}.")


def _checked(archive: Path, packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members that are pictures and tables, after looking at all of them."""
    members = packed.infolist()
    _require_few(archive, len(members))
    for member in members:
        if leads_outside(member.filename) or "\\" in member.orig_filename:
            raise DatasetError(f"{archive}: {member.filename!r} leads out of the folder; pack it again.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DatasetError(f"{archive}: {member.filename!r} is a link; pack the file that it names.")
        if member.file_size > SMALL_BYTES and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise DatasetError(
                f"{archive}: {member.filename!r} grows from {member.compress_size} to {member.file_size} bytes, more "
                f"than {MAX_RATIO} times; that is no picture."
            )
    return [member for member in members if not member.is_dir() and _is_wanted(member.filename)]


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in KEPT and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _write(packed: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(member) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)


def begin(folder: Path) -> Path:
    """Return where a dataset begins: below folders that hold but one other folder; a class folder is not followed."""
    while True:
        with os.scandir(folder) as found:
            children = list(found)
        if len(children) != 1 or not children[0].is_dir():
            return folder
        inside = Path(children[0].path)
        if any(child.is_file() and child.suffix.lower() in SUFFIXES for child in inside.iterdir()):
            return folder
        folder = inside
