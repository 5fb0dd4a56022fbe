"""The life of the real server: it starts, works, ends on SIGTERM with nothing left behind, and goes on."""

import psutil
import pytest

from leafcore.runs import open_run
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


def test_sigterm_saves_the_run_leaves_no_child_and_the_next_start_resumes_it(start, carry, workspace, leaf_folders):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    endless = {**TINY["cyclegan"], "dataset": dataset, "b": "rust", "epochs": 200, "max_steps_per_epoch": 50}
    server = start()
    run_id = server.submit("cyclegan", endless)
    until(lambda: server.trained(run_id) > 5, 60, "the run trains")
    family = server.children()
    assert family, "the run is carried out by a worker process"

    assert server.end() in {0, -15, 143}
    assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    run = open_run(workspace, run_id)
    saved = run.status()
    assert saved.state == "queued" and saved.done > 5

    second = start()
    until(lambda: second.trained(run_id) > saved.done + 5, 60, "the run goes on where it was")
    steps = [row["step"] for row in run.metrics()]
    assert steps == sorted(set(steps)), "no step is recorded twice"
    second.api.post(f"/runs/{run_id}/stop")
    until(lambda: second.state(run_id) == "stopped", 30, "stop is done within 30 s")


def test_sigkill_of_the_server_leaves_the_worker_working_and_the_next_server_adopts_it(
    start, carry, workspace, leaf_folders
):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    endless = {**TINY["cyclegan"], "dataset": dataset, "b": "rust", "epochs": 200, "max_steps_per_epoch": 50}
    server = start()
    run_id = server.submit("cyclegan", endless)
    until(lambda: server.trained(run_id) > 5, 60, "the run trains")
    server.process.kill()
    server.process.wait()
    run = open_run(workspace, run_id)
    reached = run.status().done
    until(lambda: run.status().done > reached, 30, "the worker goes on without a server")

    second = start()
    waiting = second.submit("cyclegan", {**TINY["cyclegan"], "dataset": dataset, "b": "scab"})
    until(lambda: run.status().done > reached + 20, 30, "the worker goes on under the next server")
    assert second.state(waiting) == "queued", "the lane waits for the adopted run"
    second.api.post(f"/runs/{run_id}/stop")
    until(lambda: second.state(run_id) == "stopped", 30, "the adopted run stops")
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
