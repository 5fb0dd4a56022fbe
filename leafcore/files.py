"""Writing files so that a reader never sees half of one."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from leafcore.errors import DiskFull

RESERVE_BYTES = 64 * 1024**2  # what a guarded write leaves free on the disk


def write_atomic(path: Path, write: Callable[[BinaryIO], object], *, flush: bool = True) -> None:
    """Write a file under a temporary name beside it, flush it to the disk, then put it in place.

    Args:
        path: Where the file goes; its folder is made if it is missing.
        write: Called with the open temporary file.
        flush: Whether to wait for the disk; not worth it for a small file of a cache.

    Raises:
        OSError: The disk refused; the old file, if there was one, is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_for(path)
    try:
        with temporary.open("wb") as file:
            write(file)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_for(path: Path) -> Path:
    """Return the name under which this thread writes a file before it is put in place."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")


def _replace(source: Path, target: Path) -> None:
    """Move a file over another; on Windows a reader may hold the target for a moment."""
    for attempt in range(20):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if attempt == 19:
                raise
            time.sleep(0.05)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically."""
    write_atomic(path, lambda file: file.write(content))


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically, two spaces to a level."""
    write_bytes(path, json.dumps(value, indent=2, ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: There is no such file.
        json.JSONDecodeError: It is not JSON.
    """
    return json.loads(path.read_text(encoding="utf-8"))


def require_space(folder: Path, needed_bytes: int) -> None:
    """Refuse to begin a write that the disk has no room for.

    Args:
        folder: An existing folder on the disk that will be written to.
        needed_bytes: The size of what is about to be written.

    Raises:
        DiskFull: Less than that, and a reserve of 64 MB, is free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + RESERVE_BYTES:
        raise DiskFull(
            f"The disk of {folder} is nearly full: {free / 1e6:.0f} MB free, {needed_bytes / 1e6:.0f} MB needed and "
            f"{RESERVE_BYTES / 1e6:.0f} MB kept in reserve. Free some space, then resume; what was saved before stays."
        )


def sizes(folder: Path) -> dict[str, int]:
    """Return the size in bytes of every file below a folder, by its path there; without one that is just vanishing.

    Args:
        folder: It need not be there.
    """
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            with suppress(FileNotFoundError):
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
    return dict(sorted(found.items()))


def size_bytes(folder: Path) -> int:
    """Return how much disk a folder's files take; a file shared with another folder counts in both."""
    return sum(sizes(folder).values())
