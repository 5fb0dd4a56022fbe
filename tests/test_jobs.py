import errno
import importlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel

from leafcore import devices, jobs
from leafcore.config import Config, setting
from leafcore.errors import ConfigError, DiskFull, JobError, LeafError, OutOfMemory, Stopped
from leafcore.files import write_json
from leafcore.jobs import (
    FILES,
    KINDS,
    QUICK,
    Kind,
    build_config,
    choose_lane,
    execute,
    lane_holder,
    lane_is_taken,
    lane_lock,
    lane_of,
    submit,
    work,
)
from leafcore.progress import Progress
from leafcore.runs import RESUMABLE, Run, create_run, list_runs
from leafcore.workspace import PROJECT_ROOT, Workspace
from tests.conftest import TINY
from tests.server import until


class TroubleConfig(Config):
    """Settings of a verb that fails the first time."""

    what: str = setting(..., "How it fails.")


class TroubleResult(BaseModel):
    attempts: int


TROUBLE = {
    "disk": OSError(errno.ENOSPC, "No space left on device", "weights.bin"),
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "memory": MemoryError(),
    "ours": ConfigError("count: got 9, expected less."),
    "bug": ZeroDivisionError("first line\nsecond line"),
    "stop": Stopped(),
}


def trouble(config: TroubleConfig, workspace: Workspace, progress: Progress) -> TroubleResult:
    """Fail the first time, succeed the second."""
    del workspace
    progress.phase("working")
    progress.report(1, 2)
    if (progress.folder / "tried").exists():
        return TroubleResult(attempts=2)
    (progress.folder / "tried").touch()
    raise TROUBLE[config.what]


@pytest.fixture(autouse=True)
def no_niceness(monkeypatch):
    """What a worker does to its own process must not be done to the tests'."""
    monkeypatch.setattr(jobs, "step_back", lambda: None)


@pytest.fixture
def make_trouble(workspace, monkeypatch):
    """Return a function that queues a run of the verb above."""
    kind = Kind("Trouble", TroubleConfig, f"{__name__}:trouble", "files")
    monkeypatch.setattr(jobs, "KINDS", {**KINDS, "trouble": kind})
    return lambda what: submit(workspace, "trouble", TroubleConfig(what=what))


def carry_out(workspace: Workspace, run: Run, **values) -> dict:
    return execute(workspace, run, **{"lane": FILES, "owner": "cli", **values})


# --- submitting -------------------------------------------------------------------------------------------------------


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"kind: got 'dance', expected one of import, render, .*evaluate, .*\."):
        build_config("dance", {})


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="preset: got 'huge', expected one of smoke, draft, paper"):
        build_config("leafgan", {"dataset": "x", "b": "rust", "masks": "y"}, "huge")


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("lflseg", "LFLSeg: leaves"),
        ("leafgan", "LeafGAN healthy → rust"),
        ("masks", "Make masks: leaves"),
        ("evaluate", "Evaluate: leaves"),
        ("synthesize", "6 synthetic pictures from healthy by healthy-to-rust"),
        ("import", "Import: leaves"),
    ],
)
def test_a_run_says_in_its_title_what_it_does(journey, kind, title):
    assert journey.runs[kind].record.title == title


def test_a_title_of_the_users_own_is_kept(workspace):
    assert submit(workspace, "render", build_config("render", {}), title="For Monday").record.title == "For Monday"


# --- carrying out -----------------------------------------------------------------------------------------------------


def test_a_run_that_is_done_keeps_what_its_verb_returned(journey):
    run = journey.runs["synthesize"]
    status = run.status()
    assert (status.state, status.done, status.total, status.owner) == ("done", 6, 6, "cli")
    assert status.started <= status.finished
    assert status.pid is None and status.failure is None
    assert run.result()["count"] == 6


