import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from leafcore.errors import ConfigError, JobError, NotFoundError
from leafcore.jobs import build_config
from leafcore.queue import queue
from leafcore.runs import Failure, Record, Run, Status, code_version, create_run, last_change, list_runs, open_run
from leafcore.workspace import PROJECT_ROOT
from tests.server import until
from tests.states import new_run, write_state


def start_holder(run: Run) -> subprocess.Popen:
    """Start a process that holds a run's lock until its standard input closes."""
    script = (
        "import sys; from pathlib import Path; from leafcore.runs import Run\n"
        f"with Run(Path({str(run.folder)!r})).locked():\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT
    )
    assert holder.stdout.readline() == b"held\n"
    return holder


@pytest.fixture
def run(workspace):
    return new_run(workspace)


@pytest.fixture
def held(run):
    """A process that holds the run."""
    with start_holder(run) as holder:
        yield holder
        holder.stdin.close()


# --- states -----------------------------------------------------------------------------------------------------------


def test_a_new_run_is_queued_and_says_what_was_asked_for(workspace):
    run = new_run(workspace, title="Some leaves", uses=("an-earlier-run",))
    assert run.status().state == "queued"
    record = Run(run.folder).record
    assert (record.kind, record.title, record.uses) == ("render", "Some leaves", ("an-earlier-run",))
    assert record.settings["name"] == "leaves" and record.settings["count"] == 700
    assert record.config_hash == build_config("render", {"name": "leaves"}).digest()
    assert record.code_version == code_version()


def test_a_run_that_says_running_is_running_while_a_process_holds_it(run, held):
    write_state(run, "running")
    assert run.status().state == "running"


def test_a_run_that_says_running_while_nobody_holds_it_is_interrupted(run):
    write_state(run, "running", eta_s=12.0)
    assert run.status().state == "interrupted"
    assert run.status().eta_s is None
    assert run.status_written().state == "running"


def test_a_run_whose_process_is_killed_becomes_interrupted(run, held):
    write_state(run, "running")
    held.kill()
    held.wait()
    assert run.status().state == "interrupted"


def test_a_running_run_that_was_asked_to_stop_is_stopping(run, held):
    write_state(run, "running")
    run.request_stop()
    assert run.status().state == "stopping"
    assert run.status_written().state == "running"
    assert run.stop_reason == "user"


def test_a_run_that_ends_between_two_looks_is_not_taken_for_interrupted(run, monkeypatch):
    write_state(run, "running")

    def be_late(self: Run) -> bool:
        write_state(self, "done")
        return False

    monkeypatch.setattr(Run, "is_locked", be_late)
    assert run.status().state == "done"


def test_two_who_ask_at_the_same_time_both_see_that_a_run_is_interrupted(run):
    write_state(run, "running")
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: run.status().state, range(400)))
    assert set(states) == {"interrupted"}


def test_a_second_process_cannot_take_a_run_that_is_held(run, held):
    assert run.is_locked()
    with pytest.raises(JobError, match=f"Run {run.id} is being worked on by another process"), run.locked():
        pass


def test_a_run_can_be_taken_once_its_holder_has_ended(run, held):
    held.stdin.close()
    held.wait()
    with run.locked(timeout_s=5.0):
        assert run.is_locked()
    assert not run.is_locked()


# --- requests ---------------------------------------------------------------------------------------------------------


def test_a_queued_run_is_stopped_at_once(workspace, run):
    run.request_stop()
    assert run.status().state == "stopped"
    assert run.status().finished == pytest.approx(time.time(), abs=5)
    assert run.stop_reason is None
    assert queue(workspace) == []


def test_a_queued_run_is_stopped_although_somebody_looks_at_its_lock(run):
    with ThreadPoolExecutor(1) as pool:
        with run.locked():
            stopping = pool.submit(run.request_stop)
            until(run.stop_file.exists, 30, "the request is there")
            assert run.status().state == "queued"
        stopping.result()
    assert run.status().state == "stopped"


def test_a_shutdown_leaves_a_queued_run_in_the_queue(workspace, run):
    run.request_stop("shutdown")
    assert run.stop_reason == "shutdown"
    assert queue(workspace) == [run]


def test_what_the_user_wants_is_never_hidden_by_what_the_server_wants(run, held):
    write_state(run, "running")
    run.request_stop("user")
    run.request_stop("shutdown")
    assert run.stop_reason == "user"


def test_a_user_may_still_ask_while_the_server_goes_down(run, held):
    write_state(run, "running")
    run.request_stop("shutdown")
    assert (run.status().state, run.stop_reason) == ("stopping", "shutdown")
    run.request_stop("user")
    assert run.stop_reason == "user"


