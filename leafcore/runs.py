"""Runs: the folder of one execution of a verb, and everything that can be read from it.

```
runs/<id>/
  config.json     kind, every setting, versions, ids of the runs it uses     written once, at submission
  status.json     state, phase, done, total, heartbeat, error                 written by whoever holds run.lock
  run.lock        held by the worker for its life
  stop            the user wants the run to end
  shutdown        the server ends, and the run with it; it goes back into the queue
  metrics.jsonl   one line per report                                         written by the worker
  log.txt         what the worker printed
  result.json     what the verb returned
```

The folder is the truth; memory is a cache of it. A run whose status says *running* while its lock is free is
*interrupted*. A run that is running and was asked to end is *stopping*. Neither is ever written down. The two who may
ask have a file each, so neither wish hides the other; the user's stands, whatever the server does. A run whose user
paused it ends as one that was stopped does, but keeps its place in the queue for when it is resumed.
"""

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from leafcore.config import Config
from leafcore.errors import JobError, NotFoundError
from leafcore.files import read_json, write_bytes, write_json
from leafcore.parsed import read_model
from leafcore.status import ACTIVE, RESUMABLE, Failure, Record, State, Status, StopReason
from leafcore.version import code_version
from leafcore.workspace import Workspace

__all__ = [
    "ACTIVE",
    "RESUMABLE",
    "Failure",
    "Record",
    "Run",
    "State",
    "Status",
    "StopReason",
    "announce",
    "code_version",
    "create_run",
    "last_change",
    "list_runs",
    "open_run",
]

