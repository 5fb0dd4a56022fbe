"""A rehearsal in a process of its own.

Its memory is counted apart, on a CPU it is held to what is free, and neither a full memory nor the killer of the system
takes anything else along. Free of torch, but for that process.
"""

import math
import multiprocessing
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leafcore import devices
from leafcore.errors import DiskFull, JobError, LeafError, OutOfMemory, as_leaf_error
from leafcore.progress import Progress
from leafcore.train.configs import RECIPES, TrainConfig
from leafcore.train.forecast import STEPPING, Rehearsal
from leafcore.workspace import Workspace

POLL_S = 0.2
FIRST_STEP_S = 10.0  # a step that takes longer for each of its batches is given up


@dataclass(frozen=True)
class Unfinished:
    """A rehearsal that was given up since its first step did not come to an end."""

    seconds: float


Outcome = Rehearsal | OutOfMemory | DiskFull | Unfinished


def rehearse_apart(
    recipe: str, settings: TrainConfig, workspace: Workspace, progress: Progress, *, budget_s: float
) -> Outcome:
    """Rehearse in a process of its own, and relay what it says; see `rehearsal.rehearse`.

    Raises:
        LeafError: It failed for want of something else than memory or disk.
        Stopped: Somebody asked to stop; the process is gone.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    with TemporaryDirectory(prefix=".rehearsal-", dir=progress.folder) as folder:
        values = settings.model_dump(mode="json")
        process = context.Process(
            target=_rehearse,
            args=(recipe, values, workspace.root, Path(folder), there, _memory_limit(settings.device), budget_s),
            daemon=True,
        )
        process.start()
        there.close()
        try:
            outcome = _relay(here, progress, _first_step_s(settings))
            if not isinstance(outcome, Unfinished):
                process.join()
        finally:
            process.kill()
            process.join()
            here.close()
    if outcome is None:
        outcome = _silent(process.exitcode or 0)
    if isinstance(outcome, Outcome):
        return outcome
    raise outcome


def _relay(pipe: Connection, progress: Progress, first_step_s: float) -> Rehearsal | LeafError | Unfinished | None:
    """Return what the process ends with, None if it ends without a word; tell the watcher what it does meanwhile.

    Args:
        pipe: What it says comes from there.
        progress: The watcher.
        first_step_s: How long its first step may take.
    """
    give_up = math.inf
    with suppress(EOFError):
        while True:
            progress.raise_if_stopped()
            if time.monotonic() > give_up:
                return Unfinished(first_step_s)
            if not pipe.poll(POLL_S):
                continue
            name, said = pipe.recv()
            if name == "outcome":
                outcome: Rehearsal | LeafError = said
                return outcome
            is_first_step = name == "phase" and said == (STEPPING,)
            give_up = time.monotonic() + first_step_s if is_first_step else math.inf
            getattr(progress, name)(*said)
    return None


def _first_step_s(settings: TrainConfig) -> float:
    if getattr(settings, "compiled", False):
        return math.inf  # compiling takes minutes
    return FIRST_STEP_S * int(getattr(settings, "accumulate", 1))


def _silent(exit_code: int) -> LeafError:
    """Return what it means that the process ended without a word: a system short of memory kills."""
    if exit_code < 0:
        return OutOfMemory(f"The system ended the rehearsal ({signal.Signals(-exit_code).name}): its memory was full.")
    return JobError(f"The rehearsal's process ended with code {exit_code}; the run's log has the details.")


class _PipeProgress(Progress):
    """Sends what a rehearsal says to the process that began it."""

    def __init__(self, folder: Path, pipe: Connection) -> None:
        super().__init__(folder)
        self._pipe = pipe

    def phase(self, name: str) -> None:
        self._pipe.send(("phase", (name,)))

    def report(self, done: int, total: int, **scalars: float) -> None:
        del scalars
        self._pipe.send(("report", (done, total)))

    def warn(self, text: str) -> None:
        self._pipe.send(("warn", (text,)))


def _rehearse(
    recipe: str, values: dict[str, Any], root: Path, folder: Path, pipe: Connection, limit: int | None, budget_s: float
) -> None:
    """Be the rehearsal's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the one who began it, who ends this one
    settings = RECIPES[recipe].config.build(values)
    outcome: Rehearsal | LeafError
    try:
        from leafcore.train.rehearsal import rehearse  # loads torch, which nobody else here needs

        progress = _PipeProgress(folder, pipe)
        outcome = rehearse(settings, Workspace(root), progress, memory_limit=limit, budget_s=budget_s)
    except (LeafError, OSError, MemoryError, RuntimeError) as error:
        known = as_leaf_error(error)
        if known is None:
            raise
        outcome = known
    pipe.send(("outcome", outcome))


def _memory_limit(device: str) -> int | None:
    """Return the bytes that a rehearsal may take on a CPU; None on a GPU, which refuses by itself."""
    if device.startswith("cuda") or (device == "auto" and devices.gpus()):
        return None
    return devices.free_memory_bytes("cpu")
