import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from leafcore import devices
from leafcore import lanes as lanes_module
from leafcore.errors import JobError
from leafcore.jobs import FILES, QUICK, build_config, lane_lock, submit
from leafcore.lanes import end_at_once, server_of
from leafcore.runs import Run, create_run
from leafcore.workspace import PROJECT_ROOT, Workspace
from tests.lanes import draw, pictures, starting, until_drawn, until_state, workers_of
from tests.server import until

SERVER = """
import sys, time
from leafcore.lanes import Lanes
from leafcore.workspace import Workspace
Lanes(Workspace(sys.argv[1])).start()
time.sleep(600)
"""


@pytest.fixture
def start(workspace):
    """Return a function that starts a server's lanes over the test's workspace."""
    with starting(workspace) as start_lanes:
        yield start_lanes


@pytest.fixture
def do_import(workspace, leaf_folders):
    """Return a function that queues an import, which takes a second."""
    return lambda name, source=leaf_folders: submit(
        workspace, "import", build_config("import", {"source": source, "name": name})
    )


# --- the queue --------------------------------------------------------------------------------------------------------


def test_a_queued_run_is_carried_out_by_a_process_of_its_own(start, do_import):
    run = do_import("leaves")
    start()
    until_state(run, "done")
    status = run.status()
    assert (status.owner, status.lane) == ("server", FILES)
    assert run.result()["images"] == 44
    assert "phase: reading" in run.log()
    later = do_import("more")
    until_state(later, "done")


def test_a_run_that_fails_does_not_block_the_next(start, do_import, tmp_path):
    (tmp_path / "empty").mkdir()
    bad, good = do_import("bad", tmp_path / "empty"), do_import("good")
    start(FILES)
    until_state(good, "done")
    assert (bad.status().state, bad.status().failure.code) == ("failed", "dataset")
    assert bad.status().finished <= good.status().started


def test_a_run_that_is_killed_becomes_interrupted_and_the_lane_goes_on(start, workspace, do_import):
    killed, after = draw(workspace, 5000), do_import("after")
    start(FILES)
    until_drawn(workspace, 3)
    psutil.Process(killed.status().pid).kill()
    until_state(killed, "interrupted", 10)
    until_state(after, "done")
    assert killed.status().state == "interrupted", "only its user decides whether it is worth another try"


def test_a_run_that_is_ended_at_once_goes_with_its_process_and_the_lane_goes_on(start, workspace, do_import):
    ended, after = draw(workspace, 5000), do_import("after")
    start(FILES)
    until_drawn(workspace, 3)
    worker = ended.status().pid
    end_at_once(ended)
    assert ended.status().state == "stopped" and not psutil.pid_exists(worker)
    until_state(after, "done")
    with pytest.raises(JobError, match="is stopped; there is nothing to end"):
        end_at_once(ended)


def test_a_run_that_is_paused_lets_the_next_one_go_and_then_goes_first(start, workspace, do_import):
    paused, after = draw(workspace, 5000), do_import("after")
    start(FILES)
    until_drawn(workspace, 3)
    paused.request_stop("pause")
    until_state(after, "done")
    assert paused.status().state == "paused"
    later = do_import("later")
    paused.requeue()
    assert paused.status().rank < later.status().rank
    paused.request_stop()


def test_a_run_that_is_stopped_ends_soon_and_keeps_what_it_has(start, workspace, do_import):
    stopped, after = draw(workspace, 5000), do_import("after")
    start(FILES)
    until_drawn(workspace, 3)
    stopped.request_stop()
    assert stopped.status().state in {"stopping", "stopped"}
    until_state(stopped, "stopped", 30)
    assert pictures(workspace) == stopped.status().done >= 3
    until_state(after, "done")


def test_a_run_that_is_stopped_while_its_worker_starts_stays_stopped(start, workspace, do_import):
    stopped, after = draw(workspace, 5000), do_import("after")
    lanes = start(FILES)
    until(lambda: stopped.id in lanes._workers, 30, "the worker is starting")
    stopped.request_stop()
    until_state(after, "done")
    assert stopped.status().state == "stopped"


def test_a_worker_that_is_told_to_end_from_outside_is_started_again(start, workspace):
    run = draw(workspace, 40)
    start(FILES)
    until_drawn(workspace, 3)
    first = run.status()
    psutil.Process(first.pid).terminate()
    until(lambda: run.status().pid not in {None, first.pid}, 30, "another worker goes on")
    assert run.status().queued == first.queued
    until_state(run, "done")
    assert run.log().count("phase: drawing") == 2


