"""Scoring the epochs of tiny noise models: 44 leaves of three label sets, so that KID is told and FID is not."""

import shutil
from collections import Counter

import numpy as np
import pytest

from leafcore.data.manifest import load
from leafcore.latent import NoiseModel
from leafcore.measure.interpretation import Rate
from leafcore.measure.witness import Witness
from leafcore.pick import from_noise
from leafcore.pick.scores import ScoreResult
from leafcore.pick.telling import by_epoch
from leafcore.workspace import Workspace
from tests.conftest import carrier


@pytest.fixture(scope="module")
def trained(journey, tmp_path_factory):
    """A workspace with a model of three classes and one that makes what it likes; read-only but for new scores."""
    workspace = Workspace(shutil.copytree(journey.workspace.root, tmp_path_factory.mktemp("noise") / "own"))
    common = {"dataset": journey.dataset, "max_steps_per_epoch": 1}
    carry = carrier(workspace)
    runs = {how: carry("dcgan", conditional=how, **common).id for how in ("projection", "none")}
    return workspace, runs


@pytest.fixture
def scored(trained):
    """Return a function that scores a run."""
    workspace, runs = trained
    return lambda how, **values: ScoreResult.model_validate(
        carrier(workspace)("score", run=runs[how], **{"count": 24, **values}).result()
    )


@pytest.fixture
def believed(monkeypatch):
    """A judge that calls everything rust and is right about real pictures."""
    witness = Witness(None, "judge", Rate.of(95, 100), "", {"healthy": 10, "rust": 10, "scab": 10})
    monkeypatch.setattr(Witness, "name_all", lambda self, pictures: ["rust"] * len(pictures))
    monkeypatch.setattr(from_noise, "open_witness", lambda *given: witness)


def test_every_epoch_is_held_against_real_pictures(scored, journey):
    result = scored("none")
    assert [one.epoch for one in result.epochs] == [1, 2] and result.recommended in {1, 2}
    assert (result.from_noise, result.dataset, result.reals, result.sources) == (
        True, journey.dataset, "train and val", 24,
    )  # fmt: skip
    for one in result.epochs:
        assert one.scores.keys() == {"kid", "coverage", "near_copies"}
        assert one.scores["coverage"].n == result.real_count and one.scores["near_copies"].n == 24
    assert "from 200 pictures on each side; there are 24 fakes" in result.withheld["fid"]
    assert "there is no judge" in result.withheld["classes"]
    assert "untranslated" not in [row[0] for row in by_epoch(result)[1]]


def test_the_classes_are_made_in_the_shares_of_the_real_pictures(trained, scored, journey, monkeypatch):
    made = Counter()

    class Counting(NoiseModel):
        def sample(self, seed, indices, label="", *rest, **more):
            made[label] += len(indices)
            return super().sample(seed, indices, label, *rest, **more)

    monkeypatch.setattr(from_noise, "NoiseModel", Counting)
    records = load(trained[0], journey.dataset).records
    wanted = Counter(records.loc[records["split"].isin(["train", "val"]), "labels"])
    scored("projection", count=2 * wanted.total(), epochs=(2,))
    assert made == {labels: 2 * count for labels, count in wanted.items()}


def test_a_judge_says_how_many_are_of_the_class_that_they_were_made_as(scored, believed):
    (one,) = scored("projection", epochs=(1,)).epochs
    rate = one.scores["agreement"]
    assert 0 < rate.value < 1 and rate.low < rate.value < rate.high and rate.n == 24
    assert one.interpretation.agreement["rust"].value == 1 and one.interpretation.counts == {"rust": 24}


def test_a_model_that_makes_one_class_only_is_found_out(scored, believed):
    result = scored("none", epochs=(2,))
    (one,) = result.epochs
    assert one.scores["classes"].value == 1.0 and "agreement" not in one.scores
    assert one.interpretation.warning.startswith("One class dominates: 100% of 24")
    assert result.judged_right["any label set"].value == 0.95


def test_what_was_scored_is_not_made_again(scored, monkeypatch):
    first = scored("none", count=20, seed=3)
    monkeypatch.setattr(from_noise, "NoiseModel", None)
    assert scored("none", count=20, seed=3).epochs == first.epochs


def test_a_noise_model_has_one_direction(scored):
    with pytest.raises(Exception, match="direction: got 'ba', but .* makes pictures from noise; leave it out"):
        scored("none", direction="ba")


def test_too_few_real_pictures_are_no_coverage(scored, monkeypatch):
    monkeypatch.setattr(from_noise, "KID_FROM", 1000)
    result = scored("none", epochs=(1,), seed=1)
    assert result.withheld["coverage"].startswith("from 1000 real pictures; there are")
    assert "coverage" not in result.epochs[0].scores and np.isfinite(result.epochs[0].scores["kid"].value)
