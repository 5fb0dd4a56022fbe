"""What lanes do when the disk refuses, and when a user's wish and the server's end meet."""

import errno

import psutil
import pytest

from leafcore import lanes as lanes_module
from leafcore.jobs import FILES
from leafcore.lanes import Lanes, server_of
from leafcore.runs import Run
from leafcore.workspace import Workspace
from tests.lanes import draw, starting, until_drawn, until_state, workers_of
from tests.server import until


@pytest.fixture
def start(workspace, monkeypatch):
    """Return a function that starts a server's lanes over the test's workspace; nothing makes them pause for long."""
    monkeypatch.setattr(lanes_module, "FAULT_S", 0.05)
    monkeypatch.setattr(lanes_module, "LEAD_S", 0.05)
    with starting(workspace) as start_lanes:
        yield start_lanes


@pytest.fixture
def refuse(monkeypatch):
    """Return a function that makes a function of `lanes` fail so many times, and returns what counts the failures."""

    def refuse_some(name: str, times: int, number: int = errno.EMFILE) -> list[str]:
        real, failures = getattr(lanes_module, name), []

        def fail(*args: object) -> object:
            if len(failures) < times:
                failures.append(name)
                raise OSError(number, "the disk refuses")
            return real(*args)

        monkeypatch.setattr(lanes_module, name, fail)
        return failures

    return refuse_some


# --- the disk refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["last_change", "lane_is_taken", "queue_of"])
def test_a_lane_goes_on_after_the_disk_refused_to_say_what_waits(start, workspace, refuse, caplog, name):
    failures = refuse(name, times=3)
    run = draw(workspace, 20)
    start(FILES)
    until_state(run, "done")
    assert len(failures) == caplog.text.count("ERROR    leafcore.lanes:lanes.py") == 3


def test_a_server_leads_once_the_disk_has_room_to_say_so(start, workspace, refuse, caplog):
    failures = refuse("write_json", times=3, number=errno.ENOSPC)
    run = draw(workspace, 20)
    lanes = start(FILES)
    until_state(run, "done")
    assert lanes.leads and len(failures) == 3
    assert caplog.text.count("nothing queued is carried out until this is mended") == 1, "said once, not every second"


def test_a_server_that_cannot_say_that_it_leads_leaves_the_workspace_to_others(start, workspace, refuse):
    failures = refuse("write_json", times=10**6, number=errno.ENOSPC)
    lanes = start(FILES)
    until(lambda: len(failures) > 2, 30, "it tries again and again")
    assert not lanes.leads
    until(lambda: server_of(workspace) is None, 30, "nobody holds the workspace for long")


def test_a_workspace_that_cannot_be_written_neither_ends_the_start_nor_the_end(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    lanes = Lanes(Workspace(tmp_path / "file" / "workspace"), [FILES])
    lanes.start()
    until(lambda: "nothing queued is carried out" in caplog.text, 30, "it says so")
    lanes.stop()
    assert not lanes.leads


def test_one_run_that_cannot_be_asked_to_save_does_not_keep_the_others_from_it(start, workspace, monkeypatch, caplog):
    first, second = draw(workspace, 5000), draw(workspace, 5000, "other")
    lanes = start(FILES, "files-2")
    monkeypatch.setattr("leafcore.queue.lane_of", lambda run: FILES if run == first else "files-2")
    for run in (first, second):
        until(lambda run=run: run.status().done > 0, 30, "it draws")
    ask = Run.request_stop

    def refuse_first(run: Run, reason: str) -> None:
        if run == first:
            raise OSError(errno.ENOSPC, "the disk refuses")
        ask(run, reason)

    monkeypatch.setattr(Run, "request_stop", refuse_first)
    lanes.stop(timeout_s=1.0)
    assert first.status().state == second.status().state == "queued"
    assert f"asking run {first.id} to save" in caplog.text


# --- a user's wish ----------------------------------------------------------------------------------------------------


def test_a_run_that_its_user_stopped_stays_stopped_although_the_server_ended_first(start, workspace):
    run = draw(workspace, 5000)
    lanes = start(FILES)
    until_drawn(workspace, 3)
    worker = psutil.Process(run.status().pid)
    worker.suspend()  # it hears of neither wish in time
    run.request_stop()
    lanes.stop(timeout_s=0.3)
    assert (run.status().state, run.stop_reason) == ("stopped", None)
    assert workers_of(workspace) == []


def test_a_run_that_its_user_stopped_just_before_the_server_ended_stays_stopped(start, workspace):
    run = draw(workspace, 5000)
    lanes = start(FILES)
    until_drawn(workspace, 3)
    run.request_stop()
    lanes.stop()
    assert (run.status().state, run.stop_reason) == ("stopped", None)


def test_a_wish_that_came_while_the_run_was_given_back_is_heard_at_the_next_start(start, workspace):
    run, after = draw(workspace, 5000), draw(workspace, 20, "after")
    run.stop_file.touch()
    start(FILES)
    until_state(after, "done")
    assert run.status().state == "stopped" and run.log() == ""


def test_a_run_that_was_stopped_while_its_worker_failed_to_begin_has_not_failed(workspace):
    run = draw(workspace, 20)
    run.request_stop()
    Lanes(workspace, [FILES])._fail(run, "no")
    assert (run.status().state, run.status().failure) == ("stopped", None)


def test_what_an_earlier_server_asked_for_does_not_stop_the_run_again(start, workspace):
    run = draw(workspace, 20)
    run.shutdown_file.touch()
    start(FILES)
    until_state(run, "done")
    assert run.log().count("phase: drawing") == 1


def test_stopping_twice_leaves_the_next_servers_runs_alone(start, workspace):
    first = start(FILES)
    until(lambda: first.leads, 30, "the first leads")
    first.stop()
    start(FILES)
    run = draw(workspace, 5000)
    until_drawn(workspace, 3)
    first.stop()
    assert run.status().state == "running" and run.stop_reason is None
