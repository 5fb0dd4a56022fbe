"""What translations are asked beside what judges say: a change, a background, contrast, no twin; and what passes."""

import numpy as np
import pandas as pd
import pytest
import torch

from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError, Stopped
from leafcore.generate import Chain
from leafcore.images import encode_png
from leafcore.jobs import build_config
from leafcore.measure import interpretation, witness
from leafcore.measure.interpretation import Rate
from leafcore.measure.witness import Witness, open_witness_of_chain
from leafcore.synthesize import from_chain
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.synthesize import synthesize
from leafcore.synthesize.translated import Origins, Twins, contrast, mean_change
from leafcore.synthesize.verdicts import BACKGROUND, CHANGE, COLLAPSE, COPY, Check, Found, judge_picture
from leafcore.synthesize.verification import Verifier
from tests.conftest import carrier
from tests.watcher import Watcher

LEFT = np.zeros((4, 4), bool)
LEFT[:, :2] = True


def changed(config, **values):
    return SynthesizeConfig.build({**config.model_dump(), **values})


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_change_is_the_mean_difference_of_some_pixels_in_percent_of_the_range():
    source = np.full((4, 4, 3), 200, np.uint8)
    picture = source.copy()
    picture[:, :2] -= 51  # a fifth of the range, whichever way
    assert mean_change(picture, source, LEFT) == pytest.approx(20)
    assert mean_change(source, picture, LEFT) == pytest.approx(20)
    assert mean_change(picture, source, ~LEFT) == 0
    assert mean_change(picture, source, np.zeros((4, 4), bool)) is None


def test_contrast_is_the_spread_of_brightness():
    picture = np.zeros((4, 4, 3), np.uint8)
    assert contrast(picture) == 0
    picture[:, :2] = 255
    assert contrast(picture) == pytest.approx(50)


def test_a_twin_is_an_earlier_picture_of_the_same_hash_in_whatever_order_they_are_made():
    twins = Twins([])
    assert [twins.find(f"{n}.png", phash) for n, phash in enumerate("abab")] == ["", "", "0.png", "1.png"]
    resumed = Twins([{"file": "2.png", "phash": "a"}, {"file": "3.png", "phash": "b"}, {"file": "9.png", "phash": ""}])
    assert resumed.find("0.png", "a") == "", "what was lost is made again, and its twin came later"
    assert resumed.find("4.png", "a") == "0.png" and resumed.find("5.png", "") == ""


@pytest.mark.parametrize(
    ("found", "failed", "why"),
    [
        (Found(change=5, background_change=9, contrast=20), (), ""),
        (Found(change=5, contrast=20), (), ""),
        (Found(change=0.4, contrast=20), (CHANGE,), "changed by 0.4 %, expected at least 0.5 %"),
        (Found(change=5, background_change=10.5), (BACKGROUND,), "background changed by 10 %, expected at most 10 %"),
        (Found(change=5, contrast=1), (COLLAPSE,), "contrast of 1 %, expected at least 2 %"),
        (Found(change=5, contrast=20, twin="000001-a.png"), (COLLAPSE,), "looks like 000001-a.png"),
    ],
)
def test_a_translation_is_rejected_for_every_reason_that_it_gives(found, failed, why):
    checks = [Check(name=CHANGE, least=0.5), Check(name=BACKGROUND, most=10.0), Check(name=COLLAPSE, least=2.0)]
    verdict = judge_picture({check.name: check for check in checks}, "rust", found)
    assert (verdict.failed, verdict.why) == (failed, why)


def test_a_translation_is_no_copy_of_its_own_source():
    class Seer:
        def of(self, pictures):
            return np.array([[1.0, 0.0]] * len(pictures), np.float32)

    train, groups = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), np.array(["own", "other"])
    verifier = Verifier({COPY: Check(name=COPY, least=0.5)}, None, Seer(), train, groups)
    pictures = np.zeros((2, 4, 4, 3), np.uint8)
    origins = Origins(pictures, np.ones((2, 4, 4), bool), ["own", "other"], ["", ""])
    assert [verdict.failed for verdict in verifier(pictures, [], ["", ""], origins)] == [(), (COPY,)]


# --- a set ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def every_third_is_grey(monkeypatch):
    """A chain that collapses on the first picture of every batch of three."""
    translate = Chain.__call__

    def collapse(self, images, masks=None, seeds=None):
        *before, last = translate(self, images, masks, seeds)
        last = last.clone()
        last[0] = 0
        return [*before, last]

    monkeypatch.setattr(Chain, "__call__", collapse)


def test_what_is_rejected_is_kept_apart_and_never_exported(own, config, every_third_is_grey):
    run = carrier(own)("synthesize", **config.model_dump(exclude_defaults=True) | {"max_background": 100})
    result, pictures = run.result(), open_synthetic_set(own, run.id)
    assert (result["count"], result["verification"]["rejected"]) == (5, 3)
    assert {one["name"]: one["failed"] for one in result["verification"]["checks"]}[COLLAPSE] == 3
    rejected = pictures.rejected()
    assert len(pictures.manifest) == 5 and not set(pictures.manifest["file"]) & set(rejected["file"])
    assert rejected["why"].str.contains("contrast of 0 %, expected at least 2 %|looks like 000000", regex=True).all()
    assert carrier(own)("export", run=run.id).result()["images"] == 5


