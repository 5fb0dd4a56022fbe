"""Going on from a state that was saved under other settings: more epochs, a lower learning rate, another batch size.

A run that continues another one begins with that run's `state.pt`. What a state holds wins over the config when it is
loaded (optimizers remember their rates), so the settings that differ are applied afterwards. Where none differs,
nothing is touched, and a resume is exact.
"""

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from leafcore.train.recipe import Recipe

RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # what optimizers and schedulers keep beside each group of parameters


def told_of(recipe: Recipe) -> dict[str, Any]:
    """Return what a later run must know of the settings that a state was saved under."""
    config = recipe.config
    return {
        "learning_rate": config.learning_rate,
        "epochs": config.epochs,
        "all_epochs": recipe.epochs,
        "steps_per_epoch": recipe.steps_per_epoch,
    }


def follow_settings(recipe: Recipe, step: int, told: dict[str, Any]) -> int:
    """Let a recipe whose state was loaded follow its own config where that differs from the state's.

    The learning rate is scaled, in optimizers and schedulers alike. A schedule that is a function of the epoch
    (`LambdaLR`) is asked anew, so that a run whose constant phase became longer stands where the longer schedule does.
    With another batch size an epoch has other steps; what was done of it stays the same share.

    Args:
        recipe: Restored.
        step: The state's.
        told: What `told_of` said when the state was saved; empty for a state from before that.

    Returns:
        The step to go on from.
    """
    now = told_of(recipe)
    if not told or told == now:
        return step
    parts = list(recipe.stateful.values())
    ratio = now["learning_rate"] / told["learning_rate"]
    for part in parts:
        if isinstance(part, Optimizer):
            _scale(part, ratio)
        elif isinstance(part, LRScheduler):
            part.base_lrs = [rate * ratio for rate in part.base_lrs]
    for part in parts:
        if isinstance(part, LambdaLR):
            _ask_anew(part)
    return round(step * recipe.steps_per_epoch / int(told["steps_per_epoch"]))


def _scale(optimizer: Optimizer, ratio: float) -> None:
    for group in optimizer.param_groups:
        for name in RATES:
            if name in group:
                group[name] *= ratio


def _ask_anew(scheduler: LambdaLR) -> None:
    factors = [factor(scheduler.last_epoch) for factor in scheduler.lr_lambdas]
    rates = [rate * factor for rate, factor in zip(scheduler.base_lrs, factors, strict=True)]
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = rates
