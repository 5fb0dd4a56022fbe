from types import SimpleNamespace

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR

from leafcore.train.new_settings import follow_settings, told_of

SCHEDULES = {
    "OneCycleLR": lambda optimizer, rate: OneCycleLR(optimizer, rate, total_steps=20),
    "CosineAnnealingLR": lambda optimizer, rate: CosineAnnealingLR(optimizer, 20),
    "LambdaLR": lambda optimizer, rate: LambdaLR(optimizer, lambda epoch: 1 - epoch / 20),
}


def recipe(schedule: str, rate: float, steps_per_epoch: int = 10) -> SimpleNamespace:
    """Return what of a recipe has settings that a state remembers."""
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], rate)
    scheduler = SCHEDULES[schedule](optimizer, rate)
    config = SimpleNamespace(learning_rate=rate, epochs=2)
    stateful = {"optimizer": optimizer, "scheduler": scheduler}
    return SimpleNamespace(config=config, epochs=2, steps_per_epoch=steps_per_epoch, stateful=stateful)


def rates(trained: SimpleNamespace, steps: int) -> list[float]:
    """Take steps; return the learning rate of each."""
    taken = []
    for _ in range(steps):
        taken.append(trained.stateful["optimizer"].param_groups[0]["lr"])
        trained.stateful["optimizer"].step()
        trained.stateful["scheduler"].step()
    return taken


def restored(saved: SimpleNamespace, into: SimpleNamespace) -> SimpleNamespace:
    for name, part in saved.stateful.items():
        into.stateful[name].load_state_dict(part.state_dict())
    return into


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_half_the_rate_is_half_of_every_rate_that_was_to_come(schedule):
    whole = recipe(schedule, 1e-3)
    rates(whole, 7)
    half = restored(whole, recipe(schedule, 5e-4))
    follow_settings(half, 7, told_of(whole))
    assert rates(half, 12) == pytest.approx([rate / 2 for rate in rates(whole, 12)])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_same_settings_change_nothing(schedule):
    whole = recipe(schedule, 1e-3)
    rates(whole, 7)
    same = restored(whole, recipe(schedule, 1e-3))
    assert follow_settings(same, 7, told_of(whole)) == 7
    assert rates(same, 12) == rates(whole, 12)


def test_another_batch_size_keeps_the_share_of_the_epochs_that_is_done():
    whole = recipe("LambdaLR", 1e-3, steps_per_epoch=10)
    assert follow_settings(recipe("LambdaLR", 1e-3, steps_per_epoch=20), 15, told_of(whole)) == 30
    assert follow_settings(recipe("LambdaLR", 1e-3), 15, {}) == 15, "a state from before this was noted"