@pytest.mark.parametrize(
    ("what", "code", "raised"),
    [
        ("disk", "disk_full", DiskFull),
        ("quota", "disk_full", DiskFull),
        ("memory", "out_of_memory", OutOfMemory),
        ("ours", "config", ConfigError),
        ("bug", "job", JobError),
    ],
)
def test_a_failure_is_typed_said_in_one_line_and_can_be_resumed(workspace, make_trouble, what, code, raised):
    run = make_trouble(what)
    with pytest.raises(raised) as error:
        carry_out(workspace, run)
    status = run.status()
    assert (status.state, status.failure.code) == ("paused" if code == "disk_full" else "failed", code)
    assert status.failure.message == str(error.value)
    assert "\n" not in status.failure.message
    assert not run.is_locked() and not lane_is_taken(workspace, FILES)

    run.requeue()
    assert run.status().failure is None
    assert carry_out(workspace, run) == {"attempts": 2}
    assert run.status().state == "done"


def test_an_unexpected_failure_leaves_its_traceback_in_the_log(workspace, make_trouble):
    run = make_trouble("bug")
    with pytest.raises(JobError, match="ZeroDivisionError: first line second line"):
        carry_out(workspace, run)
    assert "Traceback" in run.log() and "raise TROUBLE" in run.log()


def test_a_full_disk_is_named_with_the_file_that_did_not_fit(workspace, make_trouble):
    with pytest.raises(DiskFull, match=r"The disk is full while writing weights\.bin: free some space, then resume"):
        carry_out(workspace, make_trouble("disk"))


def test_a_run_that_was_asked_to_stop_is_stopped_and_can_be_resumed(workspace, make_trouble):
    run = make_trouble("stop")
    with pytest.raises(Stopped):
        carry_out(workspace, run)
    assert run.status().state == "stopped"
    assert run.status().state in RESUMABLE
    assert run.result() == {}


def test_a_server_that_goes_down_queues_its_run_where_it_was(workspace, make_trouble):
    run = make_trouble("stop")
    run.request_stop("shutdown")
    queued = run.status().queued
    with pytest.raises(Stopped):
        carry_out(workspace, run, owner="server")
    assert (run.status().state, run.status().queued) == ("queued", queued)
    assert run.stop_reason is None


def test_a_done_run_is_not_carried_out_again(journey):
    with pytest.raises(JobError, match="is done already"):
        carry_out(journey.workspace, journey.runs["export"])


def test_a_run_that_was_stopped_while_its_worker_started_stays_stopped(workspace, make_trouble):
    run = make_trouble("bug")
    run.request_stop()
    with pytest.raises(JobError, match="is stopped, no longer queued"):
        carry_out(workspace, run, owner="server")
    assert run.status().state == "stopped"


def test_nobody_carries_out_what_another_process_carries_out(workspace, make_trouble, monkeypatch):
    run = make_trouble("bug")
    locked = Run.locked
    monkeypatch.setattr(Run, "locked", lambda self, timeout_s=0.0: locked(self, timeout_s=min(timeout_s, 0.1)))
    with run.locked(), pytest.raises(JobError, match="is being worked on by another process"):
        carry_out(workspace, run)
    assert run.status().state == "queued"


def test_a_run_of_a_kind_that_this_version_does_not_know_fails_in_one_line(workspace):
    run = create_run(workspace, "dance", build_config("render", {}))
    with pytest.raises(JobError, match="carries out no dance runs"):
        carry_out(workspace, run, lane=lane_of(run))


def test_a_worker_answers_with_the_failures_exit_code(workspace, make_trouble):
    assert work(workspace, make_trouble("ours").id, FILES) == 2
    assert work(workspace, make_trouble("memory").id, FILES) == 1
    assert work(workspace, make_trouble("stop").id, FILES) == 0
    assert [run.status().owner for run in list_runs(workspace)] == ["server"] * 3


# --- lanes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "without_gpu", "with_gpu"),
    [
        ("import", FILES, FILES),
        ("export", FILES, FILES),
        ("leafgan", "auto", "auto"),
        ("evaluate", "auto", "auto"),
        ("masks", QUICK, "auto"),
        ("synthesize", QUICK, "auto"),
    ],
)
def test_each_kind_has_its_lane(journey, monkeypatch, kind, without_gpu, with_gpu):
    monkeypatch.setattr(devices, "gpus", list)
    assert lane_of(journey.runs[kind]) == without_gpu
    monkeypatch.setattr(devices, "gpus", lambda: [devices.Gpu("One", "cuda:0", "0", 0, 1)])
    assert lane_of(journey.runs[kind]) == with_gpu


