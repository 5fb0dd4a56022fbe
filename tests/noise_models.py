"""Checkpoints of small noise models, and a warm worker that is no process of its own."""

from pathlib import Path
from typing import Any

import pytest

from leafcore import latent_commands
from leafcore.checkpoints import Checkpoint
from leafcore.data.seen import save_seen
from leafcore.questions import Question
from leafcore.workspace import Workspace
from tests.planted import plant
from ui import cached

CLASSES = ("healthy", "rust", "scab")


def plant_noise_model(
    workspace: Workspace,
    name: str,
    dataset: str = "",
    classes: tuple[str, ...] = (),
    labels: str = "",
    seen: list[str] | None = None,
) -> Checkpoint:
    """Write a checkpoint of an untrained DCGAN that makes pictures of 16 px from 8 numbers.

    Args:
        workspace: Where it goes.
        name: Its name.
        dataset: What it is said to have learned from.
        classes: What it can be asked for.
        labels: The one label set that it learned from.
        seen: SHA-256 of the pictures that it learned from.
    """
    network = {"type": "dcgan_generator", "args": {"latent": 8, "size_px": 16, "filters": 4, "classes": len(classes)}}
    said: dict[str, Any] = {"recipe": "dcgan", "size_px": 16, "latent": 8, "nets": {"generator": network}}
    said |= {"dataset": dataset, "classes": list(classes), "labels": labels}
    planted = plant(workspace, name, said)
    save_seen(planted.folder, {"generator": seen or ["0" * 64]})
    return planted


class InThisProcess(latent_commands.InThisProcess):
    """Answers as the warm worker does, without the seconds that one takes to start, and tells what it was asked."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Path:
        """Answer, and remember the question."""
        self.asked.append(question)
        return super().ask(question)


def plant_diffusion_model(
    workspace: Workspace, name: str, dataset: str = "", classes: tuple[str, ...] = (), labels: str = ""
) -> Checkpoint:
    """Write a checkpoint that makes pictures of 16 px by taking noise away; see `plant_noise_model`."""
    args = {"size_px": 16, "filters": 8, "levels": 2, "blocks": 1, "classes": len(classes)}
    said: dict[str, Any] = {"recipe": "diffusion", "size_px": 16, "latent": 3 * 16 * 16}
    said |= {"nets": {"denoiser": {"type": "denoiser", "args": args}}, "classes": list(classes), "labels": labels}
    said |= {"process": {"timesteps": 50, "schedule": "cosine", "prediction": "v"}, "dataset": dataset}
    planted = plant(workspace, name, said, gain=1)  # more would make steps chaotic
    save_seen(planted.folder, {"generator": ["0" * 64]})
    return planted


def studio_of(open_app: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, InThisProcess]:
    """Return the app over a workspace, and the worker in this process that answers what it asks."""
    app, worker = open_app(workspace), InThisProcess(workspace)
    monkeypatch.setattr("ui.cached.warm_worker", lambda: worker)
    cached._sample.clear()
    return app, worker
