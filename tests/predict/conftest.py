"""A tiny classifier over the journey's pictures."""

import shutil

import pytest

from leafcore.runs import Run
from leafcore.workspace import Workspace
from tests.conftest import carrier


@pytest.fixture(scope="session")
def own(journey, tmp_path_factory) -> Workspace:
    """A workspace with the journey's dataset and nothing else."""
    root = tmp_path_factory.mktemp("predict") / "workspace"
    shutil.copytree(journey.workspace.datasets, root / "datasets")
    return Workspace(root)


@pytest.fixture(scope="session")
def classifier(own, journey) -> Run:
    """A classifier of that dataset."""
    return carrier(own)("classifier", dataset=journey.dataset)


@pytest.fixture(scope="session")
def carry(own):
    """Submit and carry out a run there."""
    return carrier(own)
