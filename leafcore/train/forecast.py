"""What a training run will take, worked out from a few steps that were measured. Free of torch."""

import math
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, computed_field

from leafcore.errors import ConfigError
from leafcore.files import RESERVE_BYTES
from leafcore.train.configs import TrainConfig

STEPPING = "trying steps"  # the phase of a rehearsal in which it takes its steps


class Rehearsal(BaseModel):
    """What was measured while a recipe took a few steps, ended an epoch, drew its samples and saved, once each.

    Attributes:
        epochs: How many the run has.
        steps_per_epoch: How many steps each has.
        loading_s: Seconds to read the data and build the networks.
        drawing_s: Seconds to draw what a run draws before its first step and no run has drawn yet.
        step_s: Seconds per step, the median after warm-up.
        measured_steps: How many steps that is the median of.
        scoring_s: Seconds to end an epoch: schedulers, scores on validation pictures.
        sampling_s: Seconds to draw the samples.
        saving_s: Seconds to save an epoch's weights and samples.
        state_s: Seconds to save what a resume needs.
        epoch_bytes: Size of an epoch's weights and samples.
        sample_bytes: What the samples are of that; they stay when the weights go.
        state_bytes: Size of what a resume needs.
        device: Where it computed, such as "cpu" or "cuda:0".
        memory_bytes: The most memory it held: on a GPU what torch had reserved, else what the process had resident.
        tensor_bytes: The most that tensors took of it on a GPU; the same as `memory_bytes` on a CPU.
        free_bytes: The memory that there was for it.
        is_estimate: Whether it was worked out from smaller steps, which alone were really taken.
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
    sample_bytes: int = 0
    drawing_s: float = 0.0
    is_estimate: bool = False

    @property
    def fits(self) -> bool:
        """Whether there was memory for it."""
        return self.memory_bytes <= self.free_bytes


class Forecast(BaseModel):
    """What a run will take; durations are seconds.

    Attributes:
        steps: In all.
        loading_s: Spent on reading the data, building the networks, and drawing what is drawn before the first step.
        stepping_s: Spent on them.
        scoring_s: Spent on ending epochs.
        sampling_s: Spent on drawing samples.
        saving_s: Spent on saving weights, samples and states.
        checkpoints: How many epochs' weights stay in the end.
        disk_bytes: What the run's folder grows to at most, and the checkpoint that it promotes.
    """

    model_config = ConfigDict(frozen=True)

    steps: int
    loading_s: float = 0.0
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
        return self.loading_s + self.stepping_s + self.scoring_s + self.sampling_s + self.saving_s


def forecast(measured: Rehearsal, config: TrainConfig) -> Forecast:
    """Return what a run with these settings takes, if every step, sample and save is like the measured one."""
    saves = math.ceil(measured.epochs / config.save_every)  # every so many, and the last
    epoch_s = measured.steps_per_epoch * measured.step_s
    states = measured.epochs * (1 + int(epoch_s / config.state_every_s))
    return Forecast(
        steps=measured.epochs * measured.steps_per_epoch,
        loading_s=measured.loading_s + measured.drawing_s,
        stepping_s=measured.epochs * epoch_s,
        scoring_s=measured.epochs * measured.scoring_s,
        sampling_s=saves * measured.sampling_s,
        saving_s=saves * measured.saving_s + states * measured.state_s,
        checkpoints=kept_epochs(measured.epochs, config),
        disk_bytes=_disk_bytes(measured, config),
    )


def kept_epochs(epochs: int, config: TrainConfig) -> int:
    """Return how many epochs' weights a run keeps, see `retention.prune`; the best may be one more than all others.

    Args:
        epochs: How many it trains.
        config: Its settings.
    """
    saves = math.ceil(epochs / config.save_every)
    if not config.keep_every:
        return saves
    both = math.lcm(config.save_every, config.keep_every)
    return min(saves, epochs // both + (epochs % both > 0) + bool(config.BEST_BY))


def _disk_bytes(measured: Rehearsal, config: TrainConfig) -> int:
    """Return what a run's folder grows to at most, and the checkpoint that it promotes.

    Beside the epochs are two states, while one replaces the other. Where weights are not all kept, the newest are
    saved before the last ones go.
    """
    saves = math.ceil(measured.epochs / config.save_every)
    weights = min(saves, kept_epochs(measured.epochs, config) + bool(config.keep_every)) + bool(config.promote_as)
    samples = saves + bool(config.promote_as)
    weight_bytes = measured.epoch_bytes - measured.sample_bytes
    return weights * weight_bytes + samples * measured.sample_bytes + 2 * measured.state_bytes


def save_every_that_fits(measured: Rehearsal, config: TrainConfig, free_bytes: int) -> int | None:
    """Return the nearest `save_every` with which a run's checkpoints fit on the disk, None if none does.

    Args:
        measured: What a save takes.
        config: The run's settings.
        free_bytes: What is free on the disk; the reserve that every save leaves free is taken off.
    """
    room = free_bytes - RESERVE_BYTES
    for every in range(config.save_every, max(config.save_every, measured.epochs) + 1):
        if _disk_bytes(measured, config.model_copy(update={"save_every": every})) <= room:
            return every
    return None


def on_the_line(
    config: TrainConfig, low: tuple[TrainConfig, Rehearsal], high: tuple[TrainConfig, Rehearsal]
) -> Rehearsal:
    """Return what a run would measure: time and memory on the straight line through two smaller ones.

    A convolutional network's activations, and the work on them, grow with the pixels of a step: batch times side
    squared. What does not change between the two (the weights; the samples, if only the batch does) is taken as it is.

    Args:
        config: The run's settings.
        low: Settings that differ in `batch_size` and `size_px` alone, and what they measured.
        high: The same with more pixels.
    """
    (smaller, measured), (larger, other) = low, high
    share = (pixels(config) - pixels(smaller)) / (pixels(larger) - pixels(smaller))
    growing = ["step_s", "memory_bytes", "tensor_bytes"]
    if config.size_px != smaller.size_px:
        growing += ["loading_s", "drawing_s", "scoring_s", "sampling_s", "epoch_bytes", "sample_bytes", "state_bytes"]
    update: dict[str, Any] = {"is_estimate": True}
    for name in growing:
        start, end = getattr(measured, name), getattr(other, name)
        value = start + share * max(0, end - start)
        update[name] = value if isinstance(start, float) else round(value)
    if not config.max_steps_per_epoch and not hasattr(config, "epoch_steps"):  # else as many, whatever the batch
        update["steps_per_epoch"] = math.ceil(measured.steps_per_epoch * smaller.batch_size / config.batch_size)
    return measured.model_copy(update=update)


def pixels(config: TrainConfig) -> int:
    """Return how many pixels a step looks at."""
    return config.batch_size * config.size_px**2


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
