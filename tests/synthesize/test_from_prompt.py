import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from leafcore.answers import preview
from leafcore.base_models import accept, open_base
from leafcore.checkpoints import open_checkpoint
from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.data.mask_sets import mask_files
from leafcore.data.seen import load_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.drawing import PromptModel
from leafcore.errors import CheckpointError, ConfigError, DatasetError, LeafError
from leafcore.images import load_mask, load_square, to_signed
from leafcore.jobs import build_config
from leafcore.progress import Progress
from leafcore.prompt_answers import draw as draw_answer
from leafcore.questions import DrawQuestion, PreviewQuestion
from leafcore.synthesize.reproduce import reproduce
from leafcore.synthesize.reproduce_config import ReproduceConfig
from leafcore.wish import Wish
from tests.conftest import carrier
from tests.manifests import read_manifest
from tests.noise_models import plant_noise_model
from tests.stable_diffusion import write_stable_diffusion
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")


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


def test_another_base_than_it_was_taught_on_is_refused_and_the_same_one_may_lie_elsewhere(
    mine, journey, tiny_base, tmp_path
):
    base = write_stable_diffusion(tmp_path / "base", seed=7)
    carry = carrier(mine)
    run = carry("dreambooth", dataset=journey.dataset, base=str(base), epochs=1, epoch_steps=1, prior_weight=0.0)
    asked = {"checkpoint": run.id, "count": 1, "sampling_steps": 1, "verify": "no"}
    kept, config = shutil.copytree(base, tmp_path / "kept"), base / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    with pytest.raises(CheckpointError, match=f"checkpoint: {run.id}@1 was taught on another .* put that one back"):
        carry("synthesize", **asked)
    with pytest.raises(ConfigError, match=f"accept_license: {kept} was not used here before"):
        carry("synthesize", **asked, base=str(kept))
    accept(mine, open_base(mine, str(kept)))
    assert carry("synthesize", **asked, base=str(kept)).result()["count"] == 1
    shutil.rmtree(base)
    assert carry("synthesize", **asked).result()["count"] == 1, "the same one is found among those that were accepted"
    accept(mine, open_base(mine, str(tiny_base)))
    with pytest.raises(CheckpointError, match="was taught on another"):
        carry("synthesize", **asked, base=str(tiny_base))


def test_a_license_that_nobody_accepted_here_is_asked_for_before_a_run_is_queued(mine, taught):
    licenses = mine.licenses.read_bytes()
    mine.licenses.unlink()
    try:
        with pytest.raises(ConfigError, match="accept_license: .* by `leafcore bases --accept "):
            check(mine, build_config("synthesize", {"checkpoint": taught.id}))
    finally:
        mine.licenses.write_bytes(licenses)


@pytest.mark.parametrize(
    ("name", "value"), [("prompt", "a leaf"), ("negative", "a dog"), ("lora_strength", 0.2), ("strength", 0.5)]
)
def test_a_noise_model_refuses_what_is_for_prompts(mine, journey, name, value):
    plant_noise_model(mine, "noisy", journey.dataset)
    said = f"{name}: got {value!r}, but noisy makes pictures from noise, not from a prompt; leave it out"
    with pytest.raises(ConfigError, match=said):
        check(mine, build_config("synthesize", {"checkpoint": "noisy", name: value}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"truncation": 0.5}, "truncation: got 0.5, but .* draws from a prompt"),
        ({"strength": 0.5}, "strength: got 0.5, but nothing is drawn over without a source"),
    ],
)
def test_a_prompt_refuses_what_it_would_ignore(mine, taught, values, said):
    with pytest.raises(ConfigError, match=said):
        check(mine, build_config("synthesize", {"checkpoint": taught.id, **values}))


def test_a_model_without_lora_refuses_another_strength_of_it(mine, journey, tiny_base, taught):
    values = {"method": "full", "epochs": 1, "epoch_steps": 1, "prior_weight": 0.0, "base": str(tiny_base)}
    full = carrier(mine)("dreambooth", dataset=journey.dataset, **values)
    said = f"lora_strength: got 0.2, but {full.id}@1 changed all weights of its base and has no LoRA"
    with pytest.raises(ConfigError, match=said):
        check(mine, build_config("synthesize", {"checkpoint": full.id, "lora_strength": 0.2}))
    chain = {"dataset": journey.dataset, "source": "healthy", "count": 2, "lora_strength": 0.2}
    with pytest.raises(ConfigError, match=said):
        check(mine, build_config("synthesize", {**chain, "chain": full.id}))
    check(mine, build_config("synthesize", {**chain, "chain": f"{full.id},{taught.id}"}))


# --- over photographs -------------------------------------------------------------------------------------------------


@pytest.fixture
def sources(mine, journey):
    """Return a function that gives the sources and the masks of a run, (N, 32, 32, 3) uint8 and (N, 32, 32) bool."""

    def read(run):
        dataset, rows = load(mine, journey.dataset), read_manifest(run.folder)
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
    wish = Wish(sampling_steps=20, guidance=1.0)
    model = PromptModel([open_checkpoint(mine, taught.id)], wish, mine, torch.device("cpu"), Progress(mine.cache))
    latents: list[torch.Tensor] = []
    decode = model._model.decode
    model._model.decode = lambda given: latents.append(given) or decode(given)
    for strength in (0.05, 0.5, 1.0):
        model.wish(replace(wish, strength=strength))
        model.redraw([3, 4], sources, None)
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
        ({"sampling_steps": 1000}, "sampling_steps: got 1000, expected at most 500 of dpm-solver for what is drawn"),
        ({"sampling_steps": 201, "sampler": "ddim"}, "sampling_steps: got 201, expected at most 200 of ddim"),
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


