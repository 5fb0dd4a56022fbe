import itertools
import json
import time
from functools import partial

import numpy as np
import pytest

from leafcore import reporting
from leafcore.images import open_rgb
from leafcore.jobs import build_config
from leafcore.progress import Eta, Progress
from leafcore.reporting import RunProgress
from leafcore.runs import create_run
from tests.server import until


@pytest.fixture
def run(workspace):
    """A run that this process holds."""
    run = create_run(workspace, "render", build_config("render", {}))
    with run.locked():
        yield run


@pytest.fixture
def start(run):
    """Return a function that opens the progress of the run."""

    def start_one(echo: Progress | None = None, **status) -> RunProgress:
        return RunProgress(run, run.status_written().model_copy(update={"state": "running", **status}), echo)

    return start_one


class Echo(Progress):
    """Remembers what it was told."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.heard = []

    def phase(self, name):
        self.heard.append(name)

    def report(self, done, total, **scalars):
        self.heard.append((done, total, scalars))

    def warn(self, text):
        self.heard.append(text)

    def sample(self, image):
        self.heard.append(image.shape)


def test_the_run_is_running_from_the_first_moment(run, start):
    with start(pid=17, lane="cpu"):
        status = run.status()
        assert (status.state, status.pid, status.lane) == ("running", 17, "cpu")
        assert status.heartbeat == pytest.approx(time.time(), abs=5)
        assert status.memory_bytes > 10**7 and status.free_bytes > 0


def test_the_heart_beats_while_the_verb_says_nothing(run, start, monkeypatch):
    monkeypatch.setattr(reporting, "HEARTBEAT_S", 0.02)
    with start():
        first = run.status_written().heartbeat
        until(lambda: run.status_written().heartbeat > first + 0.05, 30, "several beats")


def test_the_heart_stops_with_the_verb(run, start, monkeypatch):
    monkeypatch.setattr(reporting, "HEARTBEAT_S", 0.01)
    with start() as progress:
        pass
    last = run.status_written()
    assert not progress._heart.is_alive()
    assert run.status_written() == last


def test_a_phase_is_written_at_once(run, start):
    with start() as progress:
        progress.phase("decoding")
        assert run.status_written().phase == "decoding"


def test_how_far_the_work_is_appears_with_the_next_beat(run, start, monkeypatch):
    monkeypatch.setattr(reporting, "HEARTBEAT_S", 0.01)
    with start() as progress:
        progress.report(3, 12)
        until(lambda: run.status_written().done == 3, 30, "the report is written")
        assert run.status_written().fraction == 0.25


def test_the_last_report_is_written_even_if_the_verb_fails(run, start):
    with pytest.raises(ValueError), start() as progress:
        progress.report(5, 8)
        raise ValueError
    assert (run.status_written().done, run.status_written().total) == (5, 8)


def test_the_time_left_is_said_after_twenty_steps(run, start, monkeypatch):
    monkeypatch.setattr(reporting, "Eta", partial(Eta, itertools.count().__next__))  # each look at the clock: 1 s later
    with start() as progress:
        for step in range(1, 31):
            progress.report(step, 40)
            if step == 15:
                progress.phase("training")
                assert run.status_written().eta_s is None
    status = run.status_written()
    assert (status.seconds_per_unit, status.eta_s) == (1, 10)


# --- scalars ----------------------------------------------------------------------------------------------------------


def test_scalars_can_be_read_as_soon_as_they_are_reported(run, start):
    with start() as progress:
        progress.report(1, 9, loss=0.25, epoch=1)
        progress.report(2, 9)
        progress.report(3, 9, loss=0.125, epoch=1)
        rows = [{key: value for key, value in row.items() if key != "time"} for row in run.metrics()]
    assert rows == [{"step": 1, "loss": 0.25, "epoch": 1}, {"step": 3, "loss": 0.125, "epoch": 1}]


def test_single_precision_survives_being_written(run, start):
    values = np.random.default_rng(0).normal(size=50).astype(np.float32)
    with start() as progress:
        for step, value in enumerate(values):
            progress.report(step, 50, loss=float(value))
    assert [np.float32(row["loss"]) for row in run.metrics()] == list(values)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_recorded_as_none(run, start, value):
    with start() as progress:
        progress.report(1, 2, loss=value, other=1.0)
    assert run.metrics()[0]["loss"] is None and run.metrics()[0]["other"] == 1.0

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    json.loads((run.folder / "metrics.jsonl").read_text(), parse_constant=refuse)


def test_rewinding_forgets_what_was_reported_later(run, start):
    with start() as progress:
        for step in range(1, 6):
            progress.report(step, 9, loss=float(step))
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    with start() as progress:
        progress.rewind(3)
        progress.report(4, 9, loss=40.0)
    assert [(row["step"], row["loss"]) for row in run.metrics()] == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0)]


def test_what_is_reported_after_rewinding_in_the_middle_is_kept(run, start):
    with start() as progress:
        progress.report(1, 9, loss=1.0)
        progress.rewind(1)
        progress.report(2, 9, loss=2.0)
        progress.rewind(1)
        progress.report(2, 9, loss=20.0)
    assert [row["loss"] for row in run.metrics()] == [1.0, 20.0]


def test_rewinding_a_run_that_reported_nothing_does_nothing(run, start):
    with start() as progress:
        progress.rewind(0)
    assert run.metrics() == []


def test_a_comparison_records_the_scores_of_every_cell(journey):
    cells = {name.rpartition(" ")[0] for row in journey.runs["evaluate"].metrics() for name in row if " " in name}
    assert cells == {"real-0", "real_plus_synthetic-0", "real-1", "real_plus_synthetic-1"}


# --- warnings, samples, stopping --------------------------------------------------------------------------------------


def test_a_warning_is_kept_once_and_in_order(run, start):
    with start() as progress:
        for text in ("two files skipped", "one class is rare", "two files skipped"):
            progress.warn(text)
    assert run.status_written().warnings == ("two files skipped", "one class is rare")


def test_the_newest_sample_can_be_looked_at(run, start):
    with start() as progress:
        progress.sample(np.zeros((20, 30, 3), np.uint8))
        progress.sample(np.full((20, 30, 3), 200, np.uint8))
    picture = open_rgb(run.folder / "sample.jpg")
    assert picture.size == (30, 20) and picture.getpixel((5, 5)) == (200, 200, 200)


def test_another_watcher_is_told_the_same(run, start):
    echo = Echo(run.folder)
    with start(echo) as progress:
        progress.phase("training")
        progress.report(1, 2, loss=0.5)
        progress.warn("slow")
        progress.sample(np.zeros((4, 6, 3), np.uint8))
    assert echo.heard == ["training", (1, 2, {"loss": 0.5}), "slow", (4, 6, 3)]


@pytest.mark.parametrize(
    ("by_file", "by_signal", "is_shutdown"),
    [("user", None, False), ("shutdown", None, True), (None, "user", False), (None, "shutdown", True)],
)
def test_the_verb_is_told_to_stop_and_why(run, start, by_file, by_signal, is_shutdown):
    with start() as progress:
        assert not progress.should_stop
        if by_file:
            run.request_stop(by_file)
        if by_signal:
            progress.ask_to_stop(by_signal)
        assert progress.should_stop
        assert progress.is_shutdown == is_shutdown


def test_a_user_who_stops_a_run_while_the_server_goes_down_is_heard(run, start):
    with start() as progress:
        progress.ask_to_stop("shutdown")
        run.request_stop("user")
        assert not progress.is_shutdown


def test_a_servers_end_is_no_concern_of_a_run_of_the_command_line(run, start):
    run.request_stop("shutdown")
    with start(owner="cli") as progress:
        assert not progress.should_stop
    run.request_stop("shutdown")
    with start(owner="server") as progress:
        assert progress.should_stop and progress.is_shutdown