CONFIG, STATUS = "config.json", "status.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One run, by its folder; reading is cheap, and always reads what is there now."""

    folder: Path

    @property
    def id(self) -> str:
        """The folder's name; sorts by the time of submission."""
        return self.folder.name

    @cached_property
    def record(self) -> Record:
        """What was asked for."""
        return read_model(self.folder, CONFIG, Record)

    @property
    def kind(self) -> str:
        """The verb or recipe, a key of `jobs.KINDS`."""
        return self.record.kind

    # --- state -----------------------------------------------------------------------------------------------------

    def status_written(self) -> Status:
        """Return what the status file says."""
        return read_model(self.folder, STATUS, Status)

    def status(self) -> Status:
        """Return how the run stands, with *stopping* and *interrupted* worked out."""
        status = self.status_written()
        if status.state != "running":
            return status
        if not self.is_locked():
            status = self.status_written()  # its worker may have ended between the two looks
            interrupted = status.state == "running"
            return status.model_copy(update={"state": "interrupted", "eta_s": None}) if interrupted else status
        if self.stop_reason is not None:
            return status.model_copy(update={"state": "stopping"})
        return status

    def write_status(self, status: Status) -> None:
        """Replace the status; only for whoever holds the run's lock."""
        write_bytes(self.folder / STATUS, status.model_dump_json(indent=2).encode())

    def is_locked(self) -> bool:
        """Whether a process holds the run: its worker lives."""
        with _probing:
            try:
                with self._lock.acquire(timeout=0):
                    return False
            except Timeout:
                return True

    @contextmanager
    def locked(self, timeout_s: float = 0.0) -> Iterator[None]:
        """Hold the run, so that nobody else writes its state.

        Raises:
            JobError: Somebody else holds it.
        """
        try:
            with self._lock.acquire(timeout=timeout_s, poll_interval=0.02):
                yield
        except Timeout:
            raise JobError(f"Run {self.id} is being worked on by another process; stop it first.") from None

    @property
    def _lock(self) -> FileLock:
        return FileLock(self.folder / "run.lock", is_singleton=False)

    # --- requests --------------------------------------------------------------------------------------------------

    @property
    def stop_file(self) -> Path:
        """Present while the user wants the run to end; holds "pause" if it shall keep its place."""
        return self.folder / "stop"

    @property
    def shutdown_file(self) -> Path:
        """Present while the server wants the run to end with it."""
        return self.folder / "shutdown"

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the run was asked to end, or None if it was not; the user's wish comes first."""
        try:
            return "pause" if self.stop_file.read_text() == "pause" else "user"
        except FileNotFoundError:
            return "shutdown" if self.shutdown_file.exists() else None

    def request_stop(self, reason: StopReason = "user") -> None:
        """Ask the run to save and end; a run that has not begun ends at once if the user asks.

        Raises:
            JobError: It has ended already.
        """
        state = self.status().state
        if state not in ACTIVE:
            raise JobError(f"Run {self.id} is {state}; there is nothing to stop.")
        if reason == "shutdown":
            self.shutdown_file.touch()
            return
        self.stop_file.write_text("pause" if reason == "pause" else "")
        if state == "queued":
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        """End a run that no worker has begun."""
        try:
            with self.locked(timeout_s=1.0):
                state = self._state_held()
                if state == "queued":
                    self.finish_as_asked()
                    return
                self.stop_file.unlink(missing_ok=True)
        except JobError:
            return  # a worker has just taken it, and will see the file
        if state not in {"stopped", "paused"}:
            raise JobError(f"Run {self.id} is {state} by now; there is nothing to stop.")

    def _state_held(self) -> State:
        """Return how the run stands; only while it is locked, so that nobody works on it."""
        state = self.status_written().state
        return "interrupted" if state == "running" else state

    def finish(self, state: State, failure: Failure | None = None) -> None:
        """Write the last state of an execution and clear the stop requests; only while the run is locked."""
        update = {"state": state, "failure": failure, "finished": time.time(), "eta_s": None, "pid": None}
        self.write_status(self.status_written().model_copy(update=update))
        self.stop_file.unlink(missing_ok=True)
        self.shutdown_file.unlink(missing_ok=True)
        announce(self.folder.parent)

    def finish_as_asked(self) -> None:
        """Write *paused* if the user asked for a pause, else *stopped*; only while the run is locked."""
        self.finish("paused" if self.stop_reason == "pause" else "stopped")

    def requeue(self, *, at_head: bool = False) -> None:
        """Put the run back into the queue; it goes on from what it saved. One that was paused keeps its place.

        Args:
            at_head: Whether it keeps the place it had when it was first queued.

        Raises:
            JobError: It is queued, running, or done.
        """
        self._require_resumable(self.status().state)
        with self.locked(timeout_s=2.0):
            state = self._state_held()
            self._require_resumable(state)
            self.stop_file.unlink(missing_ok=True)  # an older wish
            self.write_queued(at_head=at_head or state == "paused")

    def _require_resumable(self, state: State) -> None:
        if state not in RESUMABLE:
            raise JobError(
                f"Run {self.id} is {state}; only a failed, stopped, paused or interrupted run can be resumed."
            )

    def write_queued(self, *, at_head: bool) -> None:
        """Write the state *queued*, or what the user asked for instead; only while the run is locked."""
        if self.stop_file.exists():
            self.finish_as_asked()
            return
        status = self.status_written()
        update = {
            "state": "queued",
            "phase": "",
            "failure": None,
            "finished": None,
            "eta_s": None,
            "pid": None,
            "queued": status.queued if at_head else time.time(),
            "place": status.place if at_head else None,
        }
        self.write_status(status.model_copy(update=update))
        self.shutdown_file.unlink(missing_ok=True)
        announce(self.folder.parent)

    # --- what it made ----------------------------------------------------------------------------------------------

    def result(self) -> dict[str, Any]:
        """Return what the verb returned; empty until the run is done."""
        try:
            result: dict[str, Any] = read_json(self.folder / "result.json")
            return result
        except FileNotFoundError:
            return {}

    def metrics(self) -> list[dict[str, float]]:
        """Return every report, oldest first; each holds `step` and the scalars of that step."""
        try:
            lines = (self.folder / "metrics.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def log(self, last_lines: int = 200) -> str:
        """Return the end of the log."""
        try:
            lines = (self.folder / "log.txt").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-last_lines:])

    def damaged_file(self) -> Path | None:
        """Return the one of its two first files that cannot be parsed, or None if both can.

        Raises:
            OSError: The folder is no run, or it cannot be read now.
        """
        try:
            read_model(self.folder, STATUS, Status)
        except ValueError:
            return self.folder / STATUS
        try:
            read_model(self.folder, CONFIG, Record)
        except (ValueError, FileNotFoundError):  # it is written before the status
            return self.folder / CONFIG
        return None