def test_a_worker_that_ends_before_it_begins_fails_its_run(start, do_import, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    first, second = do_import("first"), do_import("second")
    start(FILES)
    until_state(first, "failed", 20)
    until_state(second, "failed", 20)
    assert "ended with code 7 before it began" in first.status().failure.message


def test_a_worker_that_cannot_be_started_fails_its_run(start, do_import, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    run = do_import("leaves")
    start(FILES)
    until_state(run, "failed", 10)
    assert "The worker process could not be started" in run.status().failure.message


def test_two_lanes_never_take_the_same_run(start, do_import):
    runs = [do_import(f"set-{index}") for index in range(3)]
    start(FILES, FILES)
    for run in runs:
        until_state(run, "done")
        assert run.log().count("phase: listing") == 1
        assert "ERROR" not in run.log()


def test_a_damaged_run_is_left_where_it_is_and_holds_nobody_up(start, workspace, do_import, caplog):
    damaged, status = do_import("damaged"), do_import("status")
    (damaged.folder / "config.json").write_bytes(b"{")
    (status.folder / "status.json").write_bytes(b"{")
    settings = build_config("render", {"name": "needs-them", "count": 20, "size_px": 32})
    waiting = create_run(workspace, "render", settings, uses=(damaged.id, status.id))
    after = do_import("after")
    start(FILES)
    until_state(waiting, "done")
    until_state(after, "done")
    assert damaged.status().state == "queued", "mended, it could still be carried out"
    assert f"{damaged.folder}/config.json: damaged" in caplog.text


def test_a_run_waits_for_what_another_one_has_yet_to_make(start, workspace, do_import):
    with lane_lock(workspace, "cpu"):
        start("cpu", FILES)
        used = create_run(workspace, "classifier", build_config("classifier", {"dataset": "leaves"}))
        settings = build_config("render", {"name": "needs-it", "count": 20, "size_px": 32})
        waiting = create_run(workspace, "render", settings, uses=(used.id,))
        other = do_import("other")
        until_state(other, "done")
        assert waiting.status().state == used.status().state == "queued"
        used.request_stop()
        until_state(waiting, "done")


# --- lanes beside each other ------------------------------------------------------------------------------------------


def test_files_are_moved_while_a_network_trains(start, workspace, do_import):
    with lane_lock(workspace, "cpu"):  # somebody trains
        start("cpu", QUICK, FILES)
        training = create_run(workspace, "classifier", build_config("classifier", {"dataset": "leaves"}))
        moved = do_import("moved")
        until_state(moved, "done")
        assert training.status().state == "queued"
        training.request_stop()


def test_the_server_waits_for_a_command_that_holds_the_lane(start, workspace, do_import):
    command = [sys.executable, "-m", "leafcore", "render", "--count", "50", "--size-px", "32", "--name", "by-hand"]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, env={**os.environ, "LEAF_WORKSPACE": str(workspace.root)}, stderr=subprocess.DEVNULL
    ) as by_hand:
        until(lambda: pictures(workspace, "by-hand") > 0, 30, "the command draws")
        run = do_import("leaves")
        start(FILES)
        assert by_hand.wait(timeout=60) == 0
    until_state(run, "done")
    drawn = next(other for other in (Run(path) for path in workspace.runs.glob("*render*")))
    assert drawn.status().owner == "cli"
    assert run.status().started > drawn.status().finished


def test_a_run_for_a_device_that_is_gone_fails_instead_of_waiting_for_ever(start, workspace):
    run = create_run(workspace, "classifier", build_config("classifier", {"dataset": "leaves", "device": "cuda:63"}))
    start("cpu", FILES)
    until_state(run, "failed")
    failure = run.status().failure
    assert "device: got 'cuda:63'" in failure.message and (failure.code, failure.fix) == ("device", {"device": "auto"})


@pytest.fixture
def environment_of(workspace, tmp_path, monkeypatch):
    """Return a function that starts a run's worker on a lane of two GPUs, and returns what its environment says."""
    (tmp_path / "python").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpus = [devices.Gpu("One", "cuda:0", "4", 0, 1), devices.Gpu("Two", "cuda:1", "GPU-5c3f", 0, 1)]
    monkeypatch.setattr(devices, "gpus", lambda: gpus)

    def start_on(lane: str, device: str) -> dict[str, str]:
        settings = build_config("classifier", {"dataset": "leaves", "device": device})
        run = create_run(workspace, "classifier", settings)
        lanes_module.start_worker(workspace, run, lane).wait()
        return dict(line.split("=", 1) for line in run.log().splitlines() if "=" in line)

    return start_on


def test_a_worker_sees_only_the_gpu_of_its_lane(environment_of):
    assert environment_of("cuda:0", "auto")["CUDA_VISIBLE_DEVICES"] == "4"
    assert environment_of("cuda:1", "auto")["CUDA_VISIBLE_DEVICES"] == "GPU-5c3f"
    assert "CUDA_VISIBLE_DEVICES" not in environment_of("cpu", "cpu")


def test_a_run_that_names_its_gpu_finds_it_under_that_name(environment_of):
    environment = environment_of("cuda:1", "cuda:1")
    assert "CUDA_VISIBLE_DEVICES" not in environment
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_two_devices_carry_two_runs_out_at_once_and_the_third_waits(start, workspace, tmp_path, monkeypatch):
    (tmp_path / "python").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(devices, "gpus", lambda: [devices.Gpu("One", f"cuda:{i}", str(i), 0, 1) for i in (0, 1)])
    settings = build_config("classifier", {"dataset": "leaves"})
    first, second, third = (create_run(workspace, "classifier", settings) for _ in range(3))
    lanes = start("cuda:0", "cuda:1")
    until(lambda: len(lanes._workers) == 2, 30, "both lanes have a worker")
    assert set(lanes._workers) == {first.id, second.id} and third.status().state == "queued"
    lanes.stop(timeout_s=0.1)


# --- the server's end, and the next server ----------------------------------------------------------------------------


def test_a_server_that_ends_saves_its_runs_and_the_next_one_resumes_them(start, workspace):
    run, later = draw(workspace, 5000), draw(workspace, 5000, "later")
    first = start(FILES)
    until_drawn(workspace, 5)
    first.stop()
    saved = run.status()
    assert workers_of(workspace) == []
    assert saved.state == later.status().state == "queued"
    assert saved.queued < later.status().queued and run.stop_reason is None

    start(FILES)
    until_drawn(workspace, saved.done + 3)
    assert later.status().state == "queued", "the one that was under way goes first"
    assert run.log().count("phase: drawing") == 2


def test_a_server_that_ends_before_its_worker_has_begun_leaves_the_run_queued(start, workspace):
    run = draw(workspace, 5000)
    lanes = start(FILES)
    until(lambda: run.id in lanes._workers, 30, "the worker is starting")
    lanes.stop()
    assert run.status().state == "queued"
    assert workers_of(workspace) == []


def test_a_worker_that_does_not_end_in_time_is_ended_and_its_run_queued(start, workspace):
    run = draw(workspace, 5000)
    lanes = start(FILES)
    until_drawn(workspace, 3)
    worker = psutil.Process(run.status().pid)
    worker.suspend()
    lanes.stop(timeout_s=0.3)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert run.status().state == "queued"


@pytest.fixture
def server(workspace):
    """A server in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", SERVER, str(workspace.root)], cwd=PROJECT_ROOT) as process:
        yield process
        process.kill()


def test_a_killed_servers_worker_goes_on_and_the_next_server_waits_for_it(server, start, workspace, do_import):
    run, after = draw(workspace, 70), do_import("after")
    until_drawn(workspace, 3)
    worker = run.status().pid
    server.kill()
    server.wait()
    lanes = start(FILES)
    until(lambda: lanes.leads, 30, "the next server leads")
    assert (run.status().state, run.status().pid) == ("running", worker)
    until_state(after, "done")
    assert run.status().state == "done"
    assert run.status().finished <= after.status().started
    assert run.log().count("phase: drawing") == 1


def test_a_server_that_ends_asks_an_adopted_worker_to_save_too(server, start, workspace):
    run = draw(workspace, 5000)
    until_drawn(workspace, 3)
    server.kill()
    server.wait()
    lanes = start(FILES)
    until(lambda: lanes.leads, 30, "the next server leads")
    lanes.stop()
    assert run.status().state == "queued"
    until(lambda: not workers_of(workspace), 30, "the worker ends")


def test_a_second_server_leads_only_when_the_first_has_gone(start, workspace, do_import):
    first = start(FILES)
    until(lambda: first.leads, 30, "the first leads")
    second = start(FILES)
    run = do_import("leaves")
    until_state(run, "done")
    assert not second.leads
    first.stop()
    until(lambda: second.leads, 30, "the second leads")
    next_run = do_import("more")
    until_state(next_run, "done")


def test_a_server_that_never_led_leaves_the_others_runs_alone(start, workspace):
    first = start(FILES)
    until(lambda: first.leads, 30, "the first leads")
    run = draw(workspace, 5000)
    until_drawn(workspace, 3)
    start(FILES).stop()
    assert run.status().state == "running"
    first.stop()


# --- who leads --------------------------------------------------------------------------------------------------------


def test_the_server_of_a_workspace_is_known_as_long_as_it_works(start, workspace):
    assert server_of(workspace) is None
    lanes = start(FILES)
    until(lambda: lanes.leads, 30, "it leads")
    assert server_of(workspace)["pid"] == os.getpid()
    lanes.stop()
    assert server_of(workspace) is None


def test_a_killed_server_is_not_taken_for_one_that_works(server, workspace):
    until(lambda: server_of(workspace) is not None, 30, "the server works")
    assert server_of(workspace)["pid"] == server.pid
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert server_of(workspace) is None


def test_asking_for_the_server_makes_nothing(tmp_path):
    assert server_of(Workspace(tmp_path / "nothing")) is None
    assert not Path(tmp_path / "nothing").exists()
