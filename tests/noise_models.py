"""A tiny network with the interface of a noise model's generator, and checkpoints of it."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from leafcore import answers, nets
from leafcore.checkpoints import Checkpoint
from leafcore.data.seen import save_seen
from leafcore.questions import Question, answer_file
from leafcore.workspace import Workspace
from tests.planted import plant

CLASSES = ("healthy", "rust", "scab")

nets._BUILDERS["tiny_generator"] = "tests.noise_models:TinyGenerator"  # so that `build` makes it of its description


class TinyGenerator(nn.Module):
    """Maps latent vectors, and classes if it has any, to pictures: one matrix and a shift per class."""

    def __init__(self, latent: int, size_px: int, classes: int = 0) -> None:
        super().__init__()
        self.size_px = size_px
        self.line = nn.Linear(latent, 3 * size_px**2)
        self.shift = nn.Embedding(classes, 3) if classes else None

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Return (N, 3, S, S) float32 in [-1, 1]."""
        pictures = self.line(z).view(-1, 3, self.size_px, self.size_px)
        if self.shift is not None:
            pictures = pictures + self.shift(labels)[:, :, None, None]
        return torch.tanh(pictures)


def plant_noise_model(
    workspace: Workspace,
    name: str,
    dataset: str = "",
    classes: tuple[str, ...] = (),
    labels: str = "",
    seen: list[str] | None = None,
) -> Checkpoint:
    """Write a checkpoint that makes pictures of 16 px from 8 numbers.

    Args:
        workspace: Where it goes.
        name: Its name.
        dataset: What it is said to have learned from.
        classes: What it can be asked for.
        labels: The one label set that it learned from.
        seen: SHA-256 of the pictures that it learned from.
    """
    network = {"type": "tiny_generator", "args": {"latent": 8, "size_px": 16, "classes": len(classes)}}
    said: dict[str, Any] = {"recipe": "dcgan", "size_px": 16, "latent": 8, "nets": {"generator": network}}
    said |= {"dataset": dataset, "classes": list(classes), "labels": labels}
    planted = plant(workspace, name, said)
    save_seen(planted.folder, {"generator": seen or ["0" * 64]})
    return planted


class InThisProcess:
    """A warm worker that is no process of its own, so that it knows the tiny network."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Path:
        """Answer as the warm worker does."""
        self.asked.append(question)
        target = answer_file(self.workspace, question)
        if not target.exists():
            answers.answer(self.workspace, question)
        return target


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
