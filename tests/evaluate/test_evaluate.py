import numpy as np
import pandas as pd
import pytest
import torch

from leafcore.data.manifest import load
from leafcore.data.reviewing import Said, say
from leafcore.data.seen import save_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError, Stopped
from leafcore.evaluate import arms
from leafcore.evaluate.cells import load_cell, split_hash
from leafcore.evaluate.evaluate import evaluate
from leafcore.evaluate.plans import plan_arms
from leafcore.evaluate.result import read_comparison, read_planned
from leafcore.evaluate.training import classifier_config
from leafcore.files import read_json
from leafcore.images import load_square
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.train.checkpointing import read_weights
from leafcore.train.classifier import Classifier
from tests.conftest import carrier
from tests.planted import plant_translator
from tests.watcher import Watcher

CELLS = ["real-0", "real_plus_synthetic-0", "real-1", "real_plus_synthetic-1"]
STEPS = 4  # of each cell


@pytest.fixture(scope="module")
def whole(journey):
    """The journey's comparison."""
    return read_comparison(journey.runs["evaluate"].folder)


def test_a_comparison_says_what_it_is_made_of(whole, journey):
    assert whole.dataset == journey.dataset and whole.synthetic_images == 6
    assert whole.arms["real_plus_synthetic"].train_images == whole.arms["real"].train_images + 6
    assert all(len(arm.seeds) == 2 for arm in whole.arms.values())
    assert whole.leaks.is_clean and whole.verdict.startswith("No verdict from 7 independent test groups")
    assert f"{whole.test_images} test pictures, 2 seeds" in whole.verdict
    assert journey.runs["evaluate"].result() == whole.model_dump(mode="json")


def test_every_cell_records_its_validation_scores(journey):
    names = {name for row in journey.runs["evaluate"].metrics() for name in row} - {"step", "time"}
    assert names == {f"{cell} val_macro_f1" for cell in CELLS}


def test_weights_are_kept_of_each_arms_first_seed_only(journey):
    folder = journey.runs["evaluate"].folder / "cells"
    assert sorted(path.name for path in folder.iterdir()) == sorted(CELLS)
    kept = {cell.name: {path.name for path in cell.rglob("*")} for cell in folder.iterdir()}
    looked_at = {"test.npz", "best.safetensors", "classifier.json"}
    assert kept == {name: looked_at if name.endswith("-0") else {"test.npz"} for name in CELLS}


def test_a_cell_says_what_judged_it_and_the_test_pictures_are_written_in_order(journey, whole):
    folder = journey.runs["evaluate"].folder
    dataset = load(journey.workspace, journey.dataset)
    records = pd.read_parquet(folder / "test.parquet")
    assert list(records["image"]) == list(dataset.select(split="test")["image"])
    assert list(records) == ["image", "sha256", "labels", "group"] and split_hash(records) == whole.test_hash
    for name in CELLS:
        cell = load_cell(folder / "cells" / name / "test.npz")
        assert cell is not None and cell.test_hash == whole.test_hash
        assert len(cell.probabilities) == whole.test_images
        assert len(cell.val_probabilities) == len(dataset.select(split="val"))


def test_the_kept_weights_say_again_what_the_cell_said(journey, whole):
    folder = journey.runs["evaluate"].folder / "cells" / "real_plus_synthetic-0"
    described, networks = read_weights(folder / "best.safetensors")
    assert described == read_json(folder / "classifier.json")
    assert (described["arm"], described["seed"]) == ("real_plus_synthetic", 0)
    net = build(described["nets"]["classifier"])
    net.load_state_dict(networks["classifier"])
    dataset = load(journey.workspace, journey.dataset)
    pictures = np.stack([load_square(path, 32) for path in dataset.paths(dataset.select(split="test"))])
    with torch.inference_mode():
        batch = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        said = net.eval()(InputScale.described(described)(batch)).softmax(1).numpy()
    assert said == pytest.approx(load_cell(folder / "test.npz").probabilities, abs=1e-5)


def test_what_is_to_come_is_written_before_it_is_trained(own, config, tmp_path):
    config = config.model_copy(update={"arms": ("real", "weighted", "oversampled", "classical", "synthetic")})
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "run", stop_after=2))
    planned = read_planned(tmp_path / "run")
    assert planned.seeds == (0, 1) and list(planned.arms) == [
        "real",
        "weighted",
        "oversampled",
        "classical",
        "synthetic",
    ]
    assert (planned.arms["synthetic"].train_images, planned.arms["synthetic"].synthetic_images) == (6, 6)
    assert read_planned(tmp_path) is None


def test_arms_differ_in_their_classifiers_settings_alone(config):
    plans = plan_arms(config.model_copy(update={"arms": ("classical", "oversampled", "weighted")}), ["a set"])
    usual, *others = (classifier_config(config, plan, 7).model_dump() for plan in plans)
    assert usual["seed"] == 7 and usual["epochs"] == config.epochs and usual["patience"] == 0
    different = [{name: value for name, value in other.items() if value != usual[name]} for other in others]
    assert different == [{"augment": "study"}, {"balance": "sampling"}, {"balance": "weights"}]


