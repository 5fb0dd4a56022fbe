"""Runs: the folder of one execution of a verb, and everything that can be read from it.

```
runs/<id>/
  config.json     kind, every setting, versions, ids of the runs it uses     written once, at submission
  status.json     state, phase, done, total, heartbeat, error                 written by whoever holds run.lock
  run.lock        held by the worker for its life
  stop            somebody asked the run to end; holds the reason
  metrics.jsonl   one line per report                                         written by the worker
  log.txt         what the worker printed
  result.json     what the verb returned
```

The folder is the truth; memory is a cache of it. A run whose status says *running* while its lock is free is
*interrupted*. A run that is running and has a `stop` file is *stopping*. Neither is ever written down.
"""

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from leafcore import __version__
from leafcore.config import Config
from leafcore.errors import JobError, NotFoundError
from leafcore.files import read_json, write_bytes, write_json
from leafcore.workspace import PROJECT_ROOT, Workspace

State = Literal["queued", "running", "stopping", "done", "failed", "stopped", "interrupted"]
StopReason = Literal["user", "shutdown"]

ACTIVE: frozenset[State] = frozenset({"queued", "running", "stopping"})
RESUMABLE: frozenset[State] = frozenset({"failed", "stopped", "interrupted"})

log = logging.getLogger(__name__)


class Failure(BaseModel):
    """Why a run failed: a word for programs, a sentence for people."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str


class Status(BaseModel):
    """How a run stands; times are seconds since 1970, durations seconds."""

    model_config = ConfigDict(frozen=True)

    state: State = "queued"
    phase: str = ""
    done: int = 0
    total: int = 0
    queued: float
    started: float | None = None
    finished: float | None = None
    heartbeat: float | None = None
    eta_s: float | None = None
    seconds_per_unit: float | None = None
    lane: str = ""
    owner: Literal["server", "cli"] = "server"
    pid: int | None = None
    pid_created: float | None = None
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def fraction(self) -> float:
        """How much of the run is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Record(BaseModel):
    """What was asked for; never changes after submission."""

    model_config = ConfigDict(frozen=True)

    kind: str
    title: str
    settings: dict[str, Any]
    config_hash: str
    uses: tuple[str, ...] = ()
    created: float
    code_version: str


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
        return Record.model_validate(read_json(self.folder / "config.json"))

    @property
    def kind(self) -> str:
        """The verb or recipe, a key of `jobs.KINDS`."""
        return self.record.kind

    # --- state -----------------------------------------------------------------------------------------------------

    def status_written(self) -> Status:
        """Return what the status file says."""
        return _read_status(self.folder / "status.json")

    def status(self) -> Status:
        """Return how the run stands, with *stopping* and *interrupted* worked out."""
        status = self.status_written()
        if status.state != "running":
            return status
        if not self.is_locked():
            return status.model_copy(update={"state": "interrupted", "eta_s": None})
        if self.stop_file.exists():
            return status.model_copy(update={"state": "stopping"})
        return status

    def write_status(self, status: Status) -> None:
        """Replace the status; only for whoever holds the run's lock."""
        write_bytes(self.folder / "status.json", status.model_dump_json(indent=2).encode())

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
        """Present while somebody wants the run to end."""
        return self.folder / "stop"

    def request_stop(self, reason: StopReason = "user") -> None:
        """Ask the run to save and end; a run that has not begun ends at once.

        Raises:
            JobError: It has ended already.
        """
        state = self.status().state
        if state not in ACTIVE:
            raise JobError(f"Run {self.id} is {state}; there is nothing to stop.")
        write_bytes(self.stop_file, reason.encode())
        if state == "queued" and reason == "user":
            try:
                with self.locked(timeout_s=1.0):
                    self.finish("stopped")
            except JobError:
                pass  # a worker has just taken it, and will see the file

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the run was asked to end, or None if it was not."""
        try:
            return "shutdown" if self.stop_file.read_text() == "shutdown" else "user"
        except FileNotFoundError:
            return None

    def finish(self, state: State, failure: Failure | None = None) -> None:
        """Write the last state of an execution and clear the stop request; only while the run is locked."""
        update = {"state": state, "failure": failure, "finished": time.time(), "eta_s": None, "pid": None}
        self.write_status(self.status_written().model_copy(update=update))
        self.stop_file.unlink(missing_ok=True)
        _announce(self.folder.parent)

    def requeue(self, *, at_head: bool = False) -> None:
        """Put the run back into the queue; it goes on from what it saved.

        Args:
            at_head: Whether it keeps the place it had when it was first queued.

        Raises:
            JobError: It is queued, running, or done.
        """
        state = self.status().state
        if state not in RESUMABLE:
            raise JobError(f"Run {self.id} is {state}; only a failed, stopped or interrupted run can be resumed.")
        with self.locked(timeout_s=2.0):
            self.write_queued(at_head=at_head)

    def write_queued(self, *, at_head: bool) -> None:
        """Write the state *queued* and clear the stop request; only while the run is locked."""
        status = self.status_written()
        update = {
            "state": "queued",
            "phase": "",
            "failure": None,
            "finished": None,
            "eta_s": None,
            "pid": None,
            "queued": status.queued if at_head else time.time(),
        }
        self.write_status(status.model_copy(update=update))
        self.stop_file.unlink(missing_ok=True)
        _announce(self.folder.parent)

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


_probing = threading.Lock()  # asking whether a lock is free takes it for a moment: two who ask must not meet

_damaged: set[Path] = set()  # runs whose damage was logged
_latest = 0.0  # the moment of this process's newest run
_latest_lock = threading.Lock()

_status_cache: dict[Path, tuple[tuple[int, int, int], Status]] = {}


def _read_status(path: Path) -> Status:
    """Parse a status file, unless it is the one parsed last."""
    stat = path.stat()
    mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)  # clocks of file systems are coarse; a new file is a new inode
    cached = _status_cache.get(path)
    if cached is not None and cached[0] == mark:
        return cached[1]
    status = Status.model_validate_json(path.read_bytes())
    _status_cache[path] = (mark, status)
    return status


def create_run(workspace: Workspace, kind: str, config: Config, *, title: str = "", uses: tuple[str, ...] = ()) -> Run:
    """Write a new run's folder, queued.

    Args:
        workspace: Where it goes.
        kind: A key of `jobs.KINDS`.
        config: Its settings, frozen from here on.
        title: What a person reads in lists; the kind if empty.
        uses: Ids of the runs whose output it reads.
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
        created=now,
        code_version=code_version(),
    )
    run.folder.mkdir(parents=True)
    write_json(run.folder / "config.json", record.model_dump(mode="json"))
    run.write_status(Status(queued=now))
    _announce(workspace.runs)
    return run


