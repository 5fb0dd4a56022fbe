"""Following a training run in a tracker as well: TensorBoard's files, or Weights & Biases.

A tracker is a watcher beside the run's own. What it is told depends on what the loop reports and on nothing else, so a
new recipe needs no line here. Its package is optional and is imported by the worker only.

A run that is resumed goes back to the step it was saved at and reports the steps after it once more. Neither tracker
shows them twice: TensorBoard is told to purge what came after (`purge_step`); W&B, which cannot go back, is told
nothing until the run has passed what it was told before.
"""

import importlib.util
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from leafcore.errors import ConfigError, RunError
from leafcore.progress import Progress

Name = Literal["none", "tensorboard", "wandb"]


def require_tracker(name: Name) -> None:
    """Refuse a tracker whose package is not installed.

    Raises:
        ConfigError: It is not; the message says how to install it.
    """
    if name != "none" and importlib.util.find_spec(name) is None:
        raise ConfigError(f"tracker: {name} is not installed; `pip install {name}`, or choose none.")


class Tracker(ABC):
    """Where scalars, pictures and settings of a run go besides its folder."""

    @abstractmethod
    def start(self, step: int, told: int) -> None:
        """Begin to follow a run.

        Args:
            step: The steps done; the next report is of a later one.
            told: The last step that was reported before, above `step` if the run was interrupted after it had saved.
        """

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Note losses or scores at a step."""

    @abstractmethod
    def picture(self, step: int, image: np.ndarray) -> None:
        """Note a sample sheet, (H, W, 3) uint8."""

    @abstractmethod
    def close(self) -> None:
        """Write what is not written yet."""


class TensorBoard(Tracker):
    """Event files in the run's folder `tensorboard`; `tensorboard --logdir <workspace>/runs` shows all runs.

    Args:
        folder: The run's.
        settings: Of the run, shown as text.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._settings = folder / "tensorboard", settings

    def start(self, step: int, told: int) -> None:
        """See `Tracker.start`."""
        from torch.utils.tensorboard import SummaryWriter

        del told
        self._writer = SummaryWriter(str(self._folder), purge_step=step + 1)
        rows = "\n".join(f"| {name} | {value} |" for name, value in self._settings.items())
        self._writer.add_text("settings", f"| setting | value |\n|---|---|\n{rows}", step)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See `Tracker.scalars`."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, image: np.ndarray) -> None:
        """See `Tracker.picture`."""
        self._writer.add_image("samples", image, step, dataformats="HWC")

    def close(self) -> None:
        """See `Tracker.close`."""
        self._writer.close()


class WandB(Tracker):
    """A run of the project `leaf-workbench` in Weights & Biases, under this run's id.

    The mode is W&B's own, such as `WANDB_MODE=offline`; its files are in the run's folder `wandb`.

    Args:
        folder: The run's.
        settings: Of the run.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._settings = folder, settings

    def start(self, step: int, told: int) -> None:
        """See `Tracker.start`.

        Raises:
            RunError: W&B refuses, for instance because nobody has logged in.
        """
        import wandb

        self._told = max(step, told)
        try:
            self._run = wandb.init(
                project="leaf-workbench",
                id=self._folder.name,
                name=self._folder.name,
                dir=self._folder,
                config=dict(self._settings),
                resume="allow",
                settings=wandb.Settings(silent=True, console="off"),
            )
        except wandb.errors.Error as error:
            said = " ".join(str(error).split())
            raise RunError(
                f"tracker: wandb refuses ({said}). `wandb login`, or WANDB_MODE=offline, then resume."
            ) from None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See `Tracker.scalars`."""
        if step > self._told:
            self._run.log(dict(values), step=step)

    def picture(self, step: int, image: np.ndarray) -> None:
        """See `Tracker.picture`."""
        import wandb

        if step > self._told:
            self._run.log({"samples": wandb.Image(image)}, step=step)

    def close(self) -> None:
        """See `Tracker.close`."""
        self._run.finish()


TRACKERS: dict[str, type[TensorBoard] | type[WandB]] = {"tensorboard": TensorBoard, "wandb": WandB}


class Tracked:
    """A run's watcher that a tracker listens to: what is not said here goes straight to the run's own.

    Args:
        progress: The run's own watcher.
        tracker: Told the same, before the run's files are written.
    """

    def __init__(self, progress: Progress, tracker: Tracker) -> None:
        self._progress, self._tracker = progress, tracker
        self._step = 0
        self._is_started = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._progress, name)

    def rewind(self, done: int) -> None:
        """See `Progress.rewind`; the loop calls it once, before its first step."""
        self._tracker.start(done, _last_step(self._progress.folder / "metrics.jsonl"))
        self._is_started = True
        self._progress.rewind(done)

    def report(self, done: int, total: int, **scalars: float) -> None:
        """See `Progress.report`."""
        self._step = done
        if scalars and self._is_started:
            self._tracker.scalars(done, scalars)
        self._progress.report(done, total, **scalars)

    def sample(self, image: np.ndarray) -> None:
        """See `Progress.sample`."""
        self._tracker.picture(self._step, image)
        self._progress.sample(image)

    def close(self) -> None:
        """Let the tracker write what is not written yet."""
        if self._is_started:
            self._tracker.close()


@contextmanager
def tracked(name: Name, settings: Mapping[str, Any], progress: Progress) -> Iterator[Progress]:
    """Yield a watcher that also tells the tracker of that name, or the watcher itself for "none".

    Args:
        name: Of the tracker.
        settings: Of the run, plain values.
        progress: The run's own watcher.

    Raises:
        ConfigError: The tracker's package is not installed.
    """
    if name == "none":
        yield progress
        return
    require_tracker(name)
    both = Tracked(progress, TRACKERS[name](progress.folder, settings))
    try:
        yield cast(Progress, both)
    finally:
        both.close()


def _last_step(metrics: Path) -> int:
    """Return the last step that a run reported, 0 for none."""
    try:
        lines = metrics.read_text().splitlines()
    except FileNotFoundError:
        return 0
    return max((int(json.loads(line)["step"]) for line in lines[-2:] if line.endswith("}")), default=0)
