"""What is sent to the server: pieces of a file, written as they come, that have a name only when all are there."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from leafcore.errors import ConfigError, TooLarge
from leafcore.files import require_space
from leafcore.workspace import Workspace, check_name

MAX_MB_VARIABLE = "LEAF_MAX_UPLOAD_MB"
MAX_MB = 20_000  # if the variable says nothing: Plant Pathology 2021 is 16 GB
SPACE_EVERY = 256 * 2**20  # bytes between two looks at the disk


class Upload(BaseModel):
    """A file that has arrived.

    Attributes:
        path: Where it is; an import takes it as its source.
        bytes: Its size.
        sha256: Its hash.
    """

    path: str
    bytes: int
    sha256: str


class Incoming:
    """A file while it arrives; see `receive`."""

    def __init__(self, folder: Path, name: str, limit_bytes: int) -> None:
        self._folder = folder
        self._name = name
        self._limit = limit_bytes
        self._partial = folder / f".{uuid.uuid4().hex}.partial"
        self._file = self._partial.open("xb")
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._space_checked = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Write the next piece.

        Raises:
            TooLarge: There is more of it than may be uploaded.
            DiskFull: There is no room left.
        """
        self._bytes += len(piece)
        if self._bytes > self._limit:
            raise _too_large(self._name, self._limit)
        if self._bytes - self._space_checked > SPACE_EVERY:
            require_space(self._folder, 0)
            self._space_checked = self._bytes
        self._file.write(piece)
        self._hash.update(piece)

    def finish(self) -> Upload:
        """Put the file in place.

        The folder is named after the content, so what is sent twice is there once, and two files of one name do not
        meet.

        Raises:
            ConfigError: Nothing was sent.
        """
        if not self._bytes:
            raise ConfigError(f"upload: {self._name} is empty; send the file itself as the request's body.")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._hash.hexdigest()
        path = self._folder / digest[:12] / self._name
        path.parent.mkdir(exist_ok=True)
        os.replace(self._partial, path)
        return Upload(path=str(path), bytes=self._bytes, sha256=digest)

    def close(self) -> None:
        """Leave nothing behind of a file that was not finished."""
        self._file.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def receive(workspace: Workspace, name: str, *, announced_bytes: int = 0) -> Iterator[Incoming]:
    """Receive a ZIP into the workspace. What is not finished when this is left is removed.

    Args:
        workspace: Where it goes.
        name: What the sender calls it.
        announced_bytes: How large it is said to be; 0 if nothing was said.

    Raises:
        ConfigError: The name is missing, leads elsewhere, or is no ZIP's.
        TooLarge: It is larger than may be uploaded.
        DiskFull: There is no room for it.
    """
    name, limit = _checked_name(name), max_bytes()
    if announced_bytes > limit:
        raise _too_large(name, limit)
    folder = workspace.uploads
    folder.mkdir(parents=True, exist_ok=True)
    require_space(folder, announced_bytes)
    incoming = Incoming(folder, name, limit)
    try:
        yield incoming
    finally:
        incoming.close()


def max_bytes() -> int:
    """Return how large an upload may be: `$LEAF_MAX_UPLOAD_MB`, else 20 GB.

    Raises:
        ConfigError: The variable is not a positive number.
    """
    said = os.environ.get(MAX_MB_VARIABLE, "").strip() or str(MAX_MB)
    if not said.isdecimal() or int(said) == 0:
        raise ConfigError(f"{MAX_MB_VARIABLE}: got {said!r}, expected a number of megabytes.")
    return int(said) * 10**6


def _checked_name(name: str) -> str:
    if not name:
        raise ConfigError("name: missing, expected the file's name: POST /api/uploads?name=leaves.zip")
    if not name.lower().endswith(".zip"):
        raise ConfigError(f"name: got {name!r}, expected a .zip; a table and its pictures come in one ZIP.")
    return f"{check_name(name[:-4])}.zip"


def tidy_name(name: str) -> str:
    """Return a name that `receive` takes for a file that a person calls something else."""
    stem = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in Path(name).stem).strip("-")[:70]
    return f"{stem or 'upload'}.zip"


def _too_large(name: str, limit: int) -> TooLarge:
    return TooLarge(
        f"upload: {name} is larger than the {limit / 1e6:,.0f} MB that may be sent; import its path instead, or set "
        f"{MAX_MB_VARIABLE}."
    )
