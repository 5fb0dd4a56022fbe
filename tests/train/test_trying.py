"""How settings are tried out: in bounded time, whatever they are."""

import pytest

from leafcore.errors import OutOfMemory
from leafcore.jobs import build_config
from leafcore.train import attempt as attempt_module
from leafcore.train.attempt import Unfinished, rehearse_apart
from leafcore.train.trying import change_words, try_settings
from tests.train.test_forecast import MEASURED, settings
from tests.watcher import Watcher


def tried(outcome_of, tmp_path, **values):
    """Return what is found when each attempt ends as a function of batch and side says, and the changes tried."""
    values = {"batch_size": 8, "size_px": 64, "device": "cpu", **values}
    changes = []

    def attempt(change):
        changes.append(change)
        return outcome_of(*({**values, **change}[name] for name in ("batch_size", "size_px")))

    return try_settings(settings(**values), attempt, Watcher(tmp_path)), changes


def step(batch, size_px):
    """Measure 1 ms and 1 kB per pixel, beside 1 MB; 16 MB are free, and more than 15 s are given up."""
    pixels = batch * size_px**2
    if pixels > 15_000:
        return Unfinished(15.0)
    measured = {"step_s": pixels / 1000, "memory_bytes": 10**6 + 1000 * pixels, "free_bytes": 16 * 10**6}
    return MEASURED.model_copy(update=measured)


def test_a_step_that_is_given_up_is_foreseen_from_smaller_pictures(tmp_path):
    found, changes = tried(step, tmp_path, batch_size=1, size_px=256)
    assert changes == [{}, {"size_px": 32}, {"size_px": 64}]
    assert isinstance(found.asked, OutOfMemory), "65 MB"
    assert found.change == {"size_px": 64} and not found.outcome.is_estimate


def test_what_takes_long_and_has_memory_to_spare_fits(tmp_path):
    def roomy(*size):
        outcome = step(*size)
        return outcome if isinstance(outcome, Unfinished) else outcome.model_copy(update={"free_bytes": 10**9})

    found, changes = tried(roomy, tmp_path, batch_size=16)
    assert changes == [{}, {"batch_size": 1}, {"batch_size": 2}]
    assert not found.lacks_memory and found.asked.is_estimate
    assert found.asked.step_s == pytest.approx(65.536) and found.asked.memory_bytes == 10**6 + 65_536_000


def test_a_batch_of_two_is_foreseen_from_one_and_from_smaller_pictures(tmp_path):
    found, changes = tried(step, tmp_path, batch_size=2, size_px=120)
    assert changes == [{}, {"batch_size": 1}, {"batch_size": 1, "size_px": 60}]
    assert found.lacks_memory and found.change == {"batch_size": 1}, "30 MB with two"


def test_a_step_that_is_given_up_lacks_memory_if_a_smaller_one_does(tmp_path):
    outcomes = {1: MEASURED, 2: OutOfMemory("full"), 8: Unfinished(10.0)}
    found, changes = tried(lambda batch, size_px: outcomes[batch], tmp_path)
    assert changes == [{}, {"batch_size": 1}, {"batch_size": 2}]
    assert found.lacks_memory and found.change == {"batch_size": 1}


def test_what_fewer_pictures_are_too_much_for_is_not_tried(tmp_path):
    found, changes = tried(lambda batch, size_px: OutOfMemory("full"), tmp_path, batch_size=64, size_px=128)
    assert {} not in changes and len(changes) == 2
    assert found.lacks_memory and not found.change


def test_a_large_batch_that_is_foreseen_to_fit_is_tried_all_the_same(tmp_path):
    found, changes = tried(lambda batch, size_px: MEASURED, tmp_path, batch_size=64)
    assert changes == [{"batch_size": 1}, {"batch_size": 2}, {}]
    assert not found.lacks_memory and not found.asked.is_estimate


def dreambooth(fits, tmp_path, **values):
    """Return what is found for DreamBooth when an attempt fits as a function of its settings says, and the attempts."""
    config = build_config("dreambooth", {"dataset": "leaves", "device": "cpu", **values})
    changes = []

    def attempt(change):
        changes.append(change)
        return MEASURED if fits(config.model_copy(update=change)) else OutOfMemory("full")

    return try_settings(config, attempt, Watcher(tmp_path)), changes


def test_gradient_checkpointing_comes_before_a_smaller_batch(tmp_path):
    found, changes = dreambooth(lambda config: config.gradient_checkpointing, tmp_path, batch_size=4)
    assert changes == [{}, {"gradient_checkpointing": True}]
    assert found.lacks_memory and found.change == changes[-1] and found.outcome == MEASURED
    assert change_words(found.change) == "gradient checkpointing"


def test_all_weights_with_a_smaller_batch_come_before_lora(tmp_path):
    spare, full = {"gradient_checkpointing": True}, {"method": "full", "batch_size": 2, "learning_rate": 5e-6}
    found, changes = dreambooth(lambda config: config.batch_size == 1, tmp_path, **full)
    assert changes[:2] == [{}, spare] and found.change == {**spare, "batch_size": 1}
    found, changes = dreambooth(lambda config: config.method == "lora", tmp_path, **full)
    assert changes[-1] == found.change == {**spare, "method": "lora", "learning_rate": 1e-4}
    assert change_words(found.change) == "gradient checkpointing, lora, learning rate 0.0001"


def test_pictures_of_dreambooth_get_smaller_when_nothing_else_helps(tmp_path):
    found, changes = dreambooth(lambda config: config.size_px <= 128, tmp_path)
    assert changes[:2] == [{}, {"gradient_checkpointing": True}]
    assert found.change == {"gradient_checkpointing": True, "size_px": 128}


@pytest.mark.usefixtures("own_main")
def test_a_process_whose_first_step_does_not_end_is_given_up(journey, tmp_path, monkeypatch):
    monkeypatch.setattr(attempt_module, "FIRST_STEP_S", 0.0)
    config = settings(dataset=journey.dataset, size_px=256, device="cpu")
    found = rehearse_apart("cyclegan", config, journey.workspace, Watcher(tmp_path), budget_s=1.0)
    assert found == Unfinished(0.0)
    assert not list(tmp_path.glob(".rehearsal*"))


def test_a_step_of_many_batches_may_take_as_many_times_as_long(monkeypatch):
    monkeypatch.setattr(attempt_module, "FIRST_STEP_S", 2.0)
    config = build_config("dreambooth", {"dataset": "leaves", "accumulate": 8})
    assert attempt_module._first_step_s(config) == 16.0