def test_a_run_that_names_its_device_waits_for_that_one(workspace):
    values = {"dataset": "x", "b": "rust", "device": "cuda:1"}
    assert lane_of(create_run(workspace, "cyclegan", build_config("cyclegan", values))) == "cuda:1"


def test_outside_the_server_auto_is_the_first_device(journey, monkeypatch):
    monkeypatch.setattr(devices, "gpus", list)
    assert choose_lane(journey.runs["leafgan"]) == "cpu"
    monkeypatch.setattr(devices, "gpus", lambda: [devices.Gpu("One", "cuda:0", "0", 0, 1)])
    assert choose_lane(journey.runs["leafgan"]) == "cuda:0"


@pytest.fixture
def waiting(workspace, leaf_folders):
    """A run that waits in a thread for a lane which the test holds."""
    run = submit(workspace, "import", build_config("import", {"source": leaf_folders, "name": "leaves"}))
    lock = lane_lock(workspace, FILES)
    lock.acquire()
    write_json(workspace.locks / "files.json", {"run": "another-run", "pid": 1})
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(carry_out, workspace, run)
        until(lambda: run.status().phase.startswith("waiting"), 30, "the run waits")
        yield run, lock, done
        lock.release(force=True)


def test_a_run_waits_for_its_lane_and_says_who_holds_it(workspace, waiting):
    run, lock, done = waiting
    assert run.status().phase == "waiting for files, held by another-run"
    until(lambda: run.status().heartbeat > run.status().started + 0.5, 30, "it waits for a while")
    lock.release()
    assert done.result(timeout=30)["images"] == 44
    assert lane_holder(workspace, FILES) == run.id
    assert run.log().count("waiting for files") == 1, "waiting is said once"


def test_a_run_that_waits_for_its_lane_can_be_stopped(waiting):
    run, _, done = waiting
    run.request_stop()
    with pytest.raises(Stopped):
        done.result(timeout=10)
    assert run.status().state == "stopped"


def test_a_lane_is_taken_while_somebody_holds_it_and_never_twice(workspace):
    assert not lane_is_taken(workspace, "cuda:0")
    with lane_lock(workspace, "cuda:0"):
        assert lane_is_taken(workspace, "cuda:0")
        assert not lane_is_taken(workspace, "cpu")
    assert not lane_is_taken(workspace, "cuda:0")


# --- signals ----------------------------------------------------------------------------------------------------------


def test_sigterm_on_a_command_saves_and_stops_its_run(carry, workspace, leaf_folders):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    values = {**TINY["cyclegan"], "dataset": dataset, "b": "rust", "epochs": 500, "max_steps_per_epoch": 50}
    flags = [part for name, value in values.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = subprocess.Popen(
        [sys.executable, "-m", "leafcore", "train", "cyclegan", *flags],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LEAF_WORKSPACE": str(workspace.root)},
    )
    try:
        until(lambda: list_runs(workspace, "cyclegan"), 60, "the run is there")
        run = list_runs(workspace, "cyclegan")[0]
        until(lambda: len(run.metrics()) > 3, 60, "it trains")
        command.terminate()
        out, err = command.communicate(timeout=30)
    finally:
        command.kill()
    assert (command.returncode, out) == (1, "")
    saved = f"Stopped; what was made so far is saved. `leafcore resume {run.id}` goes on with it."
    assert err.splitlines()[-1] == saved
    assert run.status().state == "stopped"
    assert run.status().done == run.metrics()[-1]["step"]
    assert (run.folder / "state.pt").exists()


def test_signals_are_as_before_once_a_run_has_ended(workspace, make_trouble):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(LeafError):
        carry_out(workspace, make_trouble("ours"))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_every_kind_names_a_verb_that_exists():
    for kind in KINDS.values():
        module, name = kind.verb.split(":")
        assert callable(getattr(importlib.import_module(module), name))
