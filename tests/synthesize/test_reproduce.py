"""A picture is made again from the recipe that it carries, pixel by pixel; what is missing or differs is named."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.data.recipes import read_recipe
from leafcore.data.synthetic_sets import PNG_KEY, open_synthetic_set
from leafcore.denoising import Denoising
from leafcore.errors import CheckpointError, DatasetError
from leafcore.latent import NoiseModel
from leafcore.synthesize.reproduce import reproduce
from leafcore.synthesize.reproduce_config import MADE, ReproduceConfig
from leafcore.synthesize.synthesize import synthesize
from tests.conftest import carrier
from tests.noise_models import CLASSES, plant_diffusion_model, plant_noise_model
from tests.planted import plant_translator
from tests.watcher import Watcher


@pytest.fixture
def again(own, tmp_path):
    """Return a function that makes a picture again and returns what is said of it."""

    def make(path):
        return reproduce(ReproduceConfig(picture=str(path), device="cpu"), own, Watcher(tmp_path / "again"))

    return make


@pytest.fixture
def made(own, tmp_path):
    """Return a function that synthesizes, and returns the pictures' files."""

    def make(config):
        synthesize(config, own, Watcher(tmp_path / "made"))
        return sorted((tmp_path / "made" / "images").iterdir())

    return make


def changed(config, **values):
    return type(config).build({**config.model_dump(), **values})


def rewritten(path, target, picture=None, **said):
    """Write a picture anew, with another recipe, or other pixels under the same one."""
    text = PngInfo()
    text.add_itxt(PNG_KEY, json.dumps({**read_recipe(path), **said}))
    pixels = np.asarray(Image.open(path).convert("RGB")) if picture is None else picture
    Image.fromarray(pixels).save(target, pnginfo=text)
    return target


def test_every_picture_of_a_chain_is_made_again(own, config, made, again, tmp_path):
    for path in made(changed(config, chain=("to-rust", "to-scab")))[::3]:
        found = again(path)
        assert found.same and (found.largest, found.share) == (0, 0) and found.sentence == "The pixels are the same."
        assert (np.asarray(Image.open(tmp_path / "again" / MADE)) == np.asarray(Image.open(path))).all()


@pytest.mark.parametrize("sizing", ["resize", "tiles"])
def test_strength_place_way_and_size_of_a_chain_are_part_of_the_recipe(own, config, journey, made, again, sizing):
    chain, masks = ("to-rust:0.6:leaf", "to-scab:back:0.5"), journey.runs["masks"].id
    for path in made(changed(config, chain=chain, masks=masks, size_px=48, sizing=sizing, verify="no"))[::4]:
        assert again(path).same


def test_what_changes_the_leaf_only_is_made_again_under_its_mask(own, config, journey, made, again):
    plant_translator(own, "leaf-to-rust", seed=5, blend=True)
    masks = journey.runs["masks"].id
    path = made(changed(config, chain=("leaf-to-rust",), masks=masks, count=2))[0]
    assert again(path).same
    shutil.rmtree(own.run(masks))
    with pytest.raises(Exception, match=masks):
        again(path)


@pytest.mark.parametrize("kind", [plant_noise_model, plant_diffusion_model])
def test_what_was_made_of_noise_is_made_again(own, journey, made, again, config, kind):
    kind(own, "three", journey.dataset, CLASSES)
    settings = {"checkpoint": "three", "count": 4, "judge": "none", "device": "cpu", "seed": 7}
    for path in made(type(config).build(settings)):
        assert again(path).same


@pytest.mark.parametrize(
    "how", [{"sampler": "dpm-solver", "sampling_steps": 30}, {"sampler": "ddim", "sampling_steps": 7}]
)
def test_noise_that_was_taken_away_as_nobody_is_let_now_is_so_again(own, journey, made, again, config, tmp_path, how):
    planted = plant_diffusion_model(own, "free", journey.dataset)
    settings = {"checkpoint": "free", "count": 1, "judge": "none", "device": "cpu", "seed": 7, "sampling_steps": 5}
    (path,) = made(type(config).build(settings))
    picture = NoiseModel(planted, torch.device("cpu"), Denoising(**how)).sample(7, [0])[0]
    assert again(rewritten(path, tmp_path / "older.png", picture, **how)).same


