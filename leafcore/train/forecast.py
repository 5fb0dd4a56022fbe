"""What a training run will take, worked out from a few steps that were measured. Free of torch."""

import math
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, computed_field

from leafcore.errors import ConfigError
from leafcore.files import RESERVE_BYTES
from leafcore.train.configs import TrainConfig


class Rehearsal(BaseModel):
    """What was measured while a recipe took a few steps, ended an epoch, drew its samples and saved, once each.

    Attributes:
        epochs: How many the run has.
        steps_per_epoch: How many steps each has.
        loading_s: Seconds to read the data and build the networks.
        step_s: Seconds per step, the median after warm-up.
        measured_steps: How many steps that is the median of.
        scoring_s: Seconds to end an epoch: schedulers, scores on validation pictures.
        sampling_s: Seconds to draw the samples.
        saving_s: Seconds to save an epoch's weights and samples.
        state_s: Seconds to save what a resume needs.
        epoch_bytes: Size of an epoch's weights and samples.
        state_bytes: Size of what a resume needs.
        device: Where it computed, such as "cpu" or "cuda:0".
        memory_bytes: The most memory it held: on a GPU what torch had reserved, else what the process had resident.
        tensor_bytes: The most that tensors took of it on a GPU; the same as `memory_bytes` on a CPU.
        free_bytes: The memory that there was for it.
    """

    model_config = ConfigDict(frozen=True)

    epochs: int
    steps_per_epoch: int
    loading_s: float
    step_s: float
    measured_steps: int
    scoring_s: float
    sampling_s: float
    saving_s: float
    state_s: float
    epoch_bytes: int
    state_bytes: int
    device: str
    memory_bytes: int
    tensor_bytes: int
    free_bytes: int

    @property
    def fits(self) -> bool:
        """Whether there was memory for it."""
        return self.memory_bytes <= self.free_bytes


class Forecast(BaseModel):
    """What a run will take; durations are seconds.

    Attributes:
        steps: In all.
        stepping_s: Spent on them.
        scoring_s: Spent on ending epochs.
        sampling_s: Spent on drawing samples.
        saving_s: Spent on saving weights, samples and states.
        checkpoints: How many epochs are saved.
        disk_bytes: What the run's folder grows to at most, and the checkpoint that it promotes.
    """

    model_config = ConfigDict(frozen=True)

    steps: int
    stepping_s: float
    scoring_s: float
    sampling_s: float
    saving_s: float
    checkpoints: int
    disk_bytes: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def eta_s(self) -> float:
        """All of it."""
        return self.stepping_s + self.scoring_s + self.sampling_s + self.saving_s


def forecast(measured: Rehearsal, config: TrainConfig) -> Forecast:
    """Return what a run with these settings takes, if every step, sample and save is like the measured one."""
    saves = _saves(measured.epochs, config.save_every)
    epoch_s = measured.steps_per_epoch * measured.step_s
    states = measured.epochs * (1 + int(epoch_s / config.state_every_s))
    return Forecast(
        steps=measured.epochs * measured.steps_per_epoch,
        stepping_s=measured.epochs * epoch_s,
        scoring_s=measured.epochs * measured.scoring_s,
        sampling_s=saves * measured.sampling_s,
        saving_s=saves * measured.saving_s + states * measured.state_s,
        checkpoints=saves,
        disk_bytes=saves * measured.epoch_bytes + _beside(measured, config),
    )


def _saves(epochs: int, save_every: int) -> int:
    """Return how many epochs are saved: every so many, and the last."""
    return math.ceil(epochs / save_every)


def _beside(measured: Rehearsal, config: TrainConfig) -> int:
    """Return the bytes needed beside the epochs: two states while one replaces the other, and a promoted copy."""
    return 2 * measured.state_bytes + (measured.epoch_bytes if config.promote_as else 0)


def save_every_that_fits(measured: Rehearsal, config: TrainConfig, free_bytes: int) -> int | None:
    """Return the nearest `save_every` with which a run's checkpoints fit on the disk, None if none does.

    Args:
        measured: What a save takes.
        config: The run's settings.
        free_bytes: What is free on the disk; the reserve that every save leaves free is taken off.
    """
    room = free_bytes - RESERVE_BYTES - _beside(measured, config)
    saves = room // measured.epoch_bytes
    if saves < 1:
        return None
    return max(config.save_every, math.ceil(measured.epochs / saves))


def at_batch(batch: int, low: tuple[int, Rehearsal], high: tuple[int, Rehearsal], config: TrainConfig) -> Rehearsal:
    """Return what another batch would have measured: time and memory on the straight line through two batches.

    Args:
        batch: Pictures per step.
        low: A batch and what it measured.
        high: A larger one.
        config: The run's settings, but for the batch.
    """
    (batch_low, measured), (batch_high, other) = low, high
    share = (batch - batch_low) / (batch_high - batch_low)
    cut = config.max_steps_per_epoch > 0  # to as many steps, whatever the batch
    return measured.model_copy(
        update={
            "steps_per_epoch": measured.steps_per_epoch
            if cut
            else math.ceil(measured.steps_per_epoch * batch_low / batch),
            "step_s": measured.step_s + share * max(0.0, other.step_s - measured.step_s),
            "memory_bytes": round(measured.memory_bytes + share * max(0, other.memory_bytes - measured.memory_bytes)),
        }
    )


def smaller_settings(config: TrainConfig) -> Iterator[dict[str, int]]:
    """Yield changes that take ever less memory, the nearest first: half the batch, and so on, then half the size."""
    change: dict[str, int] = {}
    for name in ("batch_size", "size_px"):
        value = getattr(config, name) // 2
        while _is_valid(config, {**change, name: value}):
            change = {**change, name: value}
            yield change
            value //= 2


def _is_valid(config: TrainConfig, change: dict[str, Any]) -> bool:
    try:
        type(config).build({**config.model_dump(), **change})
    except ConfigError:
        return False
    return True
