"""Interactive questions to a warm worker: a process that keeps its models loaded, so that the server loads no torch.

The worker is started by the first question whose answer is not in the cache, ends after ten idle minutes, and ends with
the server: it reads its standard input, which closes when the server has gone.
"""

import os
import secrets
import subprocess
import sys
import threading
from multiprocessing.connection import Client
from pathlib import Path

from leafcore.errors import JobError, LeafError
from leafcore.lanes import own_process_group
from leafcore.questions import IDLE_S, KEY_VARIABLE, Question, answer_file
from leafcore.workspace import PROJECT_ROOT, Workspace

START_S = 120.0
END_S = 5.0  # how long a question may take to notice that its worker has ended


class WarmWorker:
    """The server's side: starts the worker when it is needed, and speaks to it, one question at a time.

    Args:
        workspace: Whose questions are answered.
        idle_s: How long the worker lives without a question.
    """

    def __init__(self, workspace: Workspace, idle_s: float = IDLE_S) -> None:
        self._workspace = workspace
        self._idle_s = idle_s
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._key = b""
        self._asking = threading.Lock()  # held for as long as a question takes
        self._starting = threading.Lock()  # held for moments: to start a process, or to end them all
        self._closed = False

    def ask(self, question: Question) -> Path:
        """Return the file that answers a question.

        Raises:
            LeafError: The question cannot be answered; the worker says why.
            JobError: The worker could not be started, or ended while it worked; or the server is ending.
        """
        target = answer_file(self._workspace, question)
        if target.exists():
            return target
        with self._asking:
            if not target.exists():
                self._ask(question)
        return target

    def _ask(self, question: Question) -> None:
        for attempt in range(2):
            try:
                self._ensure_started()
                with Client(("127.0.0.1", self._port), authkey=self._key) as connection:
                    connection.send((question.NAME, question.model_dump(mode="json")))
                    failure = connection.recv()
                break
            except (EOFError, OSError) as error:
                self._end()
                if attempt == 1:
                    raise JobError(f"The helper process ended while it worked ({error}); see cache/ask.log.") from None
        if failure is not None:
            raise _failure(*failure)

    def _ensure_started(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._end()  # closes the pipes of one that has ended
        with self._starting:
            self._require_open()
            process = self._process = self._start()
        assert process.stdout is not None
        too_late = threading.Timer(START_S, process.kill)
        too_late.start()
        line = process.stdout.readline().strip()  # empty if the process ends before it listens
        too_late.cancel()
        if not line.isdigit():
            self._end()
            self._require_open()
            raise JobError("The helper process could not be started; see cache/ask.log in the workspace.")
        self._port = int(line)

    def _require_open(self) -> None:
        if self._closed:
            raise JobError("The server is ending; ask again once it is back.")

    def _start(self) -> "subprocess.Popen[bytes]":
        self._key = secrets.token_bytes(32)
        self._workspace.cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "leafcore", "answer"]
        with (self._workspace.cache / "ask.log").open("wb") as output:
            return subprocess.Popen(
                [*command, "--idle", str(self._idle_s), "--workspace", str(self._workspace.root)],
                cwd=PROJECT_ROOT,
                env={**os.environ, KEY_VARIABLE: self._key.hex()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                **own_process_group(),
            )

    def stop(self) -> None:
        """End the worker for good, whatever it is doing; whoever waits for its answer gets a `JobError`."""
        with self._starting:
            self._closed = True
            process = self._process
        if process is not None:
            process.kill()
        if self._asking.acquire(timeout=END_S):  # a question that was being answered breaks off
            try:
                self._end()
            finally:
                self._asking.release()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _failure(kind: str, message: str) -> LeafError:
    """Return a failure as the worker raised it."""
    known = {error.__name__: error for error in _all_errors(LeafError)}
    return known.get(kind, JobError)(message)


def _all_errors(root: type[LeafError]) -> list[type[LeafError]]:
    return [root, *(error for child in root.__subclasses__() for error in _all_errors(child))]
