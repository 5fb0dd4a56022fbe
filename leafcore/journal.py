"""A file of what people said, one JSON line each. Lines are only added: even taking one back is a line."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock
from pydantic import BaseModel, ValidationError

from leafcore.errors import DatasetError

UNDO = "undo"  # the key of a line that takes one back: the number of that line, or True for the last that stands

Entry = TypeVar("Entry", bound=BaseModel)


class Journal(Generic[Entry]):
    """What was said so far, on disk after each word; two tabs take turns.

    Args:
        path: The file; it need not be there yet.
        model: What a line holds.
    """

    def __init__(self, path: Path, model: type[Entry]) -> None:
        self._path = path
        self._model = model

    def read(self) -> list[Entry]:
        """Return what stands, oldest first.

        Raises:
            DatasetError: A line is whole but no entry.
        """
        return list(self._standing().values())

    def add(self, entry: Entry) -> None:
        """Write an entry down."""
        with self._turn():
            self._append(entry.model_dump(mode="json"))

    def undo(self, mine: Callable[[Entry], bool] = lambda entry: True) -> None:
        """Take back the last entry that stands; nothing happens if none does.

        Args:
            mine: Which entries may be taken back; all if not given.
        """
        with self._turn():
            last = max((number for number, entry in self._standing().items() if mine(entry)), default=None)
            if last is not None:
                self._append({UNDO: last})

    def _standing(self) -> dict[int, Entry]:
        """Return what stands by the number of its line."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        standing: dict[int, Entry] = {}
        for number, line in enumerate(content.splitlines(), 1):
            said = _parsed(line)
            if said is None:  # torn by a crash or a full disk
                continue
            if isinstance(said, dict) and said.keys() == {UNDO}:
                back = max(standing, default=0) if said[UNDO] is True else said[UNDO]
                standing.pop(back, None)
                continue
            try:
                standing[number] = self._model.model_validate(said)
            except ValidationError:
                raise DatasetError(
                    f"{self._path}: line {number} is no {self._model.__name__.lower()}; move the file away to begin "
                    "anew."
                ) from None
        return standing

    def _turn(self) -> FileLock:
        return FileLock(f"{self._path}.lock", is_singleton=False)

    def _append(self, said: object) -> None:
        with self._path.open("ab+") as file:
            file.seek(0, os.SEEK_END)
            torn = file.tell() > 0 and _last_byte(self._path) != b"\n"
            file.write((b"\n" if torn else b"") + json.dumps(said).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
