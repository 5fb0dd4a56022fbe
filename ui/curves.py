"""The scalars of a run that may still be running: what was read once is not read again."""

import json
import threading
from pathlib import Path


class Curves:
    """Reads the new lines of a growing file of reports.

    Args:
        path: A run's `metrics.jsonl`; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._file = 0
        self._offset = 0
        self._values: dict[str, dict[int, float]] = {}

    def read(self) -> dict[str, dict[int, float]]:
        """Return every scalar's values by step."""
        with self._lock:
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                self._forget()
                return {}
            if stat.st_ino != self._file or stat.st_size < self._offset:  # a resumed run has cut or replaced it
                self._forget()
                self._file = stat.st_ino
            if stat.st_size > self._offset:
                self._read_on()
            return {name: dict(values) for name, values in self._values.items()}

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]  # the last line may still be being written
        self._offset += len(whole)
        for line in whole.splitlines():
            report = json.loads(line)
            step = int(report.pop("step"))
            for name, value in report.items():
                if value is not None:
                    self._values.setdefault(name, {})[step] = value
