import shutil

import numpy as np
import pandas as pd
import pytest

from leafcore.checks import check
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import CheckpointError, ConfigError
from leafcore.images import load_square
from leafcore.jobs import build_config
from leafcore.workspace import Workspace
from tests.conftest import carrier

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture(scope="module")
def mine(journey, tmp_path_factory) -> Workspace:
    """A copy of the finished journey that these tests add to."""
    root = tmp_path_factory.mktemp("prompts") / "workspace"
    shutil.copytree(journey.workspace.root, root)
    return Workspace(root)


@pytest.fixture(scope="module")
def taught(mine, journey, tiny_base):
    """A tiny model that was taught rust, much too fast, so that what it learned can be seen."""
    carry = carrier(mine)
    values = {"base": str(tiny_base), "epochs": 1, "learning_rate": 0.1, "prior_weight": 0.0}
    return carry("dreambooth", dataset=journey.dataset, **values)


@pytest.fixture
def draw(mine, taught):
    """Return a function that draws two pictures; returns the run and them."""

    def synthesize(**values):
        given = {"checkpoint": taught.id, "count": 2, "sampling_steps": 2, **values}
        run = carrier(mine)("synthesize", **given)
        made = open_synthetic_set(mine, run.id)
        return run, np.stack([load_square(path, 32) for path in made.paths()])

    return synthesize


def test_pictures_are_drawn_from_what_was_taught_with_their_recipe(draw, journey, taught):
    run, pictures = draw(negative="a dog", batch_size=1)
    rows = pd.read_csv(run.folder / "manifest.csv", dtype=str, keep_default_na=False)
    assert pictures.shape == (2, 32, 32, 3) and (pictures[0] != pictures[1]).any()
    assert set(rows["labels"]) == {"rust"} and set(rows["label_rule"]) == {"what the token was taught with"}
    assert set(rows["prompt"]) == {"a photo of sks leaf"} and set(rows["dataset"]) == {journey.dataset}
    assert set(rows["negative"]) == {"a dog"} and set(rows["sampling_steps"]) == {"2"}
    assert run.result()["made"] == {"rust": 2}
    assert not any("sks" in warning for warning in run.status().warnings)


def test_the_same_seed_draws_the_same_pictures_whatever_the_batch(draw):
    first, again, other = (draw(**values)[1] for values in ({}, {"batch_size": 1}, {"seed": 1}))
    assert np.abs(first.astype(int) - again).max() <= 1 and (first != other).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prompt", "a photo of a leaf"), ("negative", "leaf"), ("guidance", 1.0), ("sampling_steps", 3),
        ("sampler", "ddim"), ("lora_strength", 0.0),
    ],
)  # fmt: skip
def test_every_setting_changes_the_pictures(draw, name, value):
    assert (draw()[1] != draw(**{name: value})[1]).any()


def test_a_prompt_without_the_token_is_warned_of(draw):
    run, _ = draw(prompt="a photo of a leaf", label="healthy")
    assert any("is without 'sks'" in warning for warning in run.status().warnings)
    assert run.result()["made"] == {"healthy": 2}


def test_another_base_than_it_was_taught_on_is_refused(mine, journey, tiny_base, tmp_path):
    base = shutil.copytree(tiny_base, tmp_path / "base")
    carry = carrier(mine)
    run = carry("dreambooth", dataset=journey.dataset, base=str(base), epochs=1, epoch_steps=1, prior_weight=0.0)
    config = base / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    with pytest.raises(CheckpointError, match=f"checkpoint: {run.id}@1 was taught on another .* put that one back"):
        carry("synthesize", checkpoint=run.id, count=1, sampling_steps=1)


def test_a_chain_and_a_noise_model_take_no_prompt(mine, journey):
    with pytest.raises(ConfigError, match="prompt: a chain takes none; it is for a checkpoint that draws"):
        build_config("synthesize", {"chain": "x", "dataset": "d", "prompt": "a leaf"})
    run = carrier(mine)("dcgan", dataset=journey.dataset, epochs=1, max_steps_per_epoch=1)
    config = build_config("synthesize", {"checkpoint": run.id, "prompt": "a leaf"})
    with pytest.raises(ConfigError, match="prompt: .* makes pictures from noise and reads none"):
        check(mine, config)
