"""The contract that every recipe keeps."""

import copy
import json
import math
import random
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from leafcore.checkpoints import Checkpoint, CheckpointCard, read_description, sha256
from leafcore.data.manifest import load
from leafcore.data.seen import load_seen
from leafcore.errors import Stopped
from leafcore.generate import load_network
from leafcore.nets import build
from leafcore.train.checkpointing import load_state, read_weights, save_weights, weights_path
from leafcore.train.configs import RECIPES
from leafcore.train.loop import TrainResult, train
from leafcore.train.recipe import Recipe
from tests.watcher import Watcher

GIVEN = {  # what the networks of noise models are given; all others' are given pictures
    "dcgan": lambda recipe: (torch.randn(2, recipe.config.latent),),
    "diffusion": lambda recipe: (torch.randn(2, 3, 32, 32), torch.tensor([0, 7]), torch.tensor([1, 0])),
}
every_recipe = pytest.mark.parametrize("kind", RECIPES)
ON_A_BASE = {"dreambooth"}  # whose weights say what to change in another model


@dataclass
class Trained:
    """One training from beginning to end."""

    watcher: Watcher
    result: TrainResult

    @property
    def folder(self) -> Path:
        return self.watcher.folder


@pytest.fixture(scope="module")
def uninterrupted(journey, settings, tmp_path_factory):
    """Return a function that trains a recipe without a break, once for all tests."""
    done: dict[str, Trained] = {}

    def run(kind: str) -> Trained:
        if kind not in done:
            watcher = Watcher(tmp_path_factory.mktemp(kind))
            done[kind] = Trained(watcher, train(settings(kind), journey.workspace, watcher))
        return done[kind]

    return run


@pytest.fixture
def make(journey, settings, tmp_path):
    """Return a function that makes a recipe."""

    def build_recipe(kind: str) -> Recipe:
        module, name = RECIPES[kind].recipe.split(":")
        recipe = getattr(import_module(module), name)
        return recipe.from_config(settings(kind), journey.workspace, torch.device("cpu"), Watcher(tmp_path))

    return build_recipe


