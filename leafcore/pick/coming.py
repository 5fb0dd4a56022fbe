"""When a run in training will have drawn its next epoch."""

from collections.abc import Mapping
from typing import Any

from leafcore.status import Status


def seconds_to_next(status: Status, settings: Mapping[str, Any]) -> float | None:
    """Return how long the next saved epoch takes to come, in seconds; None if it cannot be told.

    Args:
        status: Of the run.
        settings: Of a GAN: `epochs`, `save_every`, and of a translation `epochs_decay`.
    """
    if status.state != "running" or not status.total or not status.seconds_per_unit:
        return None
    epochs = settings["epochs"] + settings.get("epochs_decay", 0)
    steps = status.total / epochs
    saved = int(status.done / steps) // settings["save_every"] * settings["save_every"]
    coming = min(saved + settings["save_every"], epochs)
    return float((coming * steps - status.done) * status.seconds_per_unit)
