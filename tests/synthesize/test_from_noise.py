import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from leafcore import embed
from leafcore.data.duplicates import perceptual_hash
from leafcore.data.leaks import check as check_leaks
from leafcore.data.manifest import load
from leafcore.data.recipes import read_recipe
from leafcore.data.seen import load_seen
from leafcore.data.synthetic_sets import Provenance, open_synthetic_set
from leafcore.denoising import Denoising
from leafcore.errors import ConfigError, DatasetError, LeafError, Stopped
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.children import seen_by
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.images import open_rgb
from leafcore.jobs import build_config, execute, submit
from leafcore.latent import NoiseModel
from leafcore.measure.interpretation import Rate
from leafcore.measure.witness import Witness
from leafcore.plan import seconds_per_pixel
from leafcore.quiz import start_quiz
from leafcore.synthesize import from_noise
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.synthesize import synthesize
from tests.manifests import read_manifest
from tests.noise_models import CLASSES, plant_diffusion_model, plant_noise_model
from tests.watcher import Watcher


@pytest.fixture
def dataset(own, journey):
    return load(own, journey.dataset)


@pytest.fixture
def three(own, dataset):
    """A class-conditional model."""
    seen = dataset.select(split="train")["sha256"].tolist()
    return plant_noise_model(own, "three", dataset.ref, CLASSES, seen=seen)


@pytest.fixture
def free(own, dataset):
    """An unconditional model that learned from test pictures as well."""
    return plant_noise_model(own, "free", dataset.ref, seen=dataset.records["sha256"].tolist())


def config(**values):
    return SynthesizeConfig.build(
        {"checkpoint": "three", "count": 7, "batch_size": 3, "judge": "none", "device": "cpu", **values}
    )


def rows_in(folder):
    return [{**row, "chain": json.loads(row["chain"])} for row in read_manifest(folder).to_dict("records")]


def pixels(folder, row):
    with Image.open(folder / "images" / row["file"]) as picture:
        return np.asarray(picture).astype(int)


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_every_class_has_its_turn_and_a_group_of_its_own(own, three, dataset, tmp_path):
    folder = tmp_path / "run"
    result = synthesize(config(), own, Watcher(folder))
    rows = rows_in(folder)
    assert [row["labels"] for row in rows] == ["healthy", "rust", "scab", "healthy", "rust", "scab", "healthy"]
    assert (result.count, result.labels, result.made) == (7, "", {"healthy": 3, "rust": 2, "scab": 2})
    assert [row["group"] for row in rows] == [f"synthetic-run-{number}" for number in range(7)]
    for row in rows:
        assert (row["source"], row["source_sha256"], row["source_labels"], row["split"]) == ("", "", "", "train")


