"""The scalars of a run that may still be running: what was read once is not read again."""

import io
import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd


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
        self._series: dict[str, pd.Series] = {}

    def read(self) -> dict[str, pd.Series]:
        """Return every scalar's values by step; NaN where one was not finite."""
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
            return dict(self._series)

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]  # the last line may still be being written
        self._offset += len(whole)
        for name, values in _parse(whole).items():
            known = self._series.get(name)
            self._series[name] = values if known is None else pd.concat([known, values])


def _parse(lines: bytes) -> dict[str, pd.Series]:
    """Return the scalars of some reports, each by the steps at which it was reported.

    A table has no value both where a report leaves a scalar out and where it says `null`; the few lines that say
    `null`, for what was not finite, are therefore looked at one by one.
    """
    from pyarrow import json as arrow  # four times as fast as json.loads

    if not lines:
        return {}
    table = arrow.read_json(io.BytesIO(lines)).to_pandas().set_index("step").drop(columns="time", errors="ignore")
    scalars = {name: table[name].dropna() for name in table.columns}
    for line in lines.splitlines() if b"null" in lines else ():
        if b"null" in line:
            report = json.loads(line)
            for name in (name for name, value in report.items() if value is None):
                broken = pd.Series([np.nan], index=pd.Index([report["step"]], name="step"))
                scalars[name] = pd.concat([scalars[name].astype(float), broken]).sort_index(kind="stable")
    return scalars
