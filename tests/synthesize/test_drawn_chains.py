"""Chains with a step that draws from a prompt: where it changes a picture, and what is said and asked of the result."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from leafcore import drawing
from leafcore.answers import preview
from leafcore.chain_steps import How, Step
from leafcore.checkpoints import open_checkpoint
from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.data.mask_sets import CARD, mask_files
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import ConfigError, DatasetError
from leafcore.files import read_json, write_json
from leafcore.generate import Chain
from leafcore.images import load_mask, load_square
from leafcore.jobs import build_config, submit
from leafcore.questions import PreviewQuestion
from leafcore.synthesize.reproduce import reproduce
from leafcore.synthesize.reproduce_config import ReproduceConfig
from leafcore.synthesize.sources import choose_sources
from leafcore.synthesize.synthesize import synthesize
from leafcore.wish import USUAL, Wish
from tests.conftest import carrier
from tests.planted import plant_translator
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")


def rows_of(folder):
    table = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
    return table.assign(chain=table["chain"].map(json.loads))


@pytest.fixture
def asked(journey):
    """Return the settings of two pictures from healthy leaves, nothing verified."""

    def settings(**values):
        given = {"dataset": journey.dataset, "source": "healthy", "count": 2, "verify": "no", "device": "cpu"}
        return build_config("synthesize", {**given, **values})

    return settings


@pytest.fixture
def unmasked(mine, journey):
    """A healthy source, the first that seed 0 draws, that lost its mask."""
    first = str(choose_sources(load(mine, journey.dataset), "healthy", 2, 0)["image"].iloc[0])
    card = mine.run(journey.runs["masks"].id) / CARD
    before = read_json(card)
    write_json(card, {**before, "skipped": {first: "damaged"}})
    yield first
    write_json(card, before)


# --- where ------------------------------------------------------------------------------------------------------------


def test_a_step_of_a_chain_draws_over_what_a_translator_made_inside_the_leaf(mine, taught, journey):
    plant_translator(mine, "to-scab", "healthy", "scab")
    values = {"dataset": journey.dataset, "source": "healthy", "count": 2, "verify": "no"}
    run = carrier(mine)("synthesize", chain=f"to-scab,{taught.id}", strength=1.0, **values)
    alone = carrier(mine)("synthesize", chain="to-scab", **values)
    rows = pd.read_csv(run.folder / "manifest.csv", dtype=str, keep_default_na=False)
    assert set(rows["labels"]) == {"rust scab"} and set(rows["prompt"]) == {"a photo of sks leaf"}
    assert [step["recipe"] for step in json.loads(rows["chain"][0])] == ["leafgan", "dreambooth"]
    both, first = (
        np.stack([load_square(path, 32) for path in open_synthetic_set(mine, one.id).paths()]) for one in (run, alone)
    )
    files = mask_files(mine, load(mine, journey.dataset), list(rows["source"]), journey.runs["masks"].id)
    leaves = np.stack([load_mask(files[image], 32) for image in rows["source"]])
    assert (both[~leaves] == first[~leaves]).all() and (both[leaves] != first[leaves]).mean() > 0.5


@pytest.mark.parametrize("size_px", [64, 16])
def test_at_another_size_than_it_was_taught_a_step_still_changes_the_leaf_only(mine, taught, size_px):
    pictures = torch.rand(1, 3, size_px, size_px, generator=torch.Generator().manual_seed(0)) * 2 - 1
    leaf = torch.zeros(1, 1, size_px, size_px)
    leaf[..., size_px // 8 : size_px // 2] = 1  # whose edges lie between the pixels that the model sees
    step = Step(open_checkpoint(mine, taught.id))
    (made,) = Chain([step], torch.device("cpu"), mine, size_px=size_px)(pictures, leaf)
    change = (made - pictures).abs().amax(1, keepdim=True)
    assert change[leaf == 0].max() == 0 and change[leaf == 1].mean() > 0.05


@pytest.mark.parametrize("way", ["chain", "checkpoint"])
def test_a_leaf_that_is_not_known_is_refused_when_it_is_asked_for(mine, taught, asked, unmasked, way):
    otherwise = "masks all" if way == "checkpoint" else f"{taught.id}@1:all"
    said = f"masks: 1 of 2 sources have no mask, first: {unmasked}; .* or say {otherwise}, and the whole picture"
    with pytest.raises(DatasetError, match=said) as raised:
        check(mine, asked(**{way: taught.id}))
    assert "\n" not in str(raised.value)


def test_all_over_is_drawn_without_masks_and_its_rows_say_so(mine, taught, asked, unmasked, tmp_path):
    config, _ = check(mine, asked(chain=f"{taught.id}:all"))
    synthesize(config, mine, Watcher(tmp_path / "run"))
    rows = rows_of(tmp_path / "run")
    assert set(rows["masks"]) == {"none"} and {step["where"] for chain in rows["chain"] for step in chain} == {"all"}


def test_a_row_tells_that_its_source_had_no_mask(mine, journey, asked, unmasked, tmp_path):
    plant_translator(mine, "leaf-to-rust", seed=5, blend=True)
    config, _ = check(mine, asked(chain="leaf-to-rust"))
    synthesize(config, mine, Watcher(tmp_path / "run"))
    for row in rows_of(tmp_path / "run").to_dict("records"):
        has_none = row["source"] == unmasked
        assert row["masks"] == ("none" if has_none else journey.runs["masks"].id)
        assert row["chain"][0]["where"] == ("all" if has_none else "leaf")


# --- verified as what is drawn from a prompt --------------------------------------------------------------------------


def test_a_chain_that_draws_is_asked_everything_unless_that_is_declined(mine, taught, asked, tmp_path):
    judges = {"judge": "none", "leaf_model": "none", "copy_percentile": 0, "min_contrast": 0, "masks": ""}
    config, _ = check(mine, asked(chain=taught.id, verify="auto", **judges))
    watcher = Watcher(tmp_path / "run")
    found = synthesize(config, mine, watcher).verification
    assert {one.name: bool(one.withheld) for one in found.checks} == {
        "label": True, "leaf": True, "copy": True, "change": False, "background": False, "collapse": False,
    }  # fmt: skip
    assert sum("Pictures are not verified by" in warning for warning in watcher.warnings) == 3


def test_copies_of_what_the_token_was_taught_are_looked_for(mine, taught, asked, journey, tmp_path, monkeypatch):
    dataset = load(mine, journey.dataset)
    learned = dataset.select(split="train", labels="rust")
    copy = torch.tensor(load_square(dataset.paths(learned)[0], 32)).permute(2, 0, 1) / 127.5 - 1
    monkeypatch.setattr(Chain, "__call__", lambda self, images, masks=None, seeds=None: [copy.expand_as(images)])
    config = asked(chain=f"{taught.id}:all", verify="auto", judge="none", leaf_model="none")
    with pytest.raises(DatasetError, match="nothing was accepted: 2 of 2 pictures rejected: copy 2"):
        synthesize(config, mine, Watcher(tmp_path / "run"))


def test_the_leaf_model_of_a_chain_that_draws_is_chosen_when_it_is_queued(mine, taught, asked, journey):
    plant_translator(mine, "to-scab", "healthy", "scab")
    other = {**taught.record.settings, "token": "zwx", "prompt": "a zwx leaf"}
    waiting = submit(
        mine,
        "dreambooth",
        build_config("dreambooth", other),
    )
    for name, is_chosen in ((taught.id, True), (waiting.id, True), ("to-scab", False)):
        config, _ = check(mine, asked(chain=("to-scab", name), verify="auto"))
        assert config.leaf_model.startswith("sample-lflseg#") == is_chosen, name


# --- what is drawn, and how -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": "a photo of a leaf"}, {"negative": "leaf"}, {"guidance": 1.0}, {"sampling_steps": 9},
        {"sampler": "ddim"}, {"strength": 1.0}, {"lora_strength": 0.0},
    ],
)  # fmt: skip
def test_every_setting_changes_what_a_step_draws_and_the_preview_is_the_run(mine, taught, asked, tmp_path, values):
    """And the picture can be made again from its row."""
    config, _ = check(mine, asked(chain=taught.id, sampling_steps=4, seed=3).model_copy(update=values))
    synthesize(config, mine, Watcher(tmp_path / "run"))
    (row, *_), said = rows_of(tmp_path / "run").to_dict("records"), next(iter(values))
    assert row[said] == str(values[said]) and row["prompt"] == values.get("prompt", "a photo of sks leaf")
    made = load_square(tmp_path / "run" / "images" / row["file"], 32).astype(int)
    shared = {name: getattr(config, name) for name in PreviewQuestion.model_fields if hasattr(config, name)}
    hashes = (open_checkpoint(mine, taught.id).card.weights_sha256,)
    question = PreviewQuestion(**shared, weights_sha256=hashes, images=(row["source"],))
    assert np.abs(preview(mine, question)["steps"][-1][0] - made).max() <= 1
    usual = question.model_copy(update={said: 4 if said == "sampling_steps" else USUAL[said]})
    assert np.abs(preview(mine, usual)["steps"][-1][0] - made).max() > 1
    picture = str(tmp_path / "run" / "images" / row["file"])
    again = reproduce(ReproduceConfig(picture=picture, device="cpu"), mine, Watcher(tmp_path / "again"))
    assert again.largest <= 1


def test_a_chain_in_which_nothing_draws_refuses_to_be_told_how(mine, asked):
    plant_translator(mine, "to-scab", "healthy", "scab")
    for name, value in (("prompt", "a leaf"), ("guidance", 3.0), ("strength", 0.5), ("lora_strength", 0.5)):
        with pytest.raises(ConfigError, match=f"{name}: got .* but no step of the chain draws from a prompt"):
            check(mine, asked(chain="to-scab", **{name: value}))


def test_each_of_several_steps_draws_what_it_was_taught(mine, taught, scab, asked):
    said = f"prompt: got 'a leaf', but 2 steps draw .{taught.id}@1, {scab.id}@1., each what it was taught"
    with pytest.raises(ConfigError, match=said):
        check(mine, asked(chain=(taught.id, scab.id), prompt="a leaf"))
    with pytest.raises(ConfigError, match="strength: got 0.1 of 5 steps"):
        check(mine, asked(chain=(taught.id, scab.id), strength=0.1, sampling_steps=5))


def test_two_tokens_of_one_base_load_it_once_and_draw_as_if_each_had_its_own(mine, taught, scab, monkeypatch):
    first, second = (Step(open_checkpoint(mine, run.id), How(where="all")) for run in (taught, scab))
    pictures, cpu = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1, torch.device("cpu")
    wish = Wish(sampling_steps=4, strength=1.0)
    loaded: list[str] = []
    load = drawing.load_stable_diffusion
    monkeypatch.setattr(drawing, "load_stable_diffusion", lambda *given: loaded.append("base") or load(*given))
    chain = Chain([first, second, first], cpu, mine, wish)
    assert len(loaded) == 1
    made = pictures
    for step, together in zip((first, second, first), chain(pictures), strict=True):
        (made,) = Chain([step], cpu, mine, wish)(made)
        assert torch.equal(together, made)
    assert len(loaded) == 4, "by itself, each has its own"


def test_each_part_of_a_plan_says_what_is_drawn_and_how(mine, taught, journey, tmp_path):
    drawn = {"source": "healthy", "chain": [f"{taught.id}:all"], "count": 1, "prompt": "a leaf", "lora_strength": 0.0}
    over = {"source": "healthy", "checkpoint": taught.id, "masks": "all", "count": 1, "strength": 1.0}
    plan = {"dataset": journey.dataset, "verify": "no", "device": "cpu", "sampling_steps": 3}
    config, _ = check(mine, build_config("synthesize", {**plan, "plan": [drawn, {**over, "negative": "a dog"}]}))
    synthesize(config, mine, Watcher(tmp_path / "run"))
    told = ["prompt", "negative", "lora_strength", "strength", "sampling_steps"]
    assert rows_of(tmp_path / "run")[told].to_numpy().tolist() == [
        ["a leaf", "", "0.0", "0.6", "3"],
        ["a photo of sks leaf", "a dog", "1.0", "1.0", "3"],
    ]
    plant_translator(mine, "to-scab", "healthy", "scab")
    parts = [drawn, {"source": "healthy", "chain": ["to-scab"], "count": 1}]
    with pytest.raises(ConfigError, match="plan: part 2: sampling_steps: got 3, but no step of the chain draws"):
        check(mine, build_config("synthesize", {**plan, "plan": parts}))