def test_a_picture_is_that_of_its_seed_with_its_recipe_inside(own, three, tmp_path):
    folder = tmp_path / "run"
    result = synthesize(config(label="rust", seed=5, truncation=0.7), own, Watcher(folder))
    wanted = NoiseModel(three, torch.device("cpu")).sample(5, range(7), "rust", 0.7).astype(int)
    rows = rows_in(folder)
    assert (
        result.labels == "rust"
        and result.size_px == 16
        and set(rows[0]) == {*Provenance.model_fields, "sha256", "phash"}
    )
    for index, row in enumerate(rows):
        path = folder / "images" / row["file"]
        assert np.abs(pixels(folder, row) - wanted[index]).max() <= 1
        assert row.pop("sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
        assert row.pop("phash") == perceptual_hash(open_rgb(path))
        assert read_recipe(path) == row
        assert row["truncation"] == 0.7 and row["chain"][0]["weights_sha256"] == three.card.weights_sha256


def test_a_stopped_run_goes_on_where_it_was(own, three, tmp_path):
    with pytest.raises(Stopped):
        synthesize(config(), own, Watcher(tmp_path / "run", stop_after=3))
    assert 0 < len(rows_in(tmp_path / "run")) < 7
    synthesize(config(), own, Watcher(tmp_path / "run"))
    synthesize(config(batch_size=7), own, Watcher(tmp_path / "other" / "run"))
    ours, theirs = ({row["file"]: row for row in rows_in(tmp_path / part)} for part in ("run", "other/run"))
    assert ours.keys() == theirs.keys() and len(ours) == 7
    for file, row in ours.items():
        assert np.abs(pixels(tmp_path / "run", row) - pixels(tmp_path / "other" / "run", theirs[file])).max() <= 1


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label": "mould"}, "label: got 'mould', expected one of the label sets of three: healthy, rust, scab"),
        ({"checkpoint": "free", "label": "rust"}, "label: got 'rust', but free is unconditional"),
        ({"checkpoint": "to-rust"}, "to-rust is a leafgan model and makes nothing from noise"),
        ({"judge": "to-rust"}, "judge: to-rust is a leafgan model, expected a classifier"),
        ({"chain": "to-rust"}, "chain: a checkpoint that makes pictures from noise takes none"),
        ({"source": "healthy"}, "source: three makes pictures from noise and draws over none"),
        ({"truncation": -1}, "truncation: got -1, expected greater than or equal to 0"),
        ({"checkpoint": "", "chain": "to-rust", "dataset": "leaves", "label": "rust"}, "label: a chain takes none"),
        ({"checkpoint": "", "dataset": "leaves"}, "chain: missing. .* Or name a checkpoint that makes pictures from"),
        ({"checkpoint": "", "chain": "to-rust"}, "dataset: missing. "),
    ],
)
def test_settings_that_do_not_fit_are_one_line(own, three, free, values, message):
    with pytest.raises(LeafError, match=message) as raised:
        submit(own, "synthesize", build_config("synthesize", {"checkpoint": "three", **values}))
    assert "\n" not in str(raised.value)


def test_a_run_is_pinned_to_the_weights_the_dataset_and_the_judge(own, three, dataset):
    run = submit(own, "synthesize", config(judge="auto"))
    settings = run.record.settings
    assert settings["checkpoint"] == three.ref and settings["dataset"] == dataset.ref
    assert (settings["judge"], settings["source"], settings["masks"]) == ("none", "", "")
    assert run.record.title == "7 synthetic pictures by three"


# --- interpretation ---------------------------------------------------------------------------------------------------


def test_the_judge_names_every_picture_of_the_set(own, free, tmp_path, monkeypatch):
    sure = Rate.of(90, 100)
    witness = Witness(None, "judge", sure, "", {"rust": 50, "scab": 50})
    monkeypatch.setattr(Witness, "name_all", lambda self, pictures: ["rust"] * len(pictures))
    monkeypatch.setattr(from_noise, "open_witness", lambda *given: witness)
    watcher = Watcher(tmp_path / "run")
    result = synthesize(config(checkpoint="free"), own, watcher)
    again = synthesize(config(checkpoint="free"), own, Watcher(tmp_path / "run"))
    assert result.interpretation.counts == {"rust": 7} == again.interpretation.counts, "a resumed run names all, too"
    assert any(text.startswith("One class dominates: 100% of 7") for text in watcher.warnings)


def test_without_a_judge_nothing_is_said_of_the_pictures(own, three, tmp_path):
    result = synthesize(config(), own, Watcher(tmp_path / "run"))
    assert result.interpretation.counts == {} and "there is no judge" in result.interpretation.withheld


# --- what comes after -------------------------------------------------------------------------------------------------


@pytest.fixture
def made(own, three, free):
    """A set of one label, one of three, and one without labels."""

    def carry(**values):
        run = submit(own, "synthesize", config(**values))
        execute(own, run, lane="cpu", owner="cli")
        return run

    return {"rust": carry(label="rust"), "all": carry(), "none": carry(checkpoint="free")}


