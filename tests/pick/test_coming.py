import pytest

from leafcore.pick.coming import seconds_to_next
from leafcore.status import Status

SETTINGS = {"epochs": 60, "epochs_decay": 60, "save_every": 5}  # of 42 steps each


def after(done, **changes):
    facts = {"state": "running", "queued": 0, "done": done, "total": 120 * 42, "seconds_per_unit": 0.5}
    return Status(**{**facts, **changes})


@pytest.mark.parametrize(("done", "steps"), [(0, 210), (100, 110), (209, 1), (210, 210), (5039, 1)])
def test_the_next_epoch_comes_after_the_steps_that_are_left(done, steps):
    assert seconds_to_next(after(done), SETTINGS) == pytest.approx(steps * 0.5)


def test_the_last_epoch_is_saved_whatever_its_number():
    assert seconds_to_next(after(118 * 42), {**SETTINGS, "save_every": 50}) == pytest.approx(2 * 42 * 0.5)


@pytest.mark.parametrize("changes", [{"state": "stopped"}, {"seconds_per_unit": None}, {"total": 0}])
def test_nothing_is_foretold_of_a_run_that_does_not_move(changes):
    assert seconds_to_next(after(100, **changes), SETTINGS) is None
