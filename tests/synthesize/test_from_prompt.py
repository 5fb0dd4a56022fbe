import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.data.mask_sets import mask_files, mask_path
from leafcore.data.seen import load_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.drawing import PromptModel, Wish
from leafcore.errors import CheckpointError, ConfigError, LeafError
from leafcore.images import load_mask, load_square, to_signed
from leafcore.jobs import build_config
from leafcore.progress import Progress
from leafcore.synthesize.reproduce import reproduce
from leafcore.synthesize.reproduce_config import ReproduceConfig
from leafcore.train.dreambooth_base import Sampling
from leafcore.workspace import Workspace
from tests.conftest import carrier
from tests.planted import plant_translator
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture(scope="module")
def mine(journey, tmp_path_factory) -> Workspace:
    """A copy of the finished journey that these tests add to, with masks of half a picture."""
    root = tmp_path_factory.mktemp("prompts") / "workspace"
    shutil.copytree(journey.workspace.root, root)
    leaves, masks = load(Workspace(root), journey.dataset), root / "runs" / journey.runs["masks"].id
    for row in leaves.rows(leaves.records):
        Image.fromarray(np.indices((row["height"], row["width"]))[1] < row["width"] // 2).save(
            mask_path(masks, row["image"])
        )
    return Workspace(root)


@pytest.fixture(scope="module")
def taught(mine, journey, tiny_base):
    """A tiny model that was taught rust, much too fast, so that what it learned can be seen."""
    carry = carrier(mine)
    values = {"base": str(tiny_base), "epochs": 1, "learning_rate": 0.1, "prior_weight": 0.0}
    return carry("dreambooth", dataset=journey.dataset, **values)


@pytest.fixture
def draw(mine, taught):
    """Return a function that draws two pictures and keeps both; returns the run and them."""

    def synthesize(**values):
        given = {"checkpoint": taught.id, "count": 2, "sampling_steps": 2, "verify": "no", **values}
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
        carry("synthesize", checkpoint=run.id, count=1, sampling_steps=1, verify="no")


def test_a_chain_and_a_noise_model_take_no_prompt(mine, journey):
    with pytest.raises(ConfigError, match="prompt: a chain takes none; it is for a checkpoint that draws"):
        build_config("synthesize", {"chain": "x", "dataset": "d", "prompt": "a leaf"})
    run = carrier(mine)("dcgan", dataset=journey.dataset, epochs=1, max_steps_per_epoch=1)
    config = build_config("synthesize", {"checkpoint": run.id, "prompt": "a leaf"})
    with pytest.raises(ConfigError, match="prompt: .* makes pictures from noise and reads none"):
        check(mine, config)


# --- over photographs -------------------------------------------------------------------------------------------------


@pytest.fixture
def sources(mine, journey):
    """Return a function that gives the sources and the masks of a run, (N, 32, 32, 3) uint8 and (N, 32, 32) bool."""

    def read(run):
        dataset, rows = load(mine, journey.dataset), pd.read_csv(run.folder / "manifest.csv", keep_default_na=False)
        pictures = np.stack([load_square(dataset.root / image, 32) for image in rows["source"]])
        files = mask_files(mine, dataset, list(rows["source"]), journey.runs["masks"].id)
        return rows, pictures, np.stack([load_mask(files[image], 32) for image in rows["source"]])

    return read


def test_only_the_leaf_is_drawn_anew_and_all_else_is_the_source_to_the_pixel(draw, sources, journey):
    run, drawn = draw(source="healthy", masks=journey.runs["masks"].id, strength=1.0)
    rows, pictures, leaves = sources(run)
    assert 0 < leaves.mean() < 1
    assert (drawn[~leaves] == pictures[~leaves]).all() and (drawn[leaves] != pictures[leaves]).mean() > 0.5
    assert set(rows["labels"]) == {"rust"} and set(rows["source_labels"]) == {"healthy"}
    assert set(rows["split"]) == {"train"} and set(rows["strength"]) == {1.0}
    assert set(rows["masks"]) == {journey.runs["masks"].id} and not rows["group"].str.startswith("synthetic").any()
    assert set(load_seen(run.folder)["source"]) == set(rows["source_sha256"])


def test_the_newest_masks_are_taken_and_all_means_the_whole_picture(draw, sources, journey):
    run, drawn = draw(source="healthy", strength=1.0)
    assert run.record.settings["masks"] == journey.runs["masks"].id
    run, whole = draw(source="healthy", strength=1.0, masks="all")
    _, pictures, leaves = sources(run)
    assert (whole[~leaves] != pictures[~leaves]).mean() > 0.5 and (drawn != whole).any()


def test_less_strength_leaves_more_of_the_source(taught, mine):
    sources = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    wish = Wish("", Sampling(steps=20, guidance=1.0))
    model = PromptModel([open_checkpoint(mine, taught.id)], wish, mine, torch.device("cpu"), Progress(mine.cache))
    latents: list[torch.Tensor] = []
    decode = model._model.decode
    model._model.decode = lambda given: latents.append(given) or decode(given)
    for strength in (0.05, 0.5, 1.0):
        model.redraw([3, 4], sources, None, strength)
    clean, _ = model._model.encode(to_signed(torch.tensor(sources).permute(0, 3, 1, 2)))
    little, half, all_of_it = (torch.cat(latents[start : start + 2]) for start in (0, 2, 4))
    distances = [float((one - clean).square().mean()) for one in (little, half, all_of_it)]
    assert distances[0] < 0.5 * min(distances[1:])


