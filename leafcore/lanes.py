"""Lanes: a background thread per device that takes the next queued run and drives it in a worker process.

A crash, a kill or a full GPU takes neither the page nor the next run along. Truth is in the run folders: a server that
starts finds running workers by their locks, and its lanes wait for them; a server that ends asks its workers to save.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from filelock import FileLock, Timeout

from leafcore import devices
from leafcore.errors import JobError, LeafError
from leafcore.files import read_json, write_json
from leafcore.jobs import FILES, QUICK, lane_is_taken, lane_of
from leafcore.queue import queue_of
from leafcore.runs import Failure, Run, Status, last_change, list_runs
from leafcore.workspace import PROJECT_ROOT, Workspace

POLL_S = 0.2
RESCAN_S = 10.0  # the queue is looked at this often even if nobody announced a run
FAULT_S = 1.0  # a thread's pause after something it did not expect
LEAD_S = 1.0  # how often a server that waits for another one looks whether that one has gone
SAVE_S = 30.0  # what a worker may take to save and end

log = logging.getLogger(__name__)


class Lanes:
    """The server's lanes over one workspace.

    Only one server works on a workspace at a time; another waits, shows runs, and takes over when the first has gone.

    Args:
        workspace: Whose queue is worked on.
        names: The lanes; those of the machine's devices, and the files lane, if None.
    """

    def __init__(self, workspace: Workspace, names: list[str] | None = None) -> None:
        self._workspace = workspace
        self._names = names or [*devices.lane_names(), QUICK, FILES]
        self._ending = threading.Event()
        self._starting = threading.Lock()  # held from choosing a run to knowing its worker, and to begin the end
        self._leads = threading.Event()
        self._threads: list[threading.Thread] = []
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._server_lock = FileLock(workspace.locks / "server.lock", is_singleton=False, thread_local=False)

    @property
    def leads(self) -> bool:
        """Whether this server works on the queue."""
        return self._leads.is_set()

    def start(self) -> None:
        """Begin to work on the queue, or to wait for the server that does."""
        self._spawn_thread("keeper", self._keep)

    def stop(self, timeout_s: float = SAVE_S) -> None:
        """Ask every worker to save and end, wait for them, and end the threads; no child is left behind."""
        with self._starting:
            self._ending.set()
        running = self._server_runs() if self.leads else []
        deadline = time.monotonic() + timeout_s
        for run in running:
            with _logged(f"asking run {run.id} to save"), suppress(JobError):  # it may just have ended
                run.request_stop("shutdown")
        for run in running:
            with _logged(f"ending run {run.id}"):
                self._wait_for(run, deadline)
        for thread in self._threads:
            thread.join()
        if self.leads:
            self._leads.clear()
            self._server_lock.release()

    def _server_runs(self) -> list[Run]:
        """Return the runs that a server's worker is carrying out or about to, adopted ones included."""
        found = {run_id: Run(self._workspace.run(run_id)) for run_id in list(self._workers)}
        with _logged("looking for the workers of an earlier server"):
            for run in list_runs(self._workspace):
                status = run.status_written()
                if status.state == "running" and status.owner == "server" and run.is_locked():
                    found.setdefault(run.id, run)
        return list(found.values())

    def _wait_for(self, run: Run, deadline: float) -> None:
        """Wait until a run's worker has saved and ended; past the deadline end it, and queue the run again."""
        worker = self._workers.get(run.id)

        def lives() -> bool:
            return run.is_locked() or (worker is not None and worker.poll() is None)

        while lives() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not lives():
            return
        kill(run)
        if worker is not None:
            worker.kill()
            worker.wait()
        with run.locked(timeout_s=5.0):
            if run.status_written().state in {"queued", "running"}:  # it has neither ended nor given the run back
                run.write_queued(at_head=True)

    # --- threads ---------------------------------------------------------------------------------------------------

    def _spawn_thread(self, name: str, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name=f"lane-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self) -> None:
        """Wait until this server may work on the queue, then start the lanes."""
        said = ""
        while not self._ending.is_set():
            try:
                if self._try_to_lead():
                    break
            except OSError as error:  # a full disk, a workspace that may not be written: it may be better later
                if str(error) != said:
                    log.warning("nothing queued is carried out until this is mended: %s", error)
                said = str(error)
            self._ending.wait(LEAD_S)
        else:
            return
        for name in self._names:
            self._spawn_thread(name, self._drive, name)

    def _try_to_lead(self) -> bool:
        """Take the workspace and say so, unless another server has it; all of that, or nothing."""
        self._workspace.locks.mkdir(parents=True, exist_ok=True)
        try:
            self._server_lock.acquire(timeout=0)
        except Timeout:
            return False
        try:
            write_json(self._workspace.locks / "server.json", {"pid": os.getpid(), "since": time.time()})
        except OSError:
            self._server_lock.release()
            raise
        self._leads.set()
        return True

    def _drive(self, lane: str) -> None:
        """Take one run after another, as long as the server lives."""
        nothing_since, looked_at = "", 0.0
        while not self._ending.wait(POLL_S):
            try:
                mark = last_change(self._workspace)
                if mark == nothing_since and time.monotonic() - looked_at < RESCAN_S:
                    continue
                if lane_is_taken(self._workspace, lane):
                    continue
                taken = self._take(lane)
                if taken is None:
                    nothing_since, looked_at = mark, time.monotonic()
                else:
                    self._see_through(*taken)
            except (OSError, ValueError, LeafError):  # whatever it is, the lane must not end
                log.exception("lane %s", lane)
                self._ending.wait(FAULT_S)

    def _take(self, lane: str) -> tuple[Run, Status] | None:
        """Choose the lane's next run and start its worker.

        Returns:
            The run and its status before; None if no run waits, or if the server is ending.
        """
        with self._starting:
            run = None if self._ending.is_set() else self._next(lane)
            if run is None:
                return None
            before = run.status_written()
            self._start(run, lane)
            return run, before

    def _next(self, lane: str) -> Run | None:
        """Return the first run of a lane that nobody carries out, and that its user still wants."""
        for run in queue_of(self._workspace, lane, self._names):
            if run.id in self._workers or run.is_locked():
                continue
            if not run.stop_file.exists():
                return run
            with suppress(JobError):  # asked for while its last worker was ending; whoever asked may be at it
                run.request_stop(run.stop_reason or "user")
        return None

    def _start(self, run: Run, lane: str) -> None:
        """Start a worker for a run; if that is impossible, the run has failed."""
        run.shutdown_file.unlink(missing_ok=True)  # another server's, which has gone
        try:
            self._workers[run.id] = start_worker(self._workspace, run, lane)
        except OSError as error:
            self._fail(run, f"The worker process could not be started ({error}).")

    def _see_through(self, run: Run, before: Status) -> None:
        """Wait for the end of a run's worker; one that ended before it began is not started again and again."""
        worker = self._workers.get(run.id)
        if worker is None:
            return
        while worker.poll() is None:
            if self._ending.wait(POLL_S):
                worker.wait()  # `stop` has asked it to save, and kills it if it does not
        del self._workers[run.id]
        status = run.status()
        if status.state == "queued" and status.started == before.started and not self._ending.is_set():
            self._fail(run, f"The worker process ended with code {worker.returncode} before it began; see the log.")

    def _fail(self, run: Run, message: str) -> None:
        """Say that a run could not begin, unless its user has stopped it meanwhile."""
        with run.locked(timeout_s=2.0):
            if run.status_written().state == "queued":
                run.finish("failed", Failure(code="job", message=message))


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log what goes wrong with one run, so that the others are seen to all the same."""
    try:
        yield
    except (OSError, ValueError, LeafError, psutil.Error):
        log.exception(what)


def start_worker(workspace: Workspace, run: Run, lane: str) -> "subprocess.Popen[bytes]":
    """Start the process that carries a run out; what it prints goes to the run's `log.txt`.

    It gets its own process group, so that Ctrl+C in the server's terminal reaches the server only.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    if lane.startswith("cuda:") and lane_of(run) == "auto":  # a run that names its GPU must find it under that name
        visible = {gpu.device: gpu.visible for gpu in devices.gpus()}
        environment["CUDA_VISIBLE_DEVICES"] = visible.get(lane, "")
    command = [sys.executable, "-m", "leafcore", "worker", run.id]
    command += ["--lane", lane, "--workspace", str(workspace.root)]
    with (run.folder / "log.txt").open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_process_group(),
        )


