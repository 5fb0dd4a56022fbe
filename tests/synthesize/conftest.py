"""A workspace with a dataset and two translators, one with models that DreamBooth taught; settings of a synthesis."""

import shutil

import numpy as np
import pytest
from PIL import Image

from leafcore.data.manifest import load
from leafcore.data.mask_sets import mask_path
from leafcore.runs import Run
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.workspace import Workspace
from tests.conftest import carrier
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


@pytest.fixture(scope="session")
def mine(journey, tmp_path_factory) -> Workspace:
    """A copy of the finished journey that tests of prompts add to, with masks of half a picture."""
    root = tmp_path_factory.mktemp("prompts") / "workspace"
    shutil.copytree(journey.workspace.root, root)
    leaves, masks = load(Workspace(root), journey.dataset), root / "runs" / journey.runs["masks"].id
    for row in leaves.rows(leaves.records):
        Image.fromarray(np.indices((row["height"], row["width"]))[1] < row["width"] // 2).save(
            mask_path(masks, row["image"])
        )
    return Workspace(root)


@pytest.fixture(scope="session")
def taught(mine, journey, tiny_base) -> Run:
    """A tiny model that was taught rust, much too fast, so that what it learned can be seen."""
    values = {"base": str(tiny_base), "epochs": 1, "learning_rate": 0.1, "prior_weight": 0.0}
    return carrier(mine)("dreambooth", dataset=journey.dataset, **values)


@pytest.fixture(scope="session")
def scab(mine, journey, tiny_base) -> Run:
    """Another model, which was taught scab by another token."""
    values = {"base": str(tiny_base), "epochs": 1, "learning_rate": 0.1, "prior_weight": 0.0, "labels": "scab"}
    words = {"token": "ohwx", "prompt": "a photo of ohwx leaf"}
    return carrier(mine)("dreambooth", dataset=journey.dataset, train_text_encoder=True, **values, **words)