def test_a_picture_over_a_source_is_the_same_in_any_batch(draw):
    values = {"source": "healthy", "masks": "all", "strength": 0.5, "sampling_steps": 4}
    together, alone = draw(**values)[1], draw(**values, batch_size=1)[1]
    assert np.abs(together.astype(int) - alone).max() <= 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "healthy", "strength": 0.1, "sampling_steps": 5}, "strength: got 0.1 of 5 steps, expected .* 0.2"),
        ({"source": "mould"}, "source: got 'mould'|got 'mould', expected one of"),
        ({"source": "healthy", "masks": "nowhere"}, "nowhere"),
        ({"masks": "all"}, "masks: a checkpoint that makes pictures from noise takes none"),
        ({"chain": "x"}, "chain: a checkpoint that makes pictures from noise takes none"),
    ],
)
def test_what_cannot_be_drawn_over_is_refused_in_one_line(mine, taught, values, message):
    with pytest.raises(LeafError, match=message) as raised:
        check(mine, build_config("synthesize", {"checkpoint": taught.id, **values}))
    assert "\n" not in str(raised.value)


# --- several tokens ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scab(mine, journey, tiny_base):
    """Another model, which was taught scab by another token."""
    values = {"base": str(tiny_base), "epochs": 1, "learning_rate": 0.1, "prior_weight": 0.0, "labels": "scab"}
    words = {"token": "ohwx", "prompt": "a photo of ohwx leaf"}
    return carrier(mine)("dreambooth", dataset=journey.dataset, **values, **words)


def test_several_tokens_draw_a_leaf_with_all_their_labels(draw, scab):
    run, both = draw(also=(scab.id,))
    rows = pd.read_csv(run.folder / "manifest.csv", dtype=str, keep_default_na=False)
    assert set(rows["labels"]) == {"rust scab"} and set(rows["prompt"]) == {"a photo of sks ohwx leaf"}
    assert [step["run"] for step in json.loads(rows["chain"][0])][1] == scab.id
    alone = draw(prompt="a photo of sks ohwx leaf")[1]
    assert (both != alone).any(), "what the other model learned is added"
    assert set(load_seen(run.folder)["generator"]) > set(load_seen(scab.folder)["generator"])


def test_a_step_of_a_chain_draws_over_what_a_translator_made_inside_the_leaf(mine, taught, journey):
    plant_translator(mine, "to-scab", "healthy", "scab")
    values = {"dataset": journey.dataset, "source": "healthy", "count": 2, "strength": 1.0, "verify": "no"}
    run = carrier(mine)("synthesize", chain=f"to-scab,{taught.id}", **values)
    alone = carrier(mine)("synthesize", chain="to-scab", **values)
    rows = pd.read_csv(run.folder / "manifest.csv", dtype=str, keep_default_na=False)
    assert set(rows["labels"]) == {"rust scab"} and set(rows["prompt"]) == {"a photo of sks leaf"}
    assert [step["recipe"] for step in json.loads(rows["chain"][0])] == ["leafgan", "dreambooth"]
    both, first = (
        np.stack([load_square(path, 32) for path in open_synthetic_set(mine, one.id).paths()]) for one in (run, alone)
    )
    files = mask_files(mine, load(mine, journey.dataset), list(rows["source"]), journey.runs["masks"].id)
    leaves = np.stack([load_mask(files[image], 32) for image in rows["source"]])
    assert (
        np.abs(both[~leaves].astype(int) - first[~leaves]).max() <= 1 and (both[leaves] != first[leaves]).mean() > 0.5
    )


def test_models_that_cannot_be_added_are_refused(mine, taught):
    with pytest.raises(ConfigError, match="also: got the tokens sks, sks, expected another for each"):
        check(mine, build_config("synthesize", {"checkpoint": taught.id, "also": taught.id}))


def test_pictures_from_a_prompt_are_verified_unless_that_is_declined(draw):
    run, _ = draw(verify="auto", judge="none", leaf_model="none", copy_percentile=0)
    found = run.result()["verification"]
    assert (found["accepted"], found["rejected"]) == (2, 0)
    assert [check["name"] for check in found["checks"] if check["withheld"]] == ["label", "leaf", "copy"]
    assert draw()[0].result()["verification"] is None


def test_what_was_drawn_is_drawn_again_from_its_recipe(draw, mine, tmp_path):
    over = {"dataset": "leaves", "source": "healthy", "strength": 0.5}
    for values in ({"negative": "a dog", "lora_strength": 0.5}, over, {**over, "masks": "all"}):
        run, _ = draw(**values)
        path = open_synthetic_set(mine, run.id).paths()[1]
        found = reproduce(ReproduceConfig(picture=str(path), device="cpu"), mine, Watcher(tmp_path / "again"))
        assert found.largest <= 1, values  # one is drawn now, two were: see the batches above