def _announce(runs: Path) -> None:
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
        NotFoundError: There is no such run.
    """
    run = Run(workspace.run(run_id))
    if not (run.folder / "status.json").exists():
        raise NotFoundError(
            f"run: there is no run {run_id!r} in {workspace.runs}; `python -m leafcore runs` lists them."
        )
    return run


def _moment() -> float:
    """Return the time in seconds, at least a millisecond after what was returned before, so that ids sort by age."""
    global _latest
    with _latest_lock:
        _latest = max(time.time(), _latest + 1e-3)
        return _latest


def list_runs(workspace: Workspace, kind: str | None = None) -> list[Run]:
    """Return all runs, newest first; one whose status is damaged is left out."""
    try:
        names = sorted(os.listdir(workspace.runs), reverse=True)
    except FileNotFoundError:
        return []
    runs = (Run(workspace.runs / name) for name in names)
    return [run for run in runs if _is_readable(run) and (kind is None or run.kind == kind)]


def _is_readable(run: Run) -> bool:
    try:
        run.status_written()
    except OSError:
        return False  # a folder that is no run, or one that is just being made
    except ValueError:
        if run.folder not in _damaged:
            log.warning("%s: damaged; the run is left out. Delete its folder.", run.folder / "status.json")
        _damaged.add(run.folder)
        return False
    return True


def queue(workspace: Workspace) -> list[Run]:
    """Return the runs that wait for a lane, the next one first."""
    waiting = [(run.status(), run) for run in list_runs(workspace)]
    queued = [(status.queued, run.id, run) for status, run in waiting if status.state == "queued"]
    return [run for _, _, run in sorted(queued, key=lambda entry: entry[:2])]


def code_version() -> str:
    """Return the version of this code: the release, and the commit where it is known."""
    return f"{__version__}+{commit[:12]}" if (commit := _commit()) else __version__


def _commit() -> str:
    git = PROJECT_ROOT / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        return (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return ""
