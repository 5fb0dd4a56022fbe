"""Interactive questions to a warm worker: a process that keeps its models loaded, so that the server loads no torch.

A question is a small config; its answer is a file in the workspace's cache, named by the question's hash. What has been
answered before is answered by the file alone. The worker is started by the first question that has no file, ends after
ten idle minutes, and ends with the server: it reads its standard input, which closes when the server has gone.
"""

import hashlib
import json
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, ClassVar

from leafcore.config import Config, setting
from leafcore.errors import ConfigError, JobError, LeafError, as_leaf_error
from leafcore.lanes import own_process_group
from leafcore.workspace import PROJECT_ROOT, Workspace

IDLE_S = 600.0
START_S = 120.0
KEY_VARIABLE = "LEAF_ASK_KEY"

log = logging.getLogger(__name__)


class Question(Config):
    """Something a page wants to know now.

    Attributes:
        NAME: Which function of `answers.py` answers it.
    """

    NAME: ClassVar[str]


class LookQuestion(Question):
    """What does LFLSeg see in these pictures? Answer: npz with `maps` (N, h, w) and `probabilities` (N, 3)."""

    NAME: ClassVar[str] = "look"

    model: str = setting(..., "LFLSeg weights.")
    weights_sha256: str = setting(..., "Their hash, so that a new model under an old name is asked anew.")
    dataset: str = setting(..., "name@version.")
    images: tuple[str, ...] = setting(..., "Paths of pictures in the dataset.", max_length=96)


class PreviewQuestion(Question):
    """What does a chain make of these pictures? Answer: npz, `steps` (steps + 1, N, S, S, 3) uint8, sources first."""

    NAME: ClassVar[str] = "preview"

    chain: tuple[str, ...] = setting(..., "Translators in order.", max_length=8)
    weights_sha256: tuple[str, ...] = setting(..., "Their hashes, in order.")
    dataset: str = setting(..., "name@version.")
    images: tuple[str, ...] = setting(..., "Paths of pictures in the dataset.", max_length=24)


QUESTIONS: dict[str, type[Question]] = {kind.NAME: kind for kind in (LookQuestion, PreviewQuestion)}


def answer_file(workspace: Workspace, question: Question) -> Path:
    """Return where the answer to a question is, or will be."""
    text = json.dumps([question.NAME, question.model_dump(mode="json")], sort_keys=True)
    return workspace.cache / "answers" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


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
        self._lock = threading.Lock()

    def ask(self, question: Question) -> Path:
        """Return the file that answers a question.

        Raises:
            LeafError: The question cannot be answered; the worker says why.
            JobError: The worker could not be started, or ended while it worked.
        """
        target = answer_file(self._workspace, question)
        if target.exists():
            return target
        with self._lock:
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
        self._key = secrets.token_bytes(32)
        self._workspace.cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "leafcore", "answer"]
        with (self._workspace.cache / "ask.log").open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--idle", str(self._idle_s), "--workspace", str(self._workspace.root)],
                cwd=PROJECT_ROOT,
                env={**os.environ, KEY_VARIABLE: self._key.hex()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                **own_process_group(),
            )
        assert self._process.stdout is not None
        too_late = threading.Timer(START_S, self._process.kill)
        too_late.start()
        line = self._process.stdout.readline().strip()  # empty if the process ends before it listens
        too_late.cancel()
        if not line.isdigit():
            self._end()
            raise JobError("The helper process could not be started; see cache/ask.log in the workspace.")
        self._port = int(line)

    def stop(self) -> None:
        """End the worker, if there is one, and wait for it."""
        with self._lock:
            self._end()

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


# --- the worker's side ------------------------------------------------------------------------------------------------


def serve(workspace: Workspace, idle_s: float = IDLE_S) -> int:
    """Be the warm worker: answer questions until the server has gone, or nobody has asked for `idle_s`.

    Raises:
        ConfigError: It was not started by a server.
    """
    if KEY_VARIABLE not in os.environ:
        raise ConfigError("answer: only a server starts this; ask your questions on the pages.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    key = bytes.fromhex(os.environ.pop(KEY_VARIABLE))
    watch = _Watch(idle_s)
    with Listener(("127.0.0.1", 0), authkey=key) as listener:
        print(listener.address[1], flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the pipe from here on
        while True:
            try:
                with listener.accept() as connection:
                    watch.busy()
                    _serve_one(workspace, connection)
            except (EOFError, OSError, AuthenticationError) as error:
                log.warning("a question was broken off: %s", error)
            finally:
                watch.idle()


def _serve_one(workspace: Workspace, connection: "Connection[Any, Any]") -> None:
    name, values = connection.recv()
    try:
        from leafcore.answers import answer

        answer(workspace, QUESTIONS[name].build(values))
    except Exception as error:
        known = as_leaf_error(error)
        if known is None:
            log.exception("the question could not be answered")
            known = JobError(f"Something unexpected happened ({type(error).__name__}: {error}); see cache/ask.log.")
        connection.send((type(known).__name__, str(known)))
        return
    connection.send(None)


class _Watch:
    """Ends the process when its parent has gone, or when it has been idle for long."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._idle_since: float | None = time.monotonic()
        threading.Thread(target=self._watch_parent, daemon=True).start()
        threading.Thread(target=self._watch_clock, daemon=True).start()

    def busy(self) -> None:
        """Note that a question is being answered."""
        self._idle_since = None

    def idle(self) -> None:
        """Note that it has been answered."""
        self._idle_since = time.monotonic()

    def _watch_parent(self) -> None:
        sys.stdin.buffer.read()  # returns when the server closes the pipe, or dies
        os._exit(0)

    def _watch_clock(self) -> None:
        while True:
            time.sleep(1.0)
            since = self._idle_since
            if since is not None and time.monotonic() - since > self._idle_s:
                os._exit(0)