def test_several_tokens_draw_a_leaf_with_all_their_labels(draw, scab):
    run, both = draw(also=(scab.id,))
    rows = pd.read_csv(run.folder / "manifest.csv", dtype=str, keep_default_na=False)
    assert set(rows["labels"]) == {"rust scab"} and set(rows["prompt"]) == {"a photo of sks ohwx leaf"}
    assert [step["run"] for step in json.loads(rows["chain"][0])][1] == scab.id
    alone = draw(prompt="a photo of sks ohwx leaf")[1]
    assert (both != alone).any(), "what the other model learned is added"
    assert set(load_seen(run.folder)["generator"]) > set(load_seen(scab.folder)["generator"])


@pytest.mark.parametrize("parts", [False, True])
def test_lora_is_added_to_the_parts_that_learned_and_nothing_is_said_of_others(
    mine, journey, tiny_base, tmp_path, caplog, parts
):
    values = {"base": str(tiny_base), "epochs": 1, "epoch_steps": 1, "learning_rate": 0.1, "prior_weight": 0.0}
    run = carrier(mine)("dreambooth", dataset=journey.dataset, train_text_encoder=parts, **values)
    caplog.clear()
    wish, checkpoint = Wish(sampling_steps=2), open_checkpoint(mine, run.id)
    model = PromptModel([checkpoint], wish, mine, torch.device("cpu"), Progress(mine.cache))
    assert not [record for record in caplog.records if record.name.startswith("diffusers")]
    for name, learned in (("unet", True), ("text_encoder", parts)):
        names = [key for key, _ in getattr(model._model, name).named_parameters()]
        assert any("lora" in key for key in names) == learned, name


def test_models_that_cannot_be_added_are_refused(mine, taught):
    with pytest.raises(ConfigError, match="also: got the tokens sks, sks, expected another for each"):
        check(mine, build_config("synthesize", {"checkpoint": taught.id, "also": taught.id}))


def test_pictures_from_a_prompt_are_verified_unless_that_is_declined(draw):
    run, _ = draw(verify="auto", judge="none", leaf_model="none", copy_percentile=0)
    found = run.result()["verification"]
    assert (found["accepted"], found["rejected"]) == (2, 0)
    assert [check["name"] for check in found["checks"] if check["withheld"]] == ["label", "leaf", "copy"]
    assert draw()[0].result()["verification"] is None


def test_what_is_drawn_over_a_training_picture_is_no_copy_of_it_and_is_held_against_it(draw, journey, monkeypatch):
    def shift(self, seeds, sources, leaves):
        return np.where(leaves[..., None], sources.astype(int) + 8, sources).clip(0, 255).astype(np.uint8)

    monkeypatch.setattr(PromptModel, "redraw", shift)
    judges = {"judge": "none", "leaf_model": "none", "copy_percentile": 1.0}
    run, _ = draw(source="rust", masks=journey.runs["masks"].id, verify="auto", batch_size=2, **judges)
    rows = read_manifest(run.folder)
    assert len(rows) == 2 and (rows["train_distance"] > 0).all(), "its source, which was learned from, is not looked at"
    assert rows["change"].between(2, 8 / 2.55 + 0.01).all() and (rows["background_change"] == 0).all()
    with pytest.raises(DatasetError, match="2 of 2 pictures rejected: change 2"):
        draw(source="rust", masks=journey.runs["masks"].id, verify="auto", min_change=4, **judges)


def test_what_was_drawn_is_drawn_again_from_its_recipe(draw, mine, tmp_path):
    over = {"dataset": "leaves", "source": "healthy", "strength": 0.5}
    for values in ({"negative": "a dog", "lora_strength": 0.5}, over, {**over, "masks": "all"}):
        run, _ = draw(**values)
        path = open_synthetic_set(mine, run.id).paths()[1]
        found = reproduce(ReproduceConfig(picture=str(path), device="cpu"), mine, Watcher(tmp_path / "again"))
        assert found.largest <= 1, values  # one is drawn now, two were: see the batches above


@pytest.mark.parametrize(("strength", "steps"), [(0.05, 10), (0.1, 5)])
def test_a_preview_in_no_step_at_all_is_refused_in_one_line(mine, taught, journey, strength, steps):
    images = tuple(load(mine, journey.dataset).select(split="train", labels="healthy")["image"][:1])
    hashes = (open_checkpoint(mine, taught.id).card.weights_sha256,)
    said = {"dataset": journey.dataset, "images": images, "masks": "all", "weights_sha256": hashes}
    said |= {"strength": strength, "sampling_steps": steps}
    message = f"strength: got {strength} of {steps} steps, expected at least one whole step: {1 / steps:.2g} or more"
    with pytest.raises(ConfigError, match=message):
        draw_answer(mine, DrawQuestion(checkpoints=(taught.id,), n=1, **said), torch.device("cpu"))
    with pytest.raises(ConfigError, match=message):
        preview(mine, PreviewQuestion(chain=(f"{taught.id}:all",), **{**said, "masks": ""}))


@pytest.mark.parametrize(("sampler", "most"), [("auto", 500), ("ddim", 200)])
def test_as_many_steps_as_are_allowed_draw_a_picture_and_one_more_is_refused(mine, taught, sampler, most):
    hashes = (open_checkpoint(mine, taught.id).card.weights_sha256,)

    def drawn(steps):
        said = {"sampler": sampler, "sampling_steps": steps, "weights_sha256": hashes}
        return draw_answer(mine, DrawQuestion(checkpoints=(taught.id,), n=1, **said), torch.device("cpu"))

    assert drawn(most)["pictures"].std() > 1
    with pytest.raises(ConfigError, match=f"sampling_steps: got {most + 1}, expected at most {most} of"):
        drawn(most + 1)
