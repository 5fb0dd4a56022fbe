"""A plan of several parts as one run: one set, one manifest, resumable; and what else a chain may be asked."""

import json

import numpy as np
import pytest
import torch

from leafcore.chain_presets import ChainPreset, save_preset
from leafcore.chains import open_chain
from leafcore.checks import check
from leafcore.data.ledger import Ledger
from leafcore.data.manifest import load
from leafcore.errors import ConfigError, NotFoundError, Stopped
from leafcore.generate import Chain
from leafcore.images import load_square, to_signed, to_uint8
from leafcore.plan import make_plan
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.sources import choose_sources
from leafcore.synthesize.synthesize import PartProgress, synthesize
from tests.manifests import read_manifest
from tests.noise_models import plant_noise_model
from tests.watcher import Watcher

PARTS = (
    {"source": "healthy", "chain": ("to-rust",), "count": 4},
    {"source": "healthy", "chain": ("to-rust", "to-scab"), "count": 3},
    {"source": "rust", "chain": ("to-scab",), "count": 2},
)


def build(own, **values):
    return SynthesizeConfig.build(
        {"dataset": "leaves", "plan": PARTS, "batch_size": 2, "device": "cpu", "verify": "no", **values}
    )


@pytest.fixture
def planned(own):
    """The settings of a plan of three parts."""
    return build(own, dataset=own_dataset(own))


def own_dataset(own):
    (name,) = {path.name for path in own.datasets.iterdir()}
    return load(own, name).ref


def pictures(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}


# --- a plan -----------------------------------------------------------------------------------------------------------


def test_all_parts_go_into_one_set_with_one_manifest(own, planned, tmp_path):
    watcher = Watcher(tmp_path / "run")
    result = synthesize(planned, own, watcher)
    rows = read_manifest(watcher.folder)
    assert result.made == {"rust": 4, "rust scab": 5} and (result.count, result.labels, watcher.done) == (9, "", 9)
    assert [part.made for part in result.parts] == [{"rust": 4}, {"rust scab": 3}, {"rust scab": 2}]
    assert list(rows["file"]) == list(pictures(watcher.folder))
    assert list(rows["labels"]) == ["rust"] * 4 + ["rust scab"] * 5
    assert set(rows["config_hash"]) == {planned.digest()}
    assert [[step["checkpoint"] for step in json.loads(chain)] for chain in rows["chain"][3:6]] == [
        ["to-rust"], ["to-rust", "to-scab"], ["to-rust", "to-scab"],
    ]  # fmt: skip


def test_parts_with_the_same_sources_draw_others(own, planned, tmp_path):
    synthesize(planned, own, Watcher(tmp_path / "run"))
    rows = read_manifest(tmp_path / "run")
    assert rows["source"][:7].is_unique, "seven healthy leaves for two parts"


def test_sources_come_again_only_when_all_were_drawn(own):
    dataset = load(own, own_dataset(own))
    there = len(dataset.select(split="train", labels="rust"))
    first = list(choose_sources(dataset, "rust", there - 1, 0)["image"])
    second = list(choose_sources(dataset, "rust", 3, 0, drawn=there - 1)["image"])
    assert second[0] not in first and second[1:] == first[:2]


def test_a_stopped_plan_keeps_what_exists_and_a_resume_makes_the_rest(own, planned, tmp_path):
    with pytest.raises(Stopped):
        synthesize(planned, own, Watcher(tmp_path / "a" / "run", stop_after=6))
    made = pictures(tmp_path / "a" / "run")
    assert len(made) == 6 == len(read_manifest(tmp_path / "a" / "run"))
    synthesize(planned, own, Watcher(tmp_path / "a" / "run"))
    synthesize(planned, own, Watcher(tmp_path / "b" / "run"))
    assert pictures(tmp_path / "a" / "run") == pictures(tmp_path / "b" / "run")
    assert pictures(tmp_path / "a" / "run").items() > made.items()


def test_what_a_part_counts_before_its_pictures_is_not_added_to_those(tmp_path):
    whole = Watcher(tmp_path)
    part = PartProgress(whole, "2 of 2", before=4, total=9)
    part.phase("looking at real pictures")
    part.report(3, 3)
    assert whole.done == 3 and whole.phases == ["2 of 2: looking at real pictures"]
    part.phase("translating")
    part.report(2, 5)
    assert whole.done == 6


def test_a_part_may_come_from_noise(own, tmp_path):
    plant_noise_model(own, "three", dataset=own_dataset(own), labels="rust")
    parts = [PARTS[0], {"checkpoint": "three", "count": 3}]
    config = build(own, dataset=own_dataset(own), plan=parts, judge="none")
    result = synthesize(config, own, Watcher(tmp_path / "run"))
    rows = read_manifest(tmp_path / "run")
    assert result.count == 7 and list(rows["source"] != "") == [True] * 4 + [False] * 3
    assert [file[:6] for file in rows["file"]] == [f"{number:06d}" for number in range(7)]