def test_a_picture_that_was_painted_over_differs_there(own, config, made, again, tmp_path):
    path = made(config)[0]
    pixels = np.asarray(Image.open(path).convert("RGB")).copy()
    pixels[:4, :8] ^= 1
    found = again(rewritten(path, tmp_path / "painted.png", pixels))
    assert not found.same and found.largest == 1 and found.share == pytest.approx(32 / pixels[..., 0].size)
    assert found.mean == pytest.approx(found.share) and found.changed == {}
    assert "code, libraries and device are the same, so the picture or its recipe was changed" in found.sentence


def test_what_computes_otherwise_now_is_named(own, config, made, again, tmp_path):
    path = made(config)[0]
    pixels = np.zeros_like(np.asarray(Image.open(path).convert("RGB")))
    libraries = read_recipe(path)["libraries"].replace("torch ", "torch 1.0+")
    said = {"libraries": libraries, "gpu": "A100", "driver": "535", "code_version": "0.0.1"}
    found = again(rewritten(path, tmp_path / "old.png", pixels, **said))
    assert set(found.changed) == {"code", "torch", "gpu", "driver"}
    assert found.changed["torch"].then == f"1.0+{found.changed['torch'].now}"
    assert "gpu was A100, is none" in found.sentence


def test_a_model_is_found_under_another_name_and_missed_in_one_line(own, config, made, again):
    path = made(config)[0]
    shutil.move(own.checkpoints / "to-rust", own.checkpoints / "renamed")
    assert again(path).same
    plant_translator(own, "to-rust", seed=9)  # other weights under the old name
    assert again(path).same
    shutil.rmtree(own.checkpoints / "renamed")
    with pytest.raises(
        CheckpointError, match="to-rust, epoch .* is not in this workspace; put it back|to-rust with the"
    ):
        again(path)


def test_a_source_that_is_gone_or_another_is_named(own, config, made, again, monkeypatch, tmp_path):
    path = made(config)[0]
    recipe, dataset = read_recipe(path), load(own, config.dataset)
    with pytest.raises(DatasetError, match=r"holds no '\.\./secret.png'"):
        again(rewritten(path, tmp_path / "other.png", source="../secret.png"))
    with pytest.raises(DatasetError, match="not the photograph that it was"):
        again(rewritten(path, tmp_path / "other.png", source_sha256="0" * 64))
    with pytest.raises(Exception, match="elsewhere"):
        again(rewritten(path, tmp_path / "other.png", dataset="elsewhere@1"))
    assert recipe["source"] in set(dataset.records["image"])


@pytest.mark.parametrize("wrong", ["small", "plain", "cut"])
def test_a_picture_that_cannot_be_made_again_says_why(own, config, made, again, tmp_path, wrong):
    path = made(config)[0]
    small = np.zeros((8, 8, 3), np.uint8)
    if wrong == "plain":
        Image.fromarray(small).save(tmp_path / "other.png")
    else:
        rewritten(path, tmp_path / "other.png", small, **({"chain": [{}]} if wrong == "cut" else {}))
    messages = {"small": "8 x 8 px, but its recipe makes 32 x 32", "plain": "carries no recipe", "cut": "is incomplete"}
    with pytest.raises(DatasetError, match=messages[wrong]):
        again(tmp_path / "other.png")


def test_it_is_a_run_that_finds_a_picture_by_its_set(own, journey):
    made = open_synthetic_set(own, journey.runs["synthesize"].id)
    run = carrier(own)("reproduce", picture=f"{made.id}/{made.files[0]}")
    assert run.result()["same"] and run.record.uses == (made.id,)
    assert (run.folder / MADE).exists() and run.record.title == f"Reproduce: {made.files[0]}"
    with pytest.raises(DatasetError, match="there is no such file"):
        check(own, ReproduceConfig(picture=f"{made.id}/../config.json"))
