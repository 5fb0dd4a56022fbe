"""The life of the real server: it starts, works, ends on SIGTERM with nothing left behind, and goes on."""

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from leafcore.runs import Run, open_run
from tests.conftest import TINY
from tests.server import Server, until


@pytest.fixture
def start(tmp_path, workspace):
    """Return a function that starts a server over the test's workspace."""
    servers = []

    def start_one() -> Server:
        servers.append(Server(workspace, tmp_path / "server.log"))
        return servers[-1]

    yield start_one
    for server in servers:
        server.close()


@pytest.fixture
def train(carry, leaf_folders):
    """Return a function that lets a server train, for as long as it lives, and returns the run once it does."""
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    endless = {**TINY["cyclegan"], "dataset": dataset, "b": "rust", "epochs": 200, "max_steps_per_epoch": 50}

    def train_on(server: Server) -> Run:
        run_id = server.submit("cyclegan", endless)
        until(lambda: server.trained(run_id) > 5, 60, "the run trains")
        return open_run(server.workspace, run_id)

    return train_on


def follow(server: Server, run: Run, lines: list[str]) -> None:
    """Take down a run's stream of events until the server ends it."""
    with httpx.stream("GET", f"{server.url}/api/runs/{run.id}/events", timeout=60) as answer:
        for line in answer.iter_lines():
            lines.append(line)  # one by one, as they come


def leave_half_said(server: Server) -> socket.socket:
    """Begin a request that is never finished."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(
        b"POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    return connection


def test_an_open_stream_ends_with_the_server_which_saves_the_run_in_time(start, train):
    server = start()
    run = train(server)
    lines: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        stream = pool.submit(follow, server, run, lines)
        until(lambda: lines, 30, "the stream has begun")
        assert server.end(timeout_s=30) in {0, -15, 143}
        stream.result(timeout=5)  # ended in order, not broken off
    assert (run.status().state, run.stop_reason) == ("queued", None)
    assert run.status().done > 5


def test_a_client_that_never_finishes_its_request_does_not_keep_the_server(start):
    server = start()
    with leave_half_said(server):
        assert server.end(timeout_s=30) in {0, -15, 143}


def test_sigterm_saves_the_run_leaves_no_child_and_the_next_start_resumes_it(start, train):
    server = start()
    run = train(server)
    family = server.children()
    assert family, "the run is carried out by a worker process"

    assert server.end() in {0, -15, 143}
    assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    saved = run.status()
    assert saved.state == "queued" and saved.done > 5

    second = start()
    until(lambda: second.trained(run.id) > saved.done + 5, 60, "the run goes on where it was")
    steps = [row["step"] for row in run.metrics()]
    assert steps == sorted(set(steps)), "no step is recorded twice"
    second.api.post(f"/runs/{run.id}/stop")
    until(lambda: second.state(run.id) == "stopped", 30, "stop is done within 30 s")


def test_sigkill_of_the_server_leaves_the_worker_working_and_the_next_server_adopts_it(start, train):
    server = start()
    run = train(server)
    server.process.kill()
    server.process.wait()
    reached = run.status().done
    until(lambda: run.status().done > reached, 30, "the worker goes on without a server")

    second = start()
    waiting = second.submit("cyclegan", {**TINY["cyclegan"], "dataset": run.record.settings["dataset"], "b": "scab"})
    until(lambda: run.status().done > reached + 20, 30, "the worker goes on under the next server")
    assert second.state(waiting) == "queued", "the lane waits for the adopted run"
    second.api.post(f"/runs/{run.id}/stop")
    until(lambda: second.state(run.id) == "stopped", 30, "the adopted run stops")
    until(lambda: second.state(waiting) == "done", 60, "then the next one is carried out")


def test_the_server_never_loads_torch_while_runs_and_questions_are_answered(start, carry, leaf_folders):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    server = start()
    run_id = server.submit("classifier", {**TINY["classifier"], "dataset": dataset})
    until(lambda: server.state(run_id) in {"done", "failed"}, 60, "the run ends")
    assert server.state(run_id) == "done"
    assert not server.loads_torch()
    assert server.megabytes() < 250


def test_an_empty_workspace_gets_the_sample_leaves(start, workspace):
    server = start()
    until(lambda: server.api.get("/datasets").json() == ["sample-leaves"], 120, "the sample dataset is drawn")
    shown = server.api.get("/datasets/sample-leaves").json()
    assert shown["images"] == 700