def test_a_part_that_verification_rejects_ends_no_plan(own, planned, tmp_path):
    parts = [PARTS[0], {**PARTS[1], "chain": ("to-rust:0", "to-scab:0")}]
    config = build(own, dataset=planned.dataset, plan=parts, verify="auto", judge="none")
    result = synthesize(config, own, Watcher(tmp_path / "run"))
    assert [part.count for part in result.parts] == [result.count, 0] and result.count > 0
    assert set(result.made) == {"rust"} and result.parts[1].verification.rejected == 3


def test_submitting_pins_the_weights_masks_and_judges_of_each_part(own, planned):
    pinned, uses = check(own, build(own, dataset=planned.dataset, verify="auto"))
    refs = {step.ref for step in open_chain(own, ["to-rust", "to-scab"])}
    assert {step for part in pinned.plan for step in part.chain} == refs
    assert all(part.judge for part in pinned.plan) and pinned.judge == "auto"
    assert {part.masks for part in pinned.plan} <= {"", *uses}
    assert SynthesizeConfig.build(pinned.model_dump(mode="json")) == pinned


def test_a_plan_is_read_from_json_and_from_a_balance_plan(own, planned):
    as_text = build(own, dataset=planned.dataset, plan=json.dumps(PARTS))
    assert as_text.digest() == planned.digest()
    translators = [step.checkpoint for step in open_chain(own, ["to-rust", "to-scab"])]
    plan = make_plan({"healthy": 14, "rust": 8, "scab": 9}, translators, {"rust": 10, "scab": 9})
    found = build(own, dataset=planned.dataset, plan=plan.model_dump_json())
    assert [(part.source, part.chain, part.count) for part in found.plan] == [("healthy", ("to-rust",), 2)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"plan": "healthy"}, "plan: no JSON"),
        ({"plan": [3]}, "plan: part 1 is 3"),
        ({"plan": [{"source": "healthy", "count": 2}]}, "plan: part 1: chain: missing"),
        ({"plan": [{**PARTS[0], "count": 0}]}, "plan: part 1: count: got 0"),
        ({"count": 3}, "count: got 3, but the plan makes 9"),
        ({"chain": "to-rust"}, "chain: each part of a plan says its own"),
        ({"dataset": ""}, "dataset: missing"),
        ({"plan": '{"rows": [{"labels": "rust", "count": 0, "way": null}]}'}, "plan: no generator makes rust"),
        ({"label_rule": "last"}, "label_rule: got 'last', which only one chain takes"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_one_line(own, values, said):
    with pytest.raises(ConfigError) as raised:
        build(own, **values)
    assert str(raised.value).startswith(said) and "\n" not in str(raised.value)


# --- labels, chains by name, steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({}, "rust scab"),
        ({"label_rule": "last"}, "scab"),
        ({"label_rule": "custom", "custom_label": "rot, scab"}, "rot scab"),
    ],
)
def test_the_label_rule_decides_what_a_picture_shows(own, config, tmp_path, values, labels):
    asked = SynthesizeConfig.build(
        {**config.model_dump(), "chain": "to-rust,to-scab", "count": 2, "verify": "no"} | values
    )
    assert synthesize(asked, own, Watcher(tmp_path / "run")).made == {labels: 2}
    assert set(read_manifest(tmp_path / "run")["labels"]) == {labels}


@pytest.mark.parametrize("values", [{"label_rule": "custom"}, {"custom_label": "rust"}])
def test_a_custom_label_and_its_rule_go_together(config, values):
    with pytest.raises(ConfigError, match="custom_label: got "):
        SynthesizeConfig.build({**config.model_dump(), **values})


def test_a_chain_that_was_saved_is_the_chain_that_is_run(own, config):
    save_preset(own, "both", ChainPreset(chain=("to-rust:0.5", "to-scab"), label_rule="last"))
    asked = SynthesizeConfig.build({**config.model_dump(exclude={"chain"}), "chain_preset": "both"})
    named = SynthesizeConfig.build({**config.model_dump(), "chain": "to-rust:0.5,to-scab", "label_rule": "last"})
    assert check(own, asked) == check(own, named)
    with pytest.raises(NotFoundError, match="chain_preset: there is no 'none'; saved: both"):
        check(own, asked.model_copy(update={"chain_preset": "none"}))


def test_what_a_step_made_is_kept_beside_the_picture_and_is_no_picture_of_the_set(own, config, tmp_path):
    asked = SynthesizeConfig.build({**config.model_dump(), "chain": "to-rust,to-scab", "count": 3, "keep_steps": True})
    result = synthesize(asked, own, Watcher(tmp_path / "run"))
    rows, folder = read_manifest(tmp_path / "run"), tmp_path / "run"
    dataset, chain = load(own, asked.dataset), Chain(open_chain(own, asked.chain), torch.device("cpu"))
    assert result.count == 3 == len(pictures(folder))
    for row in rows.to_dict("records"):
        first, last = json.loads(row["chain"])
        pixels = torch.tensor(load_square(dataset.root / row["source"], 32)).permute(2, 0, 1)[None]
        wanted = to_uint8(chain(to_signed(pixels))[0])[0].astype(int)
        assert np.abs(load_square(folder / "steps" / first["file"], 32).astype(int) - wanted).max() <= 1
        assert last["file"] == ""
    (folder / "steps" / "stray.png").touch()
    assert len(Ledger(folder).rows) == 3 and len(list((folder / "steps").iterdir())) == 3
