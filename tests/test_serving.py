import signal
import threading

import anyio
import pytest

from leafcore.ask import WarmWorker
from leafcore.errors import JobError
from leafcore.journey import SAMPLE
from leafcore.lanes import Lanes
from leafcore.questions import LookQuestion
from leafcore.runs import list_runs
from leafcore.serving import GRACE_S, SIGNALS, Shutdown, serving
from leafcore.workspace import Workspace

QUESTION = LookQuestion(model="m", weights_sha256="0", dataset="leaves@0", images=("a.png",))


class Uvicorn:
    """As much of uvicorn's server as handles a signal.

    Attributes:
        heard: The signals that came through.
        timeout_graceful_shutdown: How long it waits for its connections, in seconds; None means for ever.
    """

    def __init__(self, timeout_graceful_shutdown: int | None = None) -> None:
        self.config = self
        self.timeout_graceful_shutdown = timeout_graceful_shutdown
        self.heard: list[int] = []

    def handle_exit(self, number: int, frame: object) -> None:
        """Note a signal."""
        self.heard.append(number)


@pytest.fixture
def run_by():
    """Return a function that lets a server handle the signals that end a process, until the test is over."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle_by(server: Uvicorn) -> Uvicorn:
        for number in SIGNALS:
            signal.signal(number, server.handle_exit)
        return server

    yield handle_by
    for number, handler in before.items():
        signal.signal(number, handler)


# --- being asked to end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_begins_the_shutdown_and_the_server_hears_of_it_as_before(run_by, number):
    server, shutdown = run_by(Uvicorn()), Shutdown()
    with shutdown.on_signals():
        assert not shutdown.has_begun
        signal.raise_signal(number)
        assert shutdown.has_begun and server.heard == [number]
    assert signal.getsignal(number) == server.handle_exit
    signal.raise_signal(number)
    assert server.heard == [number, number]


@pytest.mark.parametrize(("told", "expected"), [(None, GRACE_S), (60, 60)])
def test_the_server_waits_for_its_connections_for_some_seconds_unless_it_was_told_otherwise(run_by, told, expected):
    server = run_by(Uvicorn(told))
    with Shutdown().on_signals():
        assert server.timeout_graceful_shutdown == expected


def test_what_a_signal_does_by_default_stays_so(run_by):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job does not begin with
    with Shutdown().on_signals():
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_server_that_runs_in_another_thread_leaves_the_signals_alone(run_by):
    server = run_by(Uvicorn())

    def serve() -> None:
        with Shutdown().on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    seen: list[object] = []
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
    assert seen == [server.handle_exit]


# --- the server's life ------------------------------------------------------------------------------------------------


def test_lanes_end_before_the_warm_worker_and_neither_on_the_event_loop(workspace, monkeypatch):
    ended: list[tuple[str, bool, bool]] = []
    warm, shutdown = WarmWorker(workspace), Shutdown()

    def note(name: str) -> None:
        ended.append((name, threading.current_thread() is threading.main_thread(), shutdown.has_begun))

    monkeypatch.setattr(Lanes, "start", lambda lanes: None)
    monkeypatch.setattr(Lanes, "stop", lambda lanes: note("lanes"))
    monkeypatch.setattr(warm, "stop", lambda: note("warm"))

    async def live() -> None:
        async with serving(workspace, warm, shutdown):
            assert not shutdown.has_begun and ended == []

    anyio.run(live)
    assert ended == [("lanes", False, True), ("warm", False, True)]
    (run,) = list_runs(workspace)
    assert run.record.settings["name"] == SAMPLE


def test_the_warm_worker_ends_even_if_the_lanes_cannot(workspace, monkeypatch):
    warm = WarmWorker(workspace)
    monkeypatch.setattr(Lanes, "start", lambda lanes: None)

    def fail(lanes: Lanes) -> None:
        raise JobError("no")

    monkeypatch.setattr(Lanes, "stop", fail)

    async def live() -> None:
        async with serving(workspace, warm, Shutdown()):
            pass

    with pytest.raises(JobError, match="no"):
        anyio.run(live)
    with pytest.raises(JobError, match="The server is ending"):
        warm.ask(QUESTION)


def test_a_workspace_that_cannot_be_written_does_not_keep_the_server_from_starting(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    workspace = Workspace(tmp_path / "file" / "workspace")

    async def live() -> None:
        async with serving(workspace, WarmWorker(workspace), Shutdown()):
            pass

    anyio.run(live)
    assert "no sample leaves: [Errno" in caplog.text