def own_process_group() -> dict[str, Any]:
    """Return the arguments of `Popen` that put a child into a process group of its own, on this system."""
    if psutil.WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}


def kill(run: Run) -> None:
    """End a run's worker and its children at once; the run becomes *interrupted*.

    Nothing happens if the process that the status names has gone, or if its number belongs to another one by now.
    """
    status = run.status_written()
    if status.pid is None:
        return
    try:
        process = psutil.Process(status.pid)
        if process.create_time() != status.pid_created:
            return
        for member in [*process.children(recursive=True), process]:
            member.kill()
        process.wait(timeout=10)
    except psutil.NoSuchProcess:
        pass


def end_at_once(run: Run) -> int:
    """End a run without letting it save; a resume goes back to what it saved last.

    Returns:
        How many steps, or other units, a resume will do again.

    Raises:
        JobError: It is not at work, or its process does not go.
    """
    status = run.status()
    if status.state not in {"running", "stopping"}:
        raise JobError(f"Run {run.id} is {status.state}; there is nothing to end.")
    kill(run)
    with run.locked(timeout_s=5.0):
        status = run.status_written()
        if status.state == "running":
            run.finish("stopped")
    return max(0, status.done - status.safe)


def server_of(workspace: Workspace) -> dict[str, Any] | None:
    """Return the process id (`pid`) and start time (`since`) of the server that works on a workspace, if one does."""
    if not workspace.locks.exists():
        return None
    lock = FileLock(workspace.locks / "server.lock", is_singleton=False, thread_local=False)
    try:
        with lock.acquire(timeout=0):
            return None
    except OSError:  # held; or a workspace that may only be read, where the file is all there is to go by
        pass
    try:
        holder: dict[str, Any] = read_json(workspace.locks / "server.json")
    except FileNotFoundError:
        return None  # it has only just begun
    return holder if psutil.pid_exists(holder["pid"]) else None
