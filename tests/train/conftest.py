"""Recipes, tiny, over the journey's dataset."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch

from leafcore.base_models import accept, open_base
from leafcore.jobs import build_config
from leafcore.train.configs import TrainConfig
from leafcore.workspace import Workspace
from tests.conftest import TINY, Journey

NEEDS: dict[str, Callable[[Journey], dict[str, Any]]] = {  # what a recipe must be told besides its dataset
    "lflseg": lambda journey: {"nonleaf": journey.runs["lflseg"].record.settings["nonleaf"]},
    "leafgan": lambda journey: {"b": "rust", "masks": journey.runs["masks"].id},
    "cyclegan": lambda journey: {"b": "rust"},
}


@pytest.fixture(scope="session")
def settings(journey, tiny_base) -> Callable[..., TrainConfig]:
    """Return a function that makes a recipe's tiny settings over the journey's dataset, on the CPU."""

    def build(kind: str, **values: Any) -> TrainConfig:
        needed = NEEDS[kind](journey) if kind in NEEDS else {}
        if kind == "dreambooth":
            base = open_base(journey.workspace, str(tiny_base))
            accept(journey.workspace, base)
            needed = {"base": base.name}
        return build_config(kind, {**TINY[kind], "dataset": journey.dataset, "device": "cpu", **needed, **values})

    return build


@pytest.fixture
def own(journey, tmp_path) -> Workspace:
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """Make each test draw the same numbers, whatever ran before."""
    torch.manual_seed(0)