def test_every_arm_is_trained_for_the_same_steps(own, config, tmp_path):
    arms = {"arms": ("real", "classical", "oversampled", "weighted", "replaced", "synthetic"), "doses": (50,)}
    found = evaluate(config.model_copy(update={**arms, "seeds": 1}), own, Watcher(tmp_path / "run"))
    assert list(found.arms) == [*arms["arms"], "dose.50"] and len(found.cochran) == 1
    assert {arm.steps for arm in found.arms.values()} == {(STEPS,)}
    assert found.chosen in {"replaced", "synthetic", "dose.50"}
    assert found.arms["replaced"].left_out > 0 == found.arms["weighted"].left_out


def test_both_arms_take_the_same_steps_from_their_own_pictures_and_the_test_split_is_opened_once(
    own, config, tmp_path, monkeypatch
):
    steps, opened = {}, []
    step, pixels = Classifier.step, arms.image_pixels

    def counted(self, batch):
        steps[len(self.train_set)] = steps.get(len(self.train_set), 0) + 1
        return step(self, batch)

    def noted(workspace, paths, size_px, progress):
        opened.append(set(paths))
        return pixels(workspace, paths, size_px, progress)

    monkeypatch.setattr(Classifier, "step", counted)
    monkeypatch.setattr(arms, "image_pixels", noted)
    found = evaluate(config, own, Watcher(tmp_path / "run"))
    assert steps == {arm.train_images: 2 * STEPS for arm in found.arms.values()}
    dataset = load(own, config.dataset)
    test = set(dataset.paths(dataset.select(split="test")))
    assert [paths & test for paths in opened].count(test) == 1 and sum(bool(paths & test) for paths in opened) == 1


@pytest.mark.parametrize(("steps", "epochs", "validated"), [(5, 2, [3, 5]), (7, 3, [3, 5, 7]), (5, 5, [1, 2, 3, 4, 5])])
def test_every_classifier_takes_exactly_the_steps_that_were_asked_for(
    own, config, tmp_path, monkeypatch, steps, epochs, validated
):
    taken, step = [], Classifier.step

    def counted(self, batch):
        taken.append(len(self.train_set))
        return step(self, batch)

    monkeypatch.setattr(Classifier, "step", counted)
    config = config.model_copy(update={"steps": steps, "epochs": epochs})
    watcher = Watcher(tmp_path / "run")
    found = evaluate(config, own, watcher)
    assert [arm.steps for arm in found.arms.values()] == [(steps, steps)] * 2
    assert len(taken) == watcher.done == steps * len(CELLS)
    scored = [row["step"] for row in watcher.scalars]
    assert scored == [number * steps + step for number in range(len(CELLS)) for step in validated], (
        "evenly, last at last"
    )


@pytest.mark.parametrize("stop_after", [1, 2, 3, 8])
def test_uneven_steps_are_resumed_where_they_stopped(own, config, tmp_path, stop_after):
    config = config.model_copy(update={"steps": 5, "epochs": 2, "seeds": 1})
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "parts" / "run", stop_after=stop_after))
    parts = evaluate(config, own, Watcher(tmp_path / "parts" / "run"))
    unbroken = evaluate(config, own, Watcher(tmp_path / "whole" / "run"))
    assert parts.model_dump(mode="json") == unbroken.model_dump(mode="json")
    assert [arm.steps for arm in parts.arms.values()] == [(5,), (5,)]


# --- stopping and going on --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_after", [2, 9, 12])
def test_a_resumed_comparison_equals_an_uninterrupted_one(own, config, whole, tmp_path, stop_after):
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "run", stop_after=stop_after))
    done = {path.parent.name: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("test.npz")}
    assert set(done) == set(CELLS[: stop_after // STEPS])
    assert not (tmp_path / "run" / "comparison.json").exists()
    again = evaluate(config, own, Watcher(tmp_path / "run"))
    assert again.test_opened == whole.test_opened + 1, "counted once, though it was resumed"
    counted = {"test_opened", "verdict", "verdicts"}
    told, before = (found.model_dump(mode="json", exclude=counted) for found in (again, whole))
    assert told == before, "bit for bit"
    for cell, written in done.items():
        assert (tmp_path / "run" / "cells" / cell / "test.npz").stat().st_mtime_ns == written, "not trained again"


def test_a_comparison_whose_pictures_were_reviewed_since_does_not_go_on(own, config, whole, tmp_path):
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "run", stop_after=2 * STEPS + 1))
    (made,) = config.synthetic
    rejected = open_synthetic_set(own, made).files[0]
    say(own, made, Said(reject=(rejected,), by="ann"))
    with pytest.raises(DatasetError, match=f"synthetic: {made} holds other pictures than when this comparison began"):
        evaluate(config, own, Watcher(tmp_path / "run"))
    say(own, made, Said(undo=True, by="ann"))
    again = evaluate(config, own, Watcher(tmp_path / "run"))
    assert again.model_dump_json(include={"arms"}) == whole.model_dump_json(include={"arms"}), "nothing was lost"