_probing = threading.Lock()  # asking whether a lock is free takes it for a moment: two who ask must not meet

_damaged: set[Path] = set()  # files whose damage was logged
_latest = 0.0  # the moment of this process's newest run
_latest_lock = threading.Lock()


def create_run(
    workspace: Workspace,
    kind: str,
    config: Config,
    *,
    title: str = "",
    uses: tuple[str, ...] = (),
    extends: str = "",
    prepare: Callable[[Path], object] = lambda folder: None,
    waits: bool = True,
) -> Run:
    """Write a new run's folder, queued.

    Args:
        workspace: Where it goes.
        kind: A key of `jobs.KINDS`.
        config: Its settings, frozen from here on.
        title: What a person reads in lists; the kind if empty.
        uses: Ids of the runs whose output it reads.
        extends: The run whose saved state it begins with, if it does not begin anew.
        prepare: Called with the folder before anybody can carry the run out.
        waits: Whether a lane may take it; else it is *stopped* until whoever made it carries it out.
    """
    now = _moment()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now)) + f"-{int(now % 1 * 1000):03d}"
    run = Run(workspace.runs / f"{stamp}-{kind}-{secrets.token_hex(2)}")
    record = Record(
        kind=kind,
        title=title or kind,
        settings=config.model_dump(mode="json"),
        config_hash=config.digest(),
        uses=uses,
        extends=extends,
        created=now,
        code_version=code_version(),
    )
    run.folder.mkdir(parents=True)
    write_json(run.folder / CONFIG, record.model_dump(mode="json"))
    prepare(run.folder)
    run.write_status(Status(queued=now, state="queued" if waits else "stopped"))
    announce(workspace.runs)
    return run


def announce(runs: Path) -> None:
    """Tell the lanes that something was queued or has ended, so that they need not look at every run all the time."""
    write_bytes(runs / ".changed", str(time.time_ns()).encode())


def last_change(workspace: Workspace) -> str:
    """Return a mark that changes whenever a run is queued or ends."""
    try:
        return (workspace.runs / ".changed").read_text()
    except FileNotFoundError:
        return ""


def open_run(workspace: Workspace, run_id: str) -> Run:
    """Return the run by that id.

    Raises:
        ConfigError: The id cannot be one.
        NotFoundError: There is no such run, or it is damaged.
    """
    run = Run(workspace.run(run_id))
    try:
        damaged = run.damaged_file()
    except FileNotFoundError:
        raise NotFoundError(
            f"run: there is no run {run_id!r} in {workspace.runs}; `python -m leafcore runs` lists them."
        ) from None
    if damaged is not None:
        raise NotFoundError(f"run: {damaged} is damaged; delete the run's folder.")
    return run


def _moment() -> float:
    """Return the time in seconds, at least a millisecond after what was returned before, so that ids sort by age."""
    global _latest
    with _latest_lock:
        _latest = max(time.time(), _latest + 1e-3)
        return _latest


def list_runs(workspace: Workspace, kind: str | None = None) -> list[Run]:
    """Return all runs, newest first; one that is damaged is left out, and named in the log."""
    try:
        names = sorted(os.listdir(workspace.runs), reverse=True)
    except FileNotFoundError:
        return []
    runs = (Run(workspace.runs / name) for name in names)
    return [run for run in runs if _is_readable(run) and (kind is None or run.kind == kind)]


def _is_readable(run: Run) -> bool:
    try:
        damaged = run.damaged_file()
    except OSError:
        return False  # a folder that is no run, or one that is just being made
    if damaged is not None and damaged not in _damaged:
        log.warning("%s: damaged; the run is left out. Delete its folder.", damaged)
        _damaged.add(damaged)
    return damaged is None