def test_a_set_without_sources_goes_everywhere(own, made, dataset, journey):
    for run in (made["rust"], made["all"]):
        pictures = open_synthetic_set(own, run.id)
        assert not pictures.has_sources
        assert check_leaks(dataset, seen_by(pictures)).is_clean, "the generator saw the train split only"
        arms = EvaluateConfig(dataset=dataset.ref, synthetic=(run.id,), size_px=32, pretrained=False)
        material = load_material(arms, own, Watcher(run.folder))
        assert material.synthetic == 7 and len(material.train["real_plus_synthetic"].targets) == 7 + len(
            dataset.select(split="train")
        )
        assert start_quiz(own, run.id, 4, seed=0).labels == pictures.manifest["labels"].iloc[0]
    assert open_synthetic_set(own, journey.runs["synthesize"].id).has_sources
    drawn = embed._pictures(own, dataset, (made["all"].id, made["none"].id))
    assert (drawn["source"] != embed.REAL).sum() == 14 and drawn["group"].nunique() >= 14
    zipped = submit(own, "export", build_config("export", {"run": made["all"].id}))
    assert execute(own, zipped, lane="files", owner="cli")["images"] == 7
    assert seconds_per_pixel(own) is not None, "how long a translation takes is not asked of a noise model"


def test_a_quiz_shows_one_label_of_several(own, made):
    quiz = start_quiz(own, made["all"].id, 100, seed=0)
    rows = {row["file"]: row["labels"] for row in rows_in(made["all"].folder)}
    assert {rows[item.name] for item in quiz.items if item.kind == "fake"} == {"healthy"} == {quiz.labels}


def test_pictures_without_labels_can_be_judged_by_people_but_teach_no_classifier(own, made, dataset):
    assert start_quiz(own, made["none"].id, 6, seed=0).labels == ""
    arms = EvaluateConfig(dataset=dataset.ref, synthetic=(made["none"].id,), size_px=32, pretrained=False)
    with pytest.raises(DatasetError, match=f"synthetic: {made['none'].id} holds pictures without labels"):
        load_material(arms, own, Watcher(made["none"].folder))


def test_a_generator_that_saw_test_pictures_is_found_out(own, made, dataset):
    leaks = check_leaks(dataset, seen_by(open_synthetic_set(own, made["none"].id)))
    assert not leaks.is_clean and "the generator has seen" in leaks.explain()
    assert set(load_seen(made["none"].folder)) == {"generator"}


def test_a_chain_needs_its_settings_as_before():
    with pytest.raises(ConfigError, match="source: missing"):
        build_config("synthesize", {"chain": "to-rust", "dataset": "leaves", "source": ""})


# --- diffusion models -------------------------------------------------------------------------------------------------


def test_a_diffusion_models_picture_tells_how_noise_was_taken_away(own, dataset, tmp_path):
    planted = plant_diffusion_model(own, "guided", dataset.ref, CLASSES)
    how = {"guidance": 3, "sampler": "ddim", "sampling_steps": 5}
    synthesize(config(checkpoint="guided", count=4, label="rust", seed=5, **how), own, Watcher(tmp_path / "run"))
    wanted = NoiseModel(planted, torch.device("cpu"), Denoising(**how)).sample(5, range(4), "rust").astype(int)
    for row, expected in zip(rows_in(tmp_path / "run"), wanted, strict=True):
        assert {name: row[name] for name in how} == how and row["chain"][0]["recipe"] == "diffusion"
        assert np.abs(pixels(tmp_path / "run", row) - expected).max() <= 1, "made in another batch"
        recipe = read_recipe(tmp_path / "run" / "images" / row["file"])
        assert recipe is not None and {name: recipe[name] for name in how} == how


def test_what_is_left_to_a_diffusion_model_is_written_down_all_the_same(own, dataset, tmp_path):
    plant_diffusion_model(own, "free", dataset.ref)
    synthesize(config(checkpoint="free", count=1), own, Watcher(tmp_path / "run"))
    (row,) = rows_in(tmp_path / "run")
    assert (row["guidance"], row["sampler"], row["sampling_steps"]) == (0, "dpm-solver", 20)


def test_guidance_without_classes_is_refused_before_it_is_queued(own, dataset):
    plant_diffusion_model(own, "free", dataset.ref)
    with pytest.raises(ConfigError, match="guidance: got 3, but free has no classes"):
        submit(own, "synthesize", build_config("synthesize", {"checkpoint": "free", "guidance": 3}))
    with pytest.raises(ConfigError, match="sampler: got 'ddim', but no step of the chain draws from a prompt"):
        submit(
            own, "synthesize", build_config("synthesize", {"chain": "to-rust", "dataset": "leaves", "sampler": "ddim"})
        )
