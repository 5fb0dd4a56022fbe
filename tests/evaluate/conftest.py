import shutil

import pytest

from leafcore.evaluate.configs import EvaluateConfig
from leafcore.workspace import Workspace
from tests.conftest import TINY


@pytest.fixture
def own(journey, tmp_path) -> Workspace:
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


@pytest.fixture
def config(journey) -> EvaluateConfig:
    """Two seeds of two tiny classifiers, four steps each."""
    synthetic = (journey.runs["synthesize"].id,)
    return EvaluateConfig(**TINY["evaluate"], dataset=journey.dataset, synthetic=synthetic, device="cpu")
