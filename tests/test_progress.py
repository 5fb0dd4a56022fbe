from pathlib import Path

import numpy as np
import pytest

from leafcore.errors import Stopped
from leafcore.progress import Eta, Progress


class Clock:
    """Seconds that the test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def work(eta: Eta, clock: Clock, first: int, last: int, seconds: float) -> None:
    """Report every unit from `first` to `last`, each after some seconds."""
    for done in range(first, last + 1):
        clock.now += seconds
        eta.update(done)


def test_nothing_is_said_for_twenty_units(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    for done in range(1, 20):
        clock.now += 2
        eta.update(done)
        assert eta.remaining_s(done, 100) is None
    clock.now += 2
    eta.update(20)
    assert eta.remaining_s(20, 100) == 2 * 80


def test_a_slow_start_and_a_single_hiccup_do_not_count(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    work(eta, clock, 1, 3, seconds=60)  # warm-up
    work(eta, clock, 4, 30, seconds=0.5)
    work(eta, clock, 31, 31, seconds=900)
    assert eta.seconds_per_unit == 0.5
    assert eta.remaining_s(31, 131) == 50


def test_it_follows_the_last_fifty_reports(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    work(eta, clock, 1, 200, seconds=1)
    work(eta, clock, 201, 226, seconds=3)
    assert eta.seconds_per_unit == 3


def test_it_is_right_at_once_after_a_resume(clock: Clock) -> None:
    eta = Eta(clock)
    clock.now += 300  # loading
    eta.update(5000)  # where the run was
    work(eta, clock, 5001, 5019, seconds=0.25)
    assert eta.remaining_s(5019, 6020) is None
    work(eta, clock, 5020, 5020, seconds=0.25)
    assert eta.remaining_s(5020, 6020) == 250


def test_several_units_in_one_report_share_its_time(clock: Clock) -> None:
    eta = Eta(clock)
    for done in (0, 16, 32, 48):
        eta.update(done)
        clock.now += 8
    assert eta.seconds_per_unit == 0.5


def test_pictures_told_one_by_one_after_their_batch_take_the_time_of_the_batch(clock: Clock) -> None:
    eta = Eta(clock)
    for batch in range(3):
        clock.now += 8
        work(eta, clock, 32 * batch + 1, 32 * batch + 32, seconds=1e-5)
        assert (eta.seconds_per_unit is None) == (batch == 0), "nothing is known of one batch"
    assert eta.seconds_per_unit == pytest.approx(8 / 32, rel=0.01)
    assert eta.remaining_s(96, 160) == pytest.approx(16, rel=0.01)


def test_other_work_that_begins_within_a_burst_is_told_from_it(clock: Clock) -> None:
    eta = Eta(clock)
    work(eta, clock, 1, 32, seconds=1e-5)
    work(eta, clock, 5, 40, seconds=2)
    assert eta.seconds_per_unit == 2


def test_time_spent_resting_is_left_out(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    for done in range(1, 41):
        if done % 2 == 0:
            eta.rest()
            clock.now += 100  # saving and sampling, as often as working
        clock.now += 1
        eta.update(done)
    assert eta.seconds_per_unit == 1


def test_a_report_without_progress_is_no_unit_of_no_seconds(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    for done in range(1, 31):
        clock.now += 1
        eta.update(done)
        eta.update(done)  # scores at the same step
    assert eta.seconds_per_unit == 1


def test_it_starts_anew_when_another_kind_of_work_begins(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    work(eta, clock, 1, 100, seconds=0.01)  # reading
    eta.update(1)  # translating
    work(eta, clock, 2, 20, seconds=5)
    assert eta.remaining_s(20, 100) is None
    work(eta, clock, 21, 21, seconds=5)
    assert eta.remaining_s(21, 100) == 5 * 79


def test_nothing_is_left_when_all_is_done_or_more(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    work(eta, clock, 1, 30, seconds=1)
    assert eta.remaining_s(30, 30) == eta.remaining_s(31, 30) == 0


def test_without_anyone_watching_the_work_goes_on(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    progress.phase("training")
    progress.report(1, 10, loss=0.5)
    progress.rewind(0)
    progress.sample(np.zeros((2, 2, 3), np.uint8))
    progress.warn("a sentence")
    assert not progress.should_stop
    progress.raise_if_stopped()
    assert progress.folder == tmp_path and list(tmp_path.iterdir()) == []


def test_a_verb_leaves_once_it_is_asked_to(tmp_path: Path) -> None:
    class Asked(Progress):
        should_stop = True

    with pytest.raises(Stopped):
        Asked(tmp_path).raise_if_stopped()


def test_pauses_are_counted_once_per_cycle_that_is_left(clock: Clock) -> None:
    eta = Eta(clock)
    eta.begin(cycle=30)
    eta.update(0)
    work(eta, clock, 1, 30, seconds=1)
    for phase, seconds in (("saving", 4), ("sampling", 10), ("saving", 2), ("training", 0)):
        eta.rest(phase)
        clock.now += seconds
    work(eta, clock, 31, 40, seconds=1)
    assert eta.parts_s(40, 100) == {"stepping": 60, "sampling": 30, "saving": 18}, "after steps 60, 90 and 100"
    assert eta.remaining_s(40, 100) == 108


def test_pauses_that_an_earlier_start_measured_hold_until_there_are_own_ones(clock: Clock) -> None:
    eta = Eta(clock, pauses={"saving": 5.0})
    eta.begin(cycle=30)
    eta.update(60)
    work(eta, clock, 61, 85, seconds=1)
    assert eta.parts_s(85, 120) == {"stepping": 35, "saving": 10}


def test_what_was_counted_before_the_steps_began_is_no_step(clock: Clock) -> None:
    eta = Eta(clock)
    eta.update(0)
    work(eta, clock, 1, 400, seconds=0.01)  # decoding
    eta.begin(cycle=100)
    eta.update(500)  # a resumed training
    work(eta, clock, 501, 519, seconds=2)
    assert eta.remaining_s(519, 1000) is None
    work(eta, clock, 520, 520, seconds=2)
    assert eta.seconds_per_unit == 2
