"""The progress of a run, written into its folder while the verb works."""

import json
import logging
import math
import threading
import time
from pathlib import Path
from typing import IO

import numpy as np
import psutil

from leafcore.files import write_bytes
from leafcore.images import encode_jpeg
from leafcore.memory import available_bytes
from leafcore.progress import Eta, Progress
from leafcore.runs import Run, Status, StopReason

HEARTBEAT_S = 2.0

log = logging.getLogger(__name__)


class RunProgress(Progress):
    """Writes `status.json` every two seconds and at each change of phase, and a line of `metrics.jsonl` per report.

    Use it as a context manager while the run's lock is held: it alone writes the run's status meanwhile.

    Args:
        run: The run, locked by this process.
        status: The status to go on from.
        echo: Another watcher who is told the same, such as a terminal's progress bar, and may ask to stop as well.
    """

    def __init__(self, run: Run, status: Status, echo: Progress | None = None) -> None:
        super().__init__(run.folder)
        self._run = run
        self._status = status
        self._echo = echo or Progress(run.folder)
        self._eta = Eta(pauses=status.pauses)
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._metrics: IO[str] | None = None
        self._asked: StopReason | None = None
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "RunProgress":
        if self._status.owner == "cli":
            self._run.shutdown_file.unlink(missing_ok=True)  # a server's end is no concern of the command line's runs
        self._write()
        self._heart.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._heart.join()
        self._close_metrics()
        self._write()

    def ask_to_stop(self, reason: StopReason) -> None:
        """Ask the run to save and end, as a `stop` file would; safe in a signal handler."""
        self._asked = reason

    # --- what the verb says ----------------------------------------------------------------------------------------

    def phase(self, name: str) -> None:
        """See `Progress.phase`."""
        log.info("phase: %s", name)
        self._eta.rest(name)
        self._update(phase=name)
        self._write()
        self._echo.phase(name)

    def report(self, done: int, total: int, **scalars: float) -> None:
        """See `Progress.report`."""
        self._eta.update(done)
        parts = self._eta.parts_s(done, total)
        self._update(
            done=done,
            total=total,
            eta_s=sum(parts.values()) if parts else None,
            eta_parts=parts,
            pauses=self._eta.pauses,
            seconds_per_unit=self._eta.seconds_per_unit,
        )
        if scalars:
            self._record(done, scalars)
        self._echo.report(done, total, **scalars)

    def cycle(self, units: int) -> None:
        """See `Progress.cycle`."""
        self._eta.begin(units)

    def saved(self, done: int) -> None:
        """See `Progress.saved`."""
        self._update(safe=done, safe_at=time.time())

    def rewind(self, done: int) -> None:
        """See `Progress.rewind`."""
        path = self.folder / "metrics.jsonl"
        if path.exists():
            lines = (line for line in path.read_text().splitlines() if line.endswith("}"))
            kept = [line for line in lines if json.loads(line)["step"] <= done]
            self._close_metrics()  # the file is about to be another one
            write_bytes(path, "".join(f"{line}\n" for line in kept).encode())

    def sample(self, image: np.ndarray) -> None:
        """See `Progress.sample`; the picture becomes the run's `sample.jpg`."""
        write_bytes(self.folder / "sample.jpg", encode_jpeg(image, quality=90))
        self._echo.sample(image)

    def warn(self, text: str) -> None:
        """See `Progress.warn`."""
        log.warning(text)
        if text not in self._status.warnings:
            self._update(warnings=(*self._status.warnings, text))
        self._echo.warn(text)

    # --- what the world says ---------------------------------------------------------------------------------------

    @property
    def should_stop(self) -> bool:
        """Whether the user or the server asked the run to end."""
        return self._asked is not None or self._run.stop_reason is not None or self._echo.should_stop

    @property
    def is_shutdown(self) -> bool:
        """Whether the run ends because the server or the machine does, not because the user asked."""
        return (self._run.stop_reason or self._asked) == "shutdown"

    # --- files -----------------------------------------------------------------------------------------------------

    def _update(self, **changes: object) -> None:
        with self._lock:
            self._status = self._status.model_copy(update=changes)

    def _write(self) -> None:
        with self._lock:
            signs = {
                "heartbeat": time.time(),
                "memory_bytes": self._process.memory_info().rss,
                "free_bytes": available_bytes(),
            }
            self._status = self._status.model_copy(update=signs)
            self._run.write_status(self._status)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            try:
                self._write()
            except OSError as error:
                log.warning("the status could not be written: %s", error)

    def _close_metrics(self) -> None:
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None

    def _record(self, step: int, scalars: dict[str, float]) -> None:
        if self._metrics is None:
            self._metrics = _open_lines(self.folder / "metrics.jsonl")
        row: dict[str, float | None] = {"step": step, "time": round(time.time(), 3)}
        row |= {name: float(f"{value:.9g}") if math.isfinite(value) else None for name, value in scalars.items()}
        self._metrics.write(json.dumps(row) + "\n")
        self._metrics.flush()


def _open_lines(path: Path) -> IO[str]:
    return path.open("a", encoding="utf-8")