def test_what_is_given_back_although_its_user_asked_to_stop_it_is_stopped(workspace, run):
    write_state(run, "running", done=7)
    run.shutdown_file.touch()
    run.stop_file.touch()  # after the worker has decided that it ends with the server
    with run.locked():
        run.write_queued(at_head=True)
    assert (run.status().state, run.status().done, run.stop_reason) == ("stopped", 7, None)
    assert queue(workspace) == []


@pytest.mark.parametrize("state", ["done", "failed", "running"])  # running and held by nobody: interrupted
def test_what_was_taken_and_ended_while_somebody_asked_to_stop_it_stays_so(run, state):
    with ThreadPoolExecutor(1) as pool:
        with run.locked():
            stopping = pool.submit(run.request_stop)
            until(run.stop_file.exists, 30, "the request is there")
            write_state(run, state)
        with pytest.raises(JobError, match="there is nothing to stop"):
            stopping.result()
    assert (run.status_written().state, run.stop_reason) == (state, None)


def test_two_who_stop_the_same_queued_run_are_both_content(run):
    with ThreadPoolExecutor(2) as pool:
        with run.locked():
            stopping = [pool.submit(run.request_stop) for _ in range(2)]
            until(run.stop_file.exists, 30, "a request is there")
        for each in stopping:
            each.result()
    assert (run.status().state, run.stop_reason) == ("stopped", None)


@pytest.mark.parametrize("state", ["done", "failed", "stopped", "running"])
def test_what_has_ended_cannot_be_stopped(run, state):
    write_state(run, state)
    with pytest.raises(JobError, match="there is nothing to stop"):
        run.request_stop()
    assert run.stop_reason is None


@pytest.mark.parametrize("state", ["failed", "stopped", "running"])  # running and held by nobody: interrupted
def test_what_ended_early_can_be_queued_again(run, state):
    write_state(run, state, done=7, total=9, failure=Failure(code="job", message="no"), pid=1, finished=2.0)
    run.stop_file.write_text("user")
    run.requeue()
    status = run.status()
    assert (status.state, status.done, status.total) == ("queued", 7, 9)
    assert status.failure is status.pid is status.finished is run.stop_reason is None


@pytest.mark.parametrize("state", ["queued", "done"])
def test_what_was_resumed_by_somebody_else_meanwhile_stays_as_it_is(run, monkeypatch, state):
    write_state(run, "stopped")
    locked = Run.locked

    def be_late(self: Run, timeout_s: float = 0.0):
        write_state(self, state, queued=1.0)
        return locked(self, timeout_s)

    monkeypatch.setattr(Run, "locked", be_late)
    with pytest.raises(JobError, match=f"is {state}; only a failed, stopped, paused or interrupted run can be resumed"):
        run.requeue()
    assert (run.status().state, run.status().queued) == (state, 1.0)


@pytest.mark.parametrize("state", ["queued", "done"])
def test_what_waits_or_is_done_cannot_be_queued_again(run, state):
    write_state(run, state)
    with pytest.raises(JobError, match=f"is {state}; only a failed, stopped, paused or interrupted run can be resumed"):
        run.requeue()


@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_what_runs_or_is_stopping_cannot_be_queued_again(run, held, asked_to_stop):
    write_state(run, "running")
    if asked_to_stop:
        run.request_stop()
    with pytest.raises(JobError, match="can be resumed"):
        run.requeue()


def test_the_mark_of_change_is_another_when_a_run_is_queued_and_when_one_ends(workspace):
    marks = [last_change(workspace)]
    run = new_run(workspace)
    marks.append(last_change(workspace))
    with run.locked():
        run.finish("failed", Failure(code="job", message="no"))
    marks.append(last_change(workspace))
    run.requeue()
    marks.append(last_change(workspace))
    assert len(set(marks)) == 4


# --- reading while somebody writes ------------------------------------------------------------------------------------


def test_a_status_is_never_read_half_while_another_process_writes_it(run):
    script = (
        "import time; from pathlib import Path; from leafcore.runs import Run\n"
        f"run = Run(Path({str(run.folder)!r})); status = run.status_written(); end = time.monotonic() + 1.5; done = 0\n"
        "while time.monotonic() < end:\n"
        "    done += 1\n"
        "    warnings = tuple('w' * 50 for _ in range(done % 40))\n"
        "    run.write_status(status.model_copy(update={'done': done, 'total': 10**6, 'warnings': warnings}))\n"
        "print(done)"
    )
    seen = []
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=PROJECT_ROOT) as writer:
        while writer.poll() is None:
            status = run.status_written()
            assert len(status.warnings) == status.done % 40
            seen.append(status.done)
        written = int(writer.stdout.read())
    assert seen == sorted(seen), "what was read never goes back"
    assert len(set(seen)) > 20, "both were at it at the same time"
    assert run.status_written().done == written


