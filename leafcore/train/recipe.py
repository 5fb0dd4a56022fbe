"""What a recipe is: networks, optimizers, and one step. Everything else is the loop's."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from leafcore.images import sheet
from leafcore.progress import Progress
from leafcore.train.configs import TrainConfig
from leafcore.train.confusion import Confusion
from leafcore.workspace import Workspace

Losses = dict[str, torch.Tensor]


class Stateful(Protocol):
    """Whatever a resume must restore: optimizers, schedulers, image pools, streams."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it needs to go on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Go on from there."""
        ...


@dataclass(frozen=True)
class Preview:
    """What the networks make of the fixed probes at one epoch.

    Attributes:
        columns: What each column shows, such as "input", "mask", "fake".
        rows: What each row is, such as {"direction": "ab", "image": "photos/x.png"}.
        pictures: One list per row, one (S, S, 3) uint8 picture per column.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    pictures: list[list[np.ndarray]]

    def as_sheet(self) -> np.ndarray:
        """Return all pictures as one, without gaps: (rows * S, columns * S, 3) uint8."""
        return sheet(self.pictures, gap_px=0)


@dataclass(frozen=True)
class Drawing:
    """Pictures that a run draws before its first step, once for all runs.

    Attributes:
        spent_s: Seconds that went into those of them that a rehearsal drew.
        left_s: Seconds that the others will take.
    """

    spent_s: float = 0.0
    left_s: float = 0.0


class Recipe(ABC):
    """How one kind of model is trained.

    `from_config` makes its networks and loads its data. The loop calls `next_batch` and `step`, then `end_epoch` after
    every `steps_per_epoch` steps.

    Attributes:
        nets: Every network, by its name in the glossary.
        exported: The names of those that users keep: they are what a weights file holds.
        stateful: Everything else that a resume must restore.
        steps_per_epoch: One pass over the longer domain, unless the config cuts it.
        confusion: Which classes were taken for which at the last epoch's end, if the recipe tells classes apart.
        seen: Roles ("generator", "lflseg", "probe") and the SHA-256 of the pictures that each has seen.
    """

    config: TrainConfig
    device: torch.device
    generator: torch.Generator
    nets: dict[str, nn.Module]
    exported: tuple[str, ...]
    stateful: dict[str, Stateful]
    steps_per_epoch: int
    confusion: Confusion | None = None
    seen: dict[str, list[str]]

    @classmethod
    @abstractmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "Recipe":
        """Make the recipe from its settings.

        Raises:
            InputError: The dataset, the mask set or a setting is wrong.
        """

    @classmethod
    def for_rehearsal(
        cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress
    ) -> tuple["Recipe", Drawing]:
        """Make the recipe for a few steps: of pictures that it draws first, only as many as tell the time of one.

        Raises:
            InputError: See `from_config`.
        """
        return cls.from_config(config, workspace, device, progress), Drawing()

    @property
    def epochs(self) -> int:
        """How many epochs the config asks for."""
        return self.config.epochs

    @property
    def has_settled(self) -> bool:
        """Whether more epochs are not worth it; the loop asks after each."""
        return False

    @abstractmethod
    def next_batch(self) -> Any:
        """Return the next batch, augmented, on the device."""

    @abstractmethod
    def step(self, batch: Any) -> Losses:
        """Update the networks once.

        Returns:
            Each loss by name: a scalar tensor, detached, unweighted.
        """

    @abstractmethod
    def preview(self) -> Preview | None:
        """Return what the networks make of the probes; draws nothing from the run's generator."""

    def end_epoch(self) -> dict[str, float]:
        """Step the schedulers; return scores on validation pictures, if the recipe has any."""
        return {}

    def warnings(self) -> list[str]:
        """Return what the last epoch's end gave cause to warn of, each once; the loop asks after it."""
        return []

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what a weights file must say so that its networks can be rebuilt and used; plain JSON."""

    def export(self) -> dict[str, nn.Module]:
        """Return the networks that users keep, by name, as they are now."""
        return {name: self.nets[name] for name in self.exported}

    def weights(self) -> dict[str, dict[str, torch.Tensor]]:
        """Return what a weights file holds of each network, by the network's name."""
        return {name: network.state_dict() for name, network in self.export().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return everything a resume needs; tensors and plain values only."""
        return {
            "nets": {name: net.state_dict() for name, net in self.nets.items()},
            "stateful": {name: part.state_dict() for name, part in self.stateful.items()},
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        for name, net in self.nets.items():
            net.load_state_dict(state["nets"][name])
        for name, part in self.stateful.items():
            part.load_state_dict(state["stateful"][name])
        self.generator.set_state(state["generator"].cpu())
