"""A workspace with a dataset and two translators, and a watcher's way to synthesize."""

import shutil

import pytest

from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.workspace import Workspace
from tests.planted import plant_translator


@pytest.fixture
def own(journey, tmp_path) -> Workspace:
    """A copy of the finished journey that a test may change, with a second translator."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    own = Workspace(tmp_path / "own")
    plant_translator(own, "to-rust", seed=3)
    plant_translator(own, "to-scab", "rust", "scab", seed=4)
    return own


@pytest.fixture
def config(journey) -> SynthesizeConfig:
    """Eight pictures in batches of three."""
    return SynthesizeConfig(
        dataset=journey.dataset, chain=("to-rust",), source="healthy", count=8, batch_size=3, device="cpu"
    )