def test_a_status_of_the_same_size_and_time_is_read_anew(run):
    path = run.folder / "status.json"
    write_state(run, "running", phase="aaaa")
    assert run.status_written().phase == "aaaa"
    stat = path.stat()
    write_state(run, "running", phase="bbbb")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert run.status_written().phase == "bbbb"


def test_reading_a_run_changes_nothing(workspace, run):
    write_state(run, "running", done=3)
    (run.folder / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "lo')
    (run.folder / "log.txt").write_text("one\ntwo\n")

    def read() -> list[object]:
        opened = open_run(workspace, run.id)
        return [opened.status(), opened.record, opened.result(), opened.metrics(), opened.log(), list_runs(workspace)]

    def files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in run.folder.iterdir() if path.name != "run.lock"}

    before = files()
    assert read() == read()
    assert files() == before


def test_a_metrics_line_that_is_half_written_is_left_out(run):
    rows = [{"step": step, "loss": step / 7, "broken": None} for step in (1, 2, 3)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    ends = [index for index, letter in enumerate(text) if letter == "}"]
    for cut in range(len(text) + 1):
        (run.folder / "metrics.jsonl").write_text(text[:cut])
        assert run.metrics() == rows[: sum(end < cut for end in ends)]


def test_a_run_without_metrics_log_or_result_has_none(run):
    assert run.metrics() == []
    assert run.log() == ""
    assert run.result() == {}


def test_the_log_is_its_last_lines_whatever_bytes_it_holds(run):
    (run.folder / "log.txt").write_bytes(b"first\nsecond \xff\nthird\n")
    assert run.log(last_lines=2) == "second \N{REPLACEMENT CHARACTER}\nthird"


# --- finding runs -----------------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first_and_by_kind(workspace):
    drawn = [new_run(workspace) for _ in range(3)]
    imported = create_run(workspace, "import", build_config("import", {"source": ".", "name": "x"}))
    assert list_runs(workspace) == [imported, *reversed(drawn)]
    assert list_runs(workspace, "import") == [imported]


def test_folders_that_are_no_runs_are_not_listed(workspace, run):
    (workspace.runs / "notes").mkdir()
    (workspace.runs / "readme.txt").write_text("hello")
    assert list_runs(workspace) == [run]


DAMAGE = {
    "status": lambda run: (run.folder / "status.json").write_bytes(b"{"),
    "config": lambda run: (run.folder / "config.json").write_bytes(b'{"kind": "render"}'),
    "binary": lambda run: (run.folder / "config.json").write_bytes(b"\xff\x00"),
    "gone": lambda run: (run.folder / "config.json").unlink(),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_run_that_is_damaged_is_left_out_and_named(workspace, run, caplog, what):
    damaged = new_run(workspace, "damaged")
    assert list_runs(workspace) == [damaged, run]
    DAMAGE[what](damaged)
    for _ in range(3):
        assert list_runs(workspace) == list_runs(workspace, "render") == queue(workspace) == [run]
    file = damaged.folder / ("status.json" if what == "status" else "config.json")
    assert caplog.text.count(f"{file}: damaged") == 1
    with pytest.raises(NotFoundError, match=f"{file.name} is damaged; delete the run's folder"):
        open_run(workspace, damaged.id)


def test_listing_parses_a_record_once(workspace, run, monkeypatch):
    list_runs(workspace)
    monkeypatch.setattr(Record, "model_validate_json", None)
    assert [each.record for each in list_runs(workspace, "render")] == [run.record]


def test_an_empty_workspace_has_no_runs(workspace):
    assert list_runs(workspace) == queue(workspace) == []


def test_many_can_submit_at_the_same_time(workspace):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda index: new_run(workspace, f"set-{index}"), range(40)))
    assert len({run.id for run in made}) == 40
    assert {run.id for run in queue(workspace)} == {run.id for run in made}


def test_an_unknown_run_is_not_found_in_one_line(workspace):
    with pytest.raises(NotFoundError, match="there is no run 'nowhere'") as error:
        open_run(workspace, "nowhere")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("run_id", ["../datasets", "a/b", "..", "", ".hidden", "x" * 81])
def test_an_id_that_leads_elsewhere_is_refused(workspace, run_id):
    with pytest.raises(ConfigError, match="run: got"):
        open_run(workspace, run_id)


def test_the_share_that_is_done_lies_between_none_and_all():
    assert Status(queued=0.0).fraction == 0.0
    assert Status(queued=0.0, done=3, total=4).fraction == 0.75
    assert Status(queued=0.0, done=9, total=4).fraction == 1.0
