"""Writing a ZIP as a stream: what is in memory is a piece of one file, however large the whole."""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Self

SUMS = "SHA256SUMS"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same pictures give the same bytes
PIECE_BYTES = 1 << 20


class Packer:
    """A stored ZIP (PNG and JPEG do not shrink twice) that knows the SHA-256 of all that it holds.

    Args:
        file: Where it goes, open for writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._sums: dict[str, str] = {}

    def copy(self, path: str, source: Path) -> str:
        """Add a file, and return its SHA-256.

        Raises:
            OSError: It is gone, or may not be read.
        """
        with source.open("rb") as file:
            return self._add(path, iter(lambda: file.read(PIECE_BYTES), b""), source.stat().st_size)

    def write(self, path: str, text: Iterable[str]) -> str:
        """Add a text that comes in pieces, and return its SHA-256."""
        return self._add(path, (piece.encode() for piece in text), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the ZIP; if all went well, with the checksums, as `sha256sum -c` reads them."""
        if kind is None:
            self.write(SUMS, [f"{sha256}  {path}\n" for path, sha256 in self._sums.items()])
        self._archive.close()

    def _add(self, path: str, pieces: Iterator[bytes], size: int | None) -> str:
        entry = zipfile.ZipInfo(path, EPOCH)
        entry.external_attr = 0o644 << 16
        entry.file_size = size or 0  # from 2 GB on it needs a longer header, which is written first
        digest = hashlib.sha256()
        with self._archive.open(entry, "w", force_zip64=size is None) as packed:
            for piece in pieces:
                digest.update(piece)
                packed.write(piece)
        self._sums[path] = digest.hexdigest()
        return self._sums[path]
