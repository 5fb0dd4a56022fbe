"""Scoring the epochs of the journey's LeafGAN: 20 healthy and 12 rust leaves, so few that distances are withheld."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import domain, load
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import NotFoundError, Stopped
from leafcore.files import read_json
from leafcore.generate import load_network
from leafcore.images import encode_png, load_square, to_signed, to_uint8
from leafcore.pick import material, score, yardstick
from leafcore.pick.configs import ScoreConfig
from leafcore.pick.scores import ScoreResult, newest_scores, read_scores
from leafcore.pick.translate import Translator
from leafcore.progress import Progress
from leafcore.runs import open_run
from tests.conftest import TINY, carrier


class Watching(Progress):
    """Remembers warnings, and asks to stop after so many translated pictures."""

    def __init__(self, folder: Path, stop_after: int | None = None) -> None:
        super().__init__(folder)
        self.stop_after, self.done, self.current = stop_after, 0, ""
        self.warnings: list[str] = []

    def phase(self, name: str) -> None:
        self.current = name

    def report(self, done: int, total: int, **scalars: float) -> None:
        assert done <= total and not scalars
        self.done = done

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @property
    def should_stop(self) -> bool:
        return self.current == "scoring" and self.stop_after is not None and self.done >= self.stop_after


class SeesOrange:
    """A judge that goes by the colour of rust."""

    def __init__(self, checkpoint, device):
        del checkpoint, device

    def __call__(self, pictures):
        orange = [((one[..., 0] > 170) & (one[..., 2] < 90)).sum() for one in pictures]
        return ["rust" if pixels >= 5 else "healthy" for pixels in orange]


@pytest.fixture
def leafgan(journey) -> str:
    return journey.runs["leafgan"].id


@pytest.fixture
def no_translator(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("nothing is left to translate")

    return lambda: monkeypatch.setattr(score, "Translator", refuse)


def scored(workspace, run, **values) -> ScoreResult:
    return ScoreResult.model_validate(carrier(workspace)("score", run=run, **values).result())


def config_of(run, **values) -> ScoreConfig:
    return ScoreConfig.build({**TINY["score"], "run": run, "judge": "none", "device": "cpu", **values})


def validation_pictures(workspace, journey, size_px=32):
    dataset = load(workspace, journey.dataset)
    paths = dataset.paths(dataset.select(split="val", labels="healthy"))
    return np.stack([load_square(path, size_px) for path in paths])


def draw_masks(workspace, journey, size_px=32):
    """Make the left third of every picture the leaf; return that mask, (S, S)."""
    mask = np.zeros((size_px, size_px), bool)
    mask[:, : size_px // 3] = True
    for path in open_mask_set(workspace, journey.runs["masks"].id).folder.glob("masks/**/*.png"):
        path.write_bytes(encode_png(mask.astype(np.uint8) * 255))
    return mask


def test_every_saved_epoch_is_scored_on_the_same_validation_pictures(own, journey, leafgan):
    result = scored(own, leafgan)
    images = validation_pictures(own, journey)
    assert [one.epoch for one in result.epochs] == [1, 2]
    assert (result.dataset, result.split, result.sources) == (journey.dataset, "val", len(images))
    assert {one.scores["cycle"].n for one in result.epochs} == {len(images)}
    assert newest_scores(own, leafgan, "ab") == result and newest_scores(own, leafgan, "ba") is None


def test_changes_are_those_worked_out_by_hand(own, journey, leafgan):
    images, leaf = validation_pictures(own, journey), draw_masks(own, journey)
    checkpoint = open_checkpoint(own, f"{leafgan}@2")
    there, back = (load_network(checkpoint, name, torch.device("cpu")) for name in ("gen_ab", "gen_ba"))
    with torch.inference_mode():
        fakes = there(to_signed(torch.from_numpy(images).permute(0, 3, 1, 2)))
        change, lost = (np.abs(to_uint8(made).astype(float) - images) for made in (fakes, back(fakes)))
    scores = scored(own, leafgan, epochs=(2,)).epochs[0].scores
    assert scores["cycle"].value == pytest.approx(lost.mean(), abs=1e-2)
    assert scores["inside"].value == pytest.approx(change[:, leaf].mean(), abs=1e-2)
    assert scores["outside"].value == pytest.approx(change[:, ~leaf].mean(), abs=1e-2)
    assert scores["outside"].sd == pytest.approx(change[:, ~leaf].mean((1, 2)).std(), abs=1e-2)


def test_too_few_pictures_are_no_distance(own, leafgan):
    result = scored(own, leafgan, epochs=(1,))
    assert not {"kid", "fid", "target_rate", "near_copies"} & result.epochs[0].scores.keys()
    assert "from 20 pictures on each side; there are" in result.withheld["kid"]
    assert "from 200 pictures" in result.withheld["fid"]
    assert result.recommended is None and result.reason


def test_distances_appear_where_there_are_pictures_enough(own, leafgan, monkeypatch):
    for name in ("leafcore.pick.yardstick.KID_FROM", "leafcore.measure.distances.KID_FROM"):
        monkeypatch.setattr(name, 4)
    monkeypatch.setattr("leafcore.pick.yardstick.FID_FROM", 4)
    monkeypatch.setattr(material, "domain", lambda dataset, labels, split: domain(dataset, labels, "train"))
    result = scored(own, leafgan)
    assert {"kid", "fid", "near_copies"} <= result.epochs[0].scores.keys() & result.untranslated.keys()
    assert result.recommended in {1, 2} and result.reals == "train and val"


def test_only_train_and_validation_pictures_of_the_target_are_looked_at(own, journey, leafgan):
    shutil.rmtree(own.cache / "features", ignore_errors=True)  # what other tests of the journey looked at
    scored(own, leafgan, epochs=(1,))
    kept = {name for path in own.cache.glob("features/*/*.npz") for name in np.load(path)["sha256"].tolist()}
    records = load(own, journey.dataset).select(labels="rust")
    assert kept == set(records.loc[records["split"] != "test", "sha256"])


def test_what_was_scored_is_not_scored_again(own, leafgan, no_translator):
    first = scored(own, leafgan)
    no_translator()
    assert scored(own, leafgan).epochs == first.epochs


def test_other_pictures_are_other_scores(own, leafgan, no_translator):
    scored(own, leafgan)
    no_translator()
    with pytest.raises(Exception, match="nothing is left to translate"):
        scored(own, leafgan, count=1)


def test_a_stop_keeps_the_epochs_that_are_scored(own, leafgan, tmp_path, monkeypatch):
    translated = []

    class Counting(Translator):
        def __init__(self, checkpoint, *rest):
            translated.append(checkpoint.card.epoch)
            super().__init__(checkpoint, *rest)

    monkeypatch.setattr(score, "Translator", Counting)
    config, watcher = config_of(leafgan, batch_size=1, count=2), Watching(tmp_path, stop_after=3)
    with pytest.raises(Stopped):
        score.score_epochs(config, own, watcher)
    assert [one["epoch"] for one in read_json(tmp_path / "scores.json")["epochs"]] == [1]
    watcher.stop_after = None
    assert [one.epoch for one in score.score_epochs(config, own, watcher).epochs] == [1, 2]
    assert translated == [1, 2, 2], "the first epoch is there, the second was not finished"


def test_an_epoch_that_is_not_saved_is_refused(own, leafgan, tmp_path):
    with pytest.raises(NotFoundError, match=r"epochs: got 9, saved by run .*: 1, 2\."):
        score.score_epochs(config_of(leafgan, epochs="1,9"), own, Watching(tmp_path))


def test_an_epoch_that_vanishes_is_named_and_the_others_go_on(own, leafgan, tmp_path, monkeypatch):
    def forgetful(workspace, ref):
        if ref.endswith("@1"):
            raise NotFoundError("gone")
        return open_checkpoint(workspace, ref)

    monkeypatch.setattr(score, "open_checkpoint", forgetful)
    watcher = Watching(tmp_path)
    result = score.score_epochs(config_of(leafgan), own, watcher)
    assert [one.epoch for one in result.epochs] == [2]
    assert watcher.warnings == ["Epoch 1 was removed before it could be scored."]


def test_a_judge_that_knows_real_pictures_names_the_fakes(own, leafgan, monkeypatch):
    carrier(own)("classifier", dataset=load(own, "leaves").ref)
    monkeypatch.setattr(material, "Judge", SeesOrange)
    monkeypatch.setattr(yardstick, "LEAST_TRIED", 2)  # the journey has a few
    result = scored(own, leafgan)
    assert result.judge.partition("@")[0] in {run.name for run in own.runs.glob("*classifier*")}
    assert {labels: one.value for labels, one in result.judged_right.items()} == {"healthy": 1.0, "rust": 1.0}
    assert result.untranslated["target_rate"].value == 0
    rate = result.epochs[-1].scores["target_rate"]
    assert rate.low is not None and rate.low <= rate.value <= rate.high


def test_a_judge_that_does_not_know_real_pictures_is_not_believed(own, leafgan, monkeypatch):
    class CallsAllRust(SeesOrange):
        def __call__(self, pictures):
            return ["rust"] * len(pictures)

    carrier(own)("classifier", dataset=load(own, "leaves").ref)
    monkeypatch.setattr(material, "Judge", CallsAllRust)
    monkeypatch.setattr(yardstick, "LEAST_TRIED", 2)
    result = scored(own, leafgan, epochs=(1,))
    assert "target_rate" not in result.epochs[0].scores
    assert "names 50% of real validation pictures rightly at this size (healthy 0%" in result.withheld["target_rate"]


def test_the_way_back_of_a_run_without_masks(own, journey):
    run = carrier(own)("cyclegan", dataset=journey.dataset, b="rust", epochs=1)
    result = scored(own, run.id, direction="ba")
    assert result.sources == len(load(own, journey.dataset).select(split="val", labels="rust"))
    assert result.withheld["outside"] == "the run was trained without masks"
    assert result.epochs[0].scores.keys() == {"cycle"}


def test_scores_can_be_read_while_they_are_made(own, leafgan, monkeypatch):
    """After each epoch `scores.json` holds those so far."""
    seen = []

    def noting(path, value):
        if path.name == "scores.json":
            seen.append(len(value["epochs"]))

    monkeypatch.setattr(score, "write_json", noting)
    run = carrier(own)("score", run=leafgan)
    assert seen == [1, 2]
    assert read_scores(open_run(own, run.id)) is None
