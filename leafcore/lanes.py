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
from typing import Any

import psutil
from filelock import FileLock, Timeout

from leafcore import devices
from leafcore.errors import JobError, LeafError
from leafcore.files import read_json, write_json
from leafcore.jobs import FILES, QUICK, lane_is_taken, lane_of
from leafcore.runs import ACTIVE, Failure, Run, Status, last_change, list_runs, queue
from leafcore.workspace import PROJECT_ROOT, Workspace

POLL_S = 0.2
RESCAN_S = 10.0  # the queue is looked at this often even if nobody announced a run
FAULT_S = 1.0  # a lane's pause after something it did not expect
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
        workspace.locks.mkdir(parents=True, exist_ok=True)
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
        for run in running:
            try:
                run.request_stop("shutdown")
            except JobError:
                pass  # it has just ended
        deadline = time.monotonic() + timeout_s
        for run in running:
            self._wait_for(run, deadline)
        for thread in self._threads:
            thread.join()
        if self.leads:
            self._server_lock.release()

    def _server_runs(self) -> list[Run]:
        """Return the runs that a server's worker is carrying out or about to, adopted ones included."""
        started = set(self._workers)
        found = []
        for run in list_runs(self._workspace):
            status = run.status_written()
            adopted = status.state == "running" and status.owner == "server" and run.is_locked()
            if adopted or run.id in started:
                found.append(run)
        return found

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
        if run.status().state == "interrupted":
            with run.locked(timeout_s=5.0):
                run.write_queued(at_head=True)

    # --- threads ---------------------------------------------------------------------------------------------------

    def _spawn_thread(self, name: str, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name=f"lane-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self) -> None:
        """Wait until no other server holds the workspace, then start the lanes."""
        while not self._ending.is_set():
            try:
                self._server_lock.acquire(timeout=0)
                break
            except Timeout:
                self._ending.wait(1.0)
        else:
            return
        write_json(self._workspace.locks / "server.json", {"pid": os.getpid(), "since": time.time()})
        self._leads.set()
        for name in self._names:
            self._spawn_thread(name, self._drive, name)

    def _drive(self, lane: str) -> None:
        """Take one run after another, as long as the server lives."""
        nothing_since, looked_at = "", 0.0
        while not self._ending.wait(POLL_S):
            mark = last_change(self._workspace)
            if mark == nothing_since and time.monotonic() - looked_at < RESCAN_S:
                continue
            if lane_is_taken(self._workspace, lane):
                continue
            try:
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
        """Return the first queued run that belongs on a lane and does not wait for another run's output."""
        for run in queue(self._workspace):
            if run.id in self._workers:
                continue
            try:
                wanted = self._wanted(run)
            except (OSError, ValueError):
                self._fail(run, f"{run.folder / 'config.json'}: damaged; queue a new run.")
                continue
            fits = lane == wanted or (wanted == "auto" and lane == self._auto_lane(lane))
            if fits and not run.is_locked() and not self._awaits(run):
                return run
        return None

    def _awaits(self, run: Run) -> bool:
        """Whether a run uses what another one has yet to make."""
        used = (Run(self._workspace.run(run_id)) for run_id in run.record.uses)
        return any((other.folder / "status.json").exists() and other.status().state in ACTIVE for other in used)

    def _wanted(self, run: Run) -> str:
        """Return `lane_of` a run; "auto" if that lane is gone: the worker will say that there is no such device."""
        wanted = lane_of(run)
        return wanted if wanted in self._names else "auto"

    def _auto_lane(self, lane: str) -> str:
        """Return the lane itself if "auto" may mean it: any GPU, and the CPU only where there is none."""
        has_gpu = any(name.startswith("cuda") for name in self._names)
        return lane if lane.startswith("cuda") == has_gpu and lane not in {QUICK, FILES} else ""

    def _start(self, run: Run, lane: str) -> None:
        """Start a worker for a run; if that is impossible, the run has failed."""
        if run.stop_reason == "shutdown":
            run.stop_file.unlink(missing_ok=True)
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
        with run.locked(timeout_s=2.0):
            run.finish("failed", Failure(code="job", message=message))


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


def server_of(workspace: Workspace) -> dict[str, Any] | None:
    """Return the process id (`pid`) and start time (`since`) of the server that works on a workspace, if one does."""
    lock = FileLock(workspace.locks / "server.lock", is_singleton=False, thread_local=False)
    if not workspace.locks.exists():
        return None
    try:
        with lock.acquire(timeout=0):
            return None
    except Timeout:
        pass
    try:
        holder: dict[str, Any] = read_json(workspace.locks / "server.json")
    except FileNotFoundError:
        return None  # it has only just begun
    return holder if psutil.pid_exists(holder["pid"]) else None
