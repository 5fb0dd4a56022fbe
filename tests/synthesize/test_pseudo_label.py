"""A teacher's labels: who may give them, which are accepted, and what is written down of it."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.cli import main
from leafcore.data.leaks import check as check_leaks
from leafcore.data.manifest import load
from leafcore.data.recipes import read_recipe
from leafcore.data.seen import save_seen
from leafcore.data.synthetic_sets import open_synthetic_set, synthetic_runs
from leafcore.errors import CheckpointError, DatasetError, Stopped
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.children import seen_by
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import list_runs
from leafcore.synthesize.configs import PseudoLabelConfig
from leafcore.synthesize.pseudo_label import pseudo_label
from leafcore.synthesize.votes import Votes, load_votes
from tests.conftest import carrier
from tests.noise_models import CLASSES, plant_noise_model
from tests.planted import plant
from tests.watcher import Watcher

COUNT = 12


@pytest.fixture
def dataset(own, journey):
    return load(own, journey.dataset)


def plant_teacher(own, name, dataset, labels=CLASSES, split="train"):
    """Write a classifier with random weights that has seen a split."""
    net = {"type": "backbone", "args": {"name": "test_resnet", "num_classes": len(labels)}}
    said = {"recipe": "classifier", "labels": list(labels), "multi_label": False, "size_px": 32}
    checkpoint = plant(own, name, {**said, "dataset": dataset.ref, "nets": {"classifier": net}})
    save_seen(checkpoint.folder, {"classifier": dataset.select(split=split)["sha256"].tolist()})
    return checkpoint


@pytest.fixture
def teacher(own, dataset):
    """A classifier that has learned a little, and so is not sure of everything."""
    carrier(own)("classifier", dataset=dataset.ref, promote_as="teacher")
    return open_checkpoint(own, "teacher")


@pytest.fixture
def unlabelled(own, dataset):
    """Pictures of an unconditional model that learned from train pictures."""
    plant_noise_model(own, "free", dataset.ref, seen=dataset.select(split="train")["sha256"].tolist())
    return carrier(own)("synthesize", checkpoint="free", source="", count=COUNT, judge="none", device="cpu")


@pytest.fixture
def label(own, unlabelled, teacher):
    """Return a function that labels the pictures in a run."""

    def run(**values):
        return carrier(own)("pseudo-label", run=unlabelled.id, teacher="teacher", device="cpu", **values)

    return run


def threshold_of(own, unlabelled, share):
    """Return a threshold that about such a share of the pictures passes."""
    votes = load_votes(carrier(own)("pseudo-label", run=unlabelled.id, teacher="teacher", min_confidence=0).folder)
    return float(votes.table["probability"].quantile(1 - share))


# --- votes ------------------------------------------------------------------------------------------------------------

TABLE = {"file": ["a", "b", "c", "d"], "labels": ["rust", "rust", "scab", "rust"], "probability": [0.9, 0.75, 0.8, 0.5]}


def test_what_has_at_least_the_threshold_passes():
    votes = Votes(pd.DataFrame(TABLE))
    assert votes.accepted(0.75).tolist() == [True, True, True, False]
    assert votes.counts(0.75).to_dict("index") == {
        "rust": {"accepted": 2, "rejected": 1},
        "scab": {"accepted": 1, "rejected": 0},
    }
    assert votes.counts(1.0)["accepted"].sum() == 0


def test_a_label_set_that_no_picture_got_is_counted_too():
    counts = Votes(pd.DataFrame(TABLE)).counts(0.75, ["healthy", "scab"])
    assert list(counts.index) == ["rust", "scab", "healthy"] and counts.loc["healthy"].tolist() == [0, 0]


def test_a_co_teacher_who_says_otherwise_rejects():
    said = {"co_labels": ["rust", "scab", "scab", "rust"], "co_probability": [0.4, 0.99, 0.5, 0.9]}
    votes = Votes(pd.DataFrame({**TABLE, **said}))
    assert votes.accepted(0.75).tolist() == [True, False, True, False]


def test_votes_are_the_same_when_read_again(tmp_path):
    votes = Votes(pd.DataFrame(TABLE))
    votes.save(tmp_path)
    pd.testing.assert_frame_equal(load_votes(tmp_path).table, votes.table)


# --- the set ----------------------------------------------------------------------------------------------------------


def test_what_the_teacher_is_sure_of_is_a_synthetic_set_with_its_votes(own, unlabelled, teacher, label, journey):
    threshold = threshold_of(own, unlabelled, 0.5)
    run = label(min_confidence=threshold)
    result, made = run.result(), open_synthetic_set(own, run.id)
    assert 0 < result["count"] == len(made.manifest) < COUNT
    assert sum(result["made"].values()) + sum(result["rejected"].values()) == COUNT
    assert made.manifest["labels"].value_counts().to_dict() == result["made"]
    for row in made.manifest.to_dict("records"):
        path = run.folder / "images" / row["file"]
        (vote,) = json.loads(row["votes"])
        assert vote["labels"] == row["labels"] and vote["probability"] >= threshold
        assert (vote["teacher"], vote["weights_sha256"]) == ("teacher", teacher.card.weights_sha256)
        assert float(row["min_confidence"]) == threshold and row["dataset"] == journey.dataset
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert read_recipe(path)["votes"] == [vote] and read_recipe(path)["labels"] == row["labels"]
        with Image.open(path) as picture, Image.open(unlabelled.folder / "images" / row["file"]) as before:
            assert np.array_equal(picture, before)
    assert run in synthetic_runs(own, "leaves")


def test_votes_on_all_pictures_are_kept_whatever_passes(own, unlabelled, label):
    run = label(min_confidence=threshold_of(own, unlabelled, 0.25))
    every = open_synthetic_set(own, unlabelled.id).manifest["file"].tolist()
    assert load_votes(run.folder).table["file"].tolist() == every


def test_a_co_teacher_is_written_down_and_keeps_what_both_say(own, dataset, label):
    carrier(own)("classifier", dataset=dataset.ref, promote_as="other")  # with the same weights: it agrees
    rows = open_synthetic_set(own, label(min_confidence=0, co_teacher="other").id).manifest
    assert len(rows) == COUNT
    first, second = json.loads(rows.iloc[0]["votes"])
    assert (first["teacher"], second["teacher"]) == ("teacher", "other") and first["labels"] == second["labels"]


def test_a_stopped_run_goes_on_where_it_was(own, journey, unlabelled, teacher, tmp_path):
    config = PseudoLabelConfig(
        run=unlabelled.id, teacher="teacher", min_confidence=0, dataset=journey.dataset, device="cpu", batch_size=COUNT
    )

    class StopsWriting(Watcher):
        @property
        def should_stop(self):
            return self.phases[-1] == "writing pictures" and self.written >= 5

        def report(self, done, total, **scalars):
            self.written = done

    with pytest.raises(Stopped):
        pseudo_label(config, own, StopsWriting(tmp_path / "run"))
    assert len(pd.read_csv(tmp_path / "run" / "manifest.csv")) == 5
    watcher = Watcher(tmp_path / "run")
    watcher.report = lambda *counts, **scalars: None
    assert pseudo_label(config, own, watcher).count == COUNT
    assert len(pd.read_csv(tmp_path / "run" / "manifest.csv")) == COUNT


# --- the comparison ---------------------------------------------------------------------------------------------------


def test_a_labelled_set_teaches_classifiers_and_its_teacher_is_known(own, dataset, label):
    run = label(min_confidence=0)
    seen = seen_by(open_synthetic_set(own, run.id))
    train = sorted(set(dataset.select(split="train")["sha256"]))
    assert seen["teacher"] == train and seen["generator"] == train
    assert seen["probe"] == sorted(set(dataset.select(split="val")["sha256"]))  # its epoch was chosen on these
    assert check_leaks(dataset, seen).is_clean
    arms = EvaluateConfig(dataset=dataset.ref, synthetic=(run.id,), size_px=32, pretrained=False)
    assert load_material(arms, own, Watcher(run.folder)).synthetic == COUNT


def test_a_teacher_that_saw_test_pictures_is_found_out(own, dataset, unlabelled):
    plant_teacher(own, "cheat", dataset, split="test")
    run = carrier(own)("pseudo-label", run=unlabelled.id, teacher="cheat", min_confidence=0)
    leaks = check_leaks(dataset, seen_by(open_synthetic_set(own, run.id)))
    assert leaks.test["teacher"] > 0 and "the teacher has seen" in leaks.explain()


def test_a_teacher_of_which_nothing_is_known_is_unknown(own, dataset, unlabelled, teacher):
    (teacher.folder / "seen.json").unlink()
    run = carrier(own)("pseudo-label", run=unlabelled.id, teacher="teacher", min_confidence=0)
    leaks = check_leaks(dataset, seen_by(open_synthetic_set(own, run.id)))
    assert not leaks.is_clean and "teacher" in leaks.explain()


# --- what is refused --------------------------------------------------------------------------------------------------


def refusal(own, **values):
    """Return the one line with which a run is refused; none is made."""
    before = len(list_runs(own))
    with pytest.raises((CheckpointError, DatasetError)) as caught:
        submit(own, "pseudo-label", build_config("pseudo-label", values))
    assert len(list_runs(own)) == before and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_teacher_that_knows_other_labels_is_refused(own, dataset, unlabelled, teacher):
    plant_teacher(own, "grapes", dataset, labels=("esca", "healthy"))
    line = refusal(own, run=unlabelled.id, teacher="grapes")
    assert line.startswith("teacher: grapes tells apart esca, healthy, but leaves@") and "healthy, rust, scab" in line
    assert refusal(own, run=unlabelled.id, teacher="teacher", co_teacher="grapes").startswith("co_teacher: grapes")


def test_a_model_that_is_no_classifier_is_refused(own, unlabelled):
    assert "is a dcgan model, expected a classifier" in refusal(own, run=unlabelled.id, teacher="free")


def test_pictures_that_have_labels_are_refused(own, journey, teacher):
    line = refusal(own, run=journey.runs["synthesize"].id, teacher="teacher")
    assert line.startswith(f"run: the pictures of {journey.runs['synthesize'].id} have labels already (rust)")


def test_where_nothing_passes_the_surest_is_named_and_the_votes_stay(own, unlabelled, teacher):
    config = build_config("pseudo-label", {"run": unlabelled.id, "teacher": "teacher", "min_confidence": 1})
    run = submit(own, "pseudo-label", config)
    with pytest.raises(DatasetError, match=f"min_confidence: none of the {COUNT} pictures of {unlabelled.id} passes 1"):
        execute(own, run, lane="cpu", owner="cli")
    assert run.status().state == "failed" and len(load_votes(run.folder).table) == COUNT


def test_the_command_labels_and_answers_in_json(own, unlabelled, teacher, capsys, monkeypatch):
    monkeypatch.setenv("LEAF_WORKSPACE", str(own.root))
    assert main(["pseudo-label", unlabelled.id, "--teacher", "teacher", "--min-confidence", "0", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["count"] == COUNT and (own.run(answer["run"]) / "labels.csv").exists()
    assert main(["pseudo-label", answer["run"], "--teacher", "teacher"]) == 2
    assert "have labels already" in capsys.readouterr().err
