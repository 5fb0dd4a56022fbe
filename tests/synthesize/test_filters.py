"""Who may reject pictures is a filter: what it has seen is written down, and the leak check counts it."""

import json

import numpy as np
import pandas as pd
import pytest

from leafcore.checkpoints import open_checkpoint
from leafcore.data import leaks
from leafcore.data.manifest import load
from leafcore.data.seen import UNKNOWN, load_seen, save_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.evaluate.children import open_children, seen_by
from leafcore.measure import interpretation, witness
from leafcore.measure.leafness import Leafness
from leafcore.synthesize.synthesize import synthesize
from tests.conftest import carrier
from tests.noise_models import plant_noise_model
from tests.planted import plant
from tests.watcher import Watcher

UNASKED = {"min_change": 0, "max_background": 100, "min_contrast": 0}


@pytest.fixture
def dataset(own, journey):
    return load(own, journey.dataset)


@pytest.fixture
def judge(own, dataset, monkeypatch):
    """A judge that is believed, calls everything rust, and learned from train and test pictures."""
    network = {"type": "backbone", "args": {"name": "test_resnet", "num_classes": 3}}
    said = {"recipe": "classifier", "size_px": 32, "dataset": dataset.ref, "multi_label": False}
    planted = plant(own, "judge", {**said, "labels": ["healthy", "rust", "scab"], "nets": {"classifier": network}})
    learned, chosen = (list(dataset.select(split=split)["sha256"]) for split in ("test", "val"))
    save_seen(planted.folder, {"classifier": learned, "probe": chosen})
    monkeypatch.setattr(witness, "Judge", lambda checkpoint, device: lambda pictures: ["rust"] * len(pictures))
    monkeypatch.setattr(interpretation, "LEAST_TRIED", 1)
    monkeypatch.setattr(interpretation, "TRUSTED", 0.0)
    return planted


@pytest.fixture
def sees_leaves(monkeypatch):
    """Let LFLSeg call every picture a full leaf."""
    monkeypatch.setattr(Leafness, "__call__", lambda self, pictures: np.full(len(pictures), 0.9))


def translated(own, journey, **values):
    """Return the run of a set by the journey's own translator, of which everything is known."""
    given = {"dataset": journey.dataset, "chain": ("healthy-to-rust",), "source": "healthy", "count": 4, **UNASKED}
    return carrier(own)("synthesize", **{**given, **values})


def test_a_judge_that_learned_from_test_pictures_withholds_the_verdict(own, journey, dataset, judge):
    run = translated(own, journey, judge="judge")
    seen = load_seen(run.folder)
    tests = set(dataset.select(split="test")["sha256"])
    assert set(seen["label filter"]) == tests
    assert set(seen["probe"]) >= set(dataset.select(split="val")["sha256"]), "by which its epoch was chosen"
    told = leaks.check(dataset, open_children(own, run.id, dataset).seen)
    assert not told.is_clean and told.test["label filter"] == len(tests)
    assert told.explain() == f"the judge that verified the pictures has seen {len(tests)} of {len(tests)} test pictures"


def test_a_judge_that_learned_from_train_pictures_withholds_nothing(own, journey, dataset, judge):
    train, val = (list(dataset.select(split=split)["sha256"]) for split in ("train", "val"))
    save_seen(judge.folder, {"classifier": train, "probe": val})
    run = translated(own, journey, judge="judge")
    told = leaks.check(dataset, open_children(own, run.id, dataset).seen)
    assert told.is_clean and told.outside["label filter"] == 0


def test_who_rejects_nothing_is_no_filter(own, journey, judge, monkeypatch):
    assert "label filter" not in load_seen(translated(own, journey, verify="no").folder)
    monkeypatch.setattr(interpretation, "TRUSTED", 0.8)
    run = translated(own, journey, judge="judge", seed=1)
    assert run.result()["verification"]["checks"][0]["withheld"]
    assert "label filter" not in load_seen(run.folder)


def test_lflseg_that_verifies_is_a_filter_too_and_the_shipped_one_has_seen_drawn_leaves(
    own, journey, dataset, sees_leaves, tmp_path
):
    run = translated(own, journey, verify="yes", judge="none", leaf_model="sample-lflseg", copy_percentile=0)
    learned = open_checkpoint(own, "sample-lflseg").seen()["lflseg"]
    assert load_seen(run.folder)["leaf filter"] == sorted(learned)
    told = leaks.check(dataset, open_children(own, run.id, dataset).seen)
    assert told.outside["leaf filter"] == len(learned) and not told.is_clean
    assert told.explain() == (
        f"the LFLSeg model that verified the pictures has seen {len(learned)} pictures that are not in this dataset's "
        "train split; train LFLSeg on this dataset, and let it verify pictures that are made anew"
    )


def test_pictures_from_noise_have_filters_as_well(own, dataset, judge, sees_leaves):
    plant_noise_model(own, "three", dataset.ref, ("rust",), seen=dataset.select(split="train")["sha256"].tolist())
    given = {"checkpoint": "three", "count": 2, "leaf_model": "sample-lflseg", "copy_percentile": 0}
    run = carrier(own)("synthesize", **given, judge="judge", verify="yes")
    assert load_seen(run.folder).keys() >= {"generator", "label filter", "leaf filter", "probe"}
    run = carrier(own)("synthesize", **given, judge="judge", verify="auto")
    assert load_seen(run.folder).keys() == {"generator"}, "the judge names them, and rejects nothing"


def test_what_a_filter_of_before_had_seen_is_unknown_where_it_rejected_pictures(own, journey, dataset):
    run = translated(own, journey)
    pictures = open_synthetic_set(own, run.id)
    assert UNKNOWN not in seen_by(pictures)
    rejected = pictures.manifest.iloc[:1].assign(failed=json.dumps(["leaf", "change"]), why="no leaf")
    pd.DataFrame(rejected).to_csv(run.folder / "rejected.csv", index=False)
    assert seen_by(pictures)[UNKNOWN] == [f"{run.id} (leaf filter)"]


def test_a_filter_that_has_seen_other_pictures_is_told_of_when_it_filters(own, config, judge, sees_leaves, tmp_path):
    given = config.model_copy(update={"judge": "judge", "copy_percentile": 0, **UNASKED})
    watcher, both = Watcher(tmp_path / "run"), Watcher(tmp_path / "both")
    synthesize(given, own, watcher)
    assert "A comparison on leaves will withhold its verdict: the judge that verified the" in " ".join(watcher.warnings)
    synthesize(given.model_copy(update={"judge": "none", "leaf_model": "sample-lflseg", "verify": "yes"}), own, both)
    assert "withhold its verdict: the LFLSeg model that verified the pictures has seen" in " ".join(both.warnings)


def test_a_resumed_run_keeps_what_its_filters_have_seen(own, journey, judge, config, tmp_path):
    first = config.model_copy(update={"judge": "judge", **UNASKED})
    synthesize(first, own, Watcher(tmp_path / "run"))
    seen = load_seen(tmp_path / "run")
    synthesize(first, own, Watcher(tmp_path / "run"))
    assert load_seen(tmp_path / "run") == seen and seen["label filter"]