def equal(first: Any, second: Any) -> bool:
    """Whether two states hold the same values, bit for bit."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(value, second[key]) for key, value in first.items())
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(equal(*pair) for pair in zip(first, second, strict=True))
    return bool(first == second)


@every_recipe
def test_losses_are_finite_and_the_same_at_every_step(uninterrupted, kind):
    trained = uninterrupted(kind)
    losses = [row for row in trained.watcher.scalars if set(trained.result.losses) <= set(row)]
    assert [row["step"] for row in losses] == list(range(1, trained.result.steps + 1))
    assert len({tuple(row) for row in losses}) == 1
    assert all(math.isfinite(value) for row in losses for value in row.values())
    assert trained.result.losses == {name: losses[-1][name] for name in trained.result.losses}


@every_recipe
@pytest.mark.parametrize("stops", ["after every step", "after a random step"])
def test_a_resumed_run_equals_an_uninterrupted_one(uninterrupted, journey, settings, tmp_path, kind, stops):
    whole = uninterrupted(kind)
    steps = range(1, whole.result.steps)
    if stops == "after a random step":
        steps = [random.Random(kind).choice(steps)]
    scalars = []
    for stop in steps:
        watcher = Watcher(tmp_path / "run", stop_after=stop)
        with pytest.raises(Stopped):
            train(settings(kind), journey.workspace, watcher)
        assert watcher.done == stop
        scalars += watcher.scalars
    watcher = Watcher(tmp_path / "run")
    result = train(settings(kind), journey.workspace, watcher)

    assert scalars + watcher.scalars == whole.watcher.scalars, "every loss and score, bit for bit"
    assert result == whole.result
    last = weights_path(watcher.folder, result.epochs)
    assert last.read_bytes() == weights_path(whole.folder, result.epochs).read_bytes()
    assert equal(load_state(watcher.folder), load_state(whole.folder)), "discriminators, optimizers and all"


@every_recipe
def test_a_finished_run_that_is_resumed_tells_the_same_result(uninterrupted, journey, settings, kind):
    trained = uninterrupted(kind)
    assert train(settings(kind), journey.workspace, Watcher(trained.folder)) == trained.result


@every_recipe
def test_a_preview_shifts_nothing(make, kind):
    recipe = make(kind)
    recipe.step(recipe.next_batch())
    before = copy.deepcopy(recipe.state_dict()), torch.get_rng_state()
    recipe.preview()
    assert equal(recipe.state_dict(), before[0]) and torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("kind", [kind for kind in RECIPES if kind not in ON_A_BASE])
def test_weights_rebuild_networks_that_answer_alike(make, tmp_path, kind):
    recipe = make(kind)
    recipe.step(recipe.next_batch())
    path = save_weights(tmp_path, recipe, epoch=3)
    description, tensors = read_weights(path)
    card = CheckpointCard(
        name="x", recipe=kind, description=description, run="", epoch=3, weights_sha256=sha256(path), created=0.0,
        code_version="",
    )  # fmt: skip
    assert set(tensors) == set(recipe.exported) == set(description["nets"])
    given = GIVEN[kind](recipe) if kind in GIVEN else (torch.rand(2, 3, 64, 64) * 2 - 1,)
    for name in recipe.exported:
        rebuilt = load_network(Checkpoint(card, path, tmp_path), name, torch.device("cpu"))
        own = recipe.nets[name].eval()
        with torch.no_grad():
            assert torch.allclose(rebuilt(*given), own(*given), rtol=0, atol=1e-6)  # memory formats may differ
        assert not any(parameter.requires_grad for parameter in rebuilt.parameters())
        assert set(build(description["nets"][name]).state_dict()) == set(tensors[name])


@every_recipe
def test_a_description_is_plain_json(make, tmp_path, kind):
    recipe = make(kind)
    description = recipe.describe()
    assert json.loads(json.dumps(description)) == description
    assert description["recipe"] == kind and description["dataset"] == recipe.config.dataset
    assert read_description(save_weights(tmp_path, recipe, epoch=2)) == {**description, "epoch": 2}


@every_recipe
def test_training_leaves_the_process_as_it_was(journey, settings, tmp_path, kind):
    def states():
        return torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state()), torch.is_grad_enabled()

    before = states()
    with pytest.raises(Stopped):
        train(settings(kind), journey.workspace, Watcher(tmp_path / "run", stop_after=1))
    assert states() == before


@every_recipe
def test_the_same_seed_gives_the_same_networks_whatever_ran_before(make, journey, settings, tmp_path, kind):
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        torch.rand(7)
        with pytest.raises(Stopped):
            train(settings(kind), journey.workspace, Watcher(folder, stop_after=1))
    assert equal(*(load_state(folder) for folder in folders))


@every_recipe
def test_only_train_pictures_train_and_only_validation_pictures_are_probes(uninterrupted, journey, kind):
    records = load(journey.workspace, journey.dataset).records
    of = {split: set(records.loc[records["split"] == split, "sha256"]) for split in ("train", "val", "test")}
    seen = load_seen(uninterrupted(kind).folder)
    of_no_picture = {"dcgan", "diffusion", "dreambooth"}  # the probes of noise and of words
    assert seen and ("probe" in seen or kind in of_no_picture)
    for role, images in seen.items():
        assert images and set(images) <= of["val" if role == "probe" else "train"], role


@every_recipe
def test_every_preset_is_a_valid_setting(settings, kind):
    config = RECIPES[kind].config
    given = {key: value for key, value in settings(kind).model_dump().items() if key in {"dataset", "b", "masks"}}
    assert {"smoke", "draft"} <= set(config.PRESETS)
    for preset in config.PRESETS:
        assert config.build(given, preset=preset)
        assert config.PURPOSES[preset], "the form and the command's help say what for"