def test_progress_counts_the_steps_of_all_cells(own, config, tmp_path):
    watcher = Watcher(tmp_path / "run")
    evaluate(config, own, watcher)
    assert watcher.done == 4 * STEPS
    said = ["Real, seed 0", "Real + synthetic, seed 0", "Real, seed 1", "Real + synthetic, seed 1", "comparing"]
    assert watcher.phases[-5:] == said
    recorded = [(row["step"], name) for row in watcher.scalars for name in row if name != "step"]
    assert recorded == [
        (4 * number + step, f"{cell} val_macro_f1") for number, cell in enumerate(CELLS) for step in (2, 4)
    ]


# --- leaks ------------------------------------------------------------------------------------------------------------


def test_a_generator_that_saw_test_pictures_withholds_the_verdict(own, config, tmp_path):
    dataset = load(own, config.dataset)
    seen = list(dataset.select(split="test")["sha256"].iloc[:2]) + list(dataset.select(split="train")["sha256"])
    save_seen(own.runs / config.synthetic[0], {"generator": seen})
    watcher = Watcher(tmp_path / "run")
    found = evaluate(config, own, watcher)
    assert found.verdict.startswith("Verdict withheld: the generator has seen 2 of 7 test pictures.")
    assert watcher.warnings == ["The verdict will be withheld: the generator has seen 2 of 7 test pictures."]


@pytest.mark.parametrize(
    ("seen", "missing"),
    [
        (None, "generator, lflseg, source"),
        ({"generator": ["TRAIN"], "source": ["TRAIN"]}, "lflseg"),
        ({"generator": ["TRAIN"], "lflseg": [], "source": ["TRAIN"]}, "lflseg"),
        ({"lflseg": ["TRAIN"], "source": ["TRAIN"]}, "generator"),
        ({"generator": ["TRAIN"], "lflseg": ["TRAIN"]}, "source"),
    ],
)
def test_what_nobody_wrote_down_withholds_the_verdict(own, config, tmp_path, seen, missing):
    folder = own.runs / config.synthetic[0]
    (folder / "seen.json").unlink()
    if seen is not None:
        train = list(load(own, config.dataset).select(split="train")["sha256"])
        save_seen(folder, {role: train if images else [] for role, images in seen.items()})
    watcher = Watcher(tmp_path / "run")
    found = evaluate(config, own, watcher)
    unknown = f"nobody wrote down which pictures were seen by {folder.name} ({missing}); promote or train that again"
    assert found.verdict.startswith(f"Verdict withheld: {unknown}") and not found.leaks.is_clean
    assert watcher.warnings[0].startswith(f"The verdict will be withheld: {unknown}")


def test_one_translator_of_a_chain_that_nobody_knows_about_withholds_the_verdict(own, journey, config, tmp_path):
    plant_translator(own, "bought", "rust", "scab")
    chain = ("healthy-to-rust", "bought")
    made = carrier(own)("synthesize", chain=chain, dataset=journey.dataset, source="healthy", count=3, device="cpu")
    found = evaluate(config.model_copy(update={"synthetic": (made.id,)}), own, Watcher(tmp_path / "run"))
    assert found.leaks.unknown == ("bought (generator, lflseg)",)
    assert found.verdict.startswith("Verdict withheld: nobody wrote down which pictures were seen by bought (generator")
    both = config.model_copy(update={"synthetic": (*config.synthetic, made.id)})
    assert not evaluate(both, own, Watcher(tmp_path / "both")).leaks.is_clean


def test_the_best_epoch_on_validation_is_the_one_that_is_judged(own, config, tmp_path, monkeypatch):
    scores = iter([0.9, 0.1] * len(CELLS))  # the first of two epochs is the better one
    asked, predict = [], Classifier.predict

    def noted(self, pictures):
        asked.append({name: value.clone() for name, value in self.net.state_dict().items()})
        return predict(self, pictures)

    monkeypatch.setattr("leafcore.train.classifier.macro_f1", lambda targets, predicted: next(scores))
    monkeypatch.setattr(Classifier, "predict", noted)
    evaluate(config, own, Watcher(tmp_path / "run"))
    assert len(asked) == 4 * len(CELLS), "validation twice, then validation and test with the best"
    for cell in range(len(CELLS)):
        first, second, *judged = asked[4 * cell : 4 * cell + 4]
        assert all(torch.equal(one[name], first[name]) for one in judged for name in first)
        assert not all(torch.equal(judged[0][name], second[name]) for name in first)