def test_a_resumed_run_is_the_same_as_one_that_was_never_stopped(own, config, every_third_is_grey, tmp_path):
    with pytest.raises(Stopped):
        synthesize(config, own, Watcher(tmp_path / "a" / "run", stop_after=3))
    assert len(pd.read_csv(tmp_path / "a" / "run" / "manifest.csv")) == 2
    resumed = synthesize(config, own, Watcher(tmp_path / "a" / "run"))
    assert resumed == synthesize(config, own, Watcher(tmp_path / "b" / "run"))
    for name in ("manifest.csv", "rejected.csv", "labels.csv"):
        assert (tmp_path / "a" / "run" / name).read_bytes() == (tmp_path / "b" / "run" / name).read_bytes()


def test_a_chain_that_changes_nothing_makes_no_set(own, config, monkeypatch, tmp_path):
    monkeypatch.setattr(Chain, "__call__", lambda self, images, masks=None, seeds=None: [images])
    with pytest.raises(DatasetError, match="nothing was accepted: 8 of 8 pictures rejected: change 8") as raised:
        synthesize(config, own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value) and (tmp_path / "run" / "rejected.csv").exists()
    kept = synthesize(changed(config, verify="no"), own, Watcher(tmp_path / "kept"))
    assert kept.count == 8 and kept.verification is None and kept.interpretation is None


def test_a_background_that_changes_is_rejected_where_a_mask_is_known(own, journey, config):
    left = np.zeros((8, 8, 3), np.uint8)
    left[:, :4] = 255
    for mask in (own.run(journey.runs["masks"].id) / "masks").rglob("*.png"):
        mask.write_bytes(encode_png(left))
    values = config.model_dump(exclude_defaults=True)
    kept = carrier(own)("synthesize", **values | {"max_background": 100})
    (spilled,) = [one for one in kept.result()["verification"]["checks"] if one["name"] == BACKGROUND]
    assert kept.result()["count"] == 8 and not spilled["withheld"]
    least = open_synthetic_set(own, kept.id).manifest["background_change"].astype(float).min()
    with pytest.raises(DatasetError, match="background 8"):
        carrier(own)("synthesize", **values | {"max_background": least - 1})


# --- the judge --------------------------------------------------------------------------------------------------------


def test_a_picture_that_the_judge_calls_otherwise_is_rejected(own, config, monkeypatch, tmp_path):
    calls = iter(["rust", "healthy", "rust"] * 3)
    judge = Witness(lambda pictures: [next(calls) for _ in pictures], "judge", Rate.of(19, 20), "", {})
    monkeypatch.setattr(from_chain, "open_witness_of_chain", lambda *given: judge)
    result = synthesize(config, own, Watcher(tmp_path / "run"))
    assert (result.count, result.verification.explain()) == (5, "3 of 8 pictures rejected: label 3.")
    assert result.interpretation.agreement["rust"].value == pytest.approx(5 / 8), "the target-class rate"


@pytest.mark.parametrize(("said", "is_trusted"), [(["healthy"], False), (["healthy", "rust"], True)])
def test_a_judge_is_tried_on_as_many_pictures_of_each_label_set(own, journey, monkeypatch, said, is_trusted):
    """One that calls every leaf healthy is right about most leaves, and no judge."""
    monkeypatch.setattr(interpretation, "LEAST_TRIED", 4)  # the journey has no more
    dataset = load(own, journey.dataset)
    true = dataset.records.set_index("sha256")["labels"]
    monkeypatch.setattr(witness, "Judge", lambda checkpoint, device: lambda squares: squares)
    monkeypatch.setattr(
        witness,
        "load_square",
        lambda path, size_px: true.iloc[list(dataset.paths(dataset.records)).index(path)] if len(said) > 1 else said[0],
    )
    monkeypatch.setattr(witness, "open_checkpoint", lambda workspace, ref: type("One", (), {"name": ref, "seen": dict}))
    found = open_witness_of_chain(own, dataset, "c", {"healthy", "rust"}, 32, torch.device("cpu"))
    assert found.accuracy.value == (1.0 if is_trusted else 0.5)
    assert bool(found.interpret([], []).withheld) != is_trusted


def test_without_a_validation_picture_of_what_is_made_no_judge_is_believed(own, journey, monkeypatch):
    monkeypatch.setattr(witness, "open_checkpoint", lambda workspace, ref: type("One", (), {"name": ref, "seen": dict}))
    dataset = load(own, journey.dataset)
    found = open_witness_of_chain(own, dataset, "c", {"healthy", "rust scab"}, 32, torch.device("cpu"))
    assert found.judge is None and "no validation picture of each of healthy, rust scab" in found.objection


def test_a_judge_and_masks_are_chosen_when_a_chain_is_queued(own, journey):
    values = {"chain": "to-rust", "dataset": journey.dataset}
    chosen, _ = check(own, build_config("synthesize", values))
    assert (chosen.judge, chosen.masks) == ("none", journey.runs["masks"].id)
    chosen, _ = check(own, build_config("synthesize", {**values, "verify": "no"}))
    assert (chosen.judge, chosen.masks) == ("auto", "")
