"""Mask sets that are refined or corrected by hand; see `test_make` for all else about making them."""

import numpy as np
import pytest
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.mask_sets import PLAIN, REFINED, Refinement, mask_path, open_mask_set
from leafcore.errors import ConfigError, NotFoundError, Stopped
from leafcore.images import load_mask, load_square
from leafcore.jobs import build_config, execute, submit
from leafcore.masks import refine
from leafcore.masks.configs import MasksConfig
from leafcore.masks.corrections import Correction, Stroke, correct, load_draft
from leafcore.masks.lflseg import open_lflseg
from leafcore.masks.make import make_masks
from leafcore.masks.refine import SIDE, corrected
from leafcore.train.device import resolve_device
from tests.watcher import Watcher


@pytest.fixture
def dataset(own, journey):
    return load(own, journey.dataset)


@pytest.fixture
def config(dataset, journey):
    return MasksConfig(dataset=dataset.ref, model=journey.runs["lflseg"].id, device="cpu")


@pytest.fixture
def weights(own, config):
    return open_checkpoint(own, config.model).card.weights_sha256


def masks_of(dataset, folder):
    return {image: load_mask(mask_path(folder, image)) for image in dataset.records["image"]}


def carried(own, run):
    execute(own, run, lane="cpu", owner="cli")
    return open_mask_set(own, run.id)


def test_grabcut_comes_with_what_its_outlines_need_unless_told_otherwise():
    values = {"dataset": "d", "model": "m"}
    assert build_config("masks", values).refinement() == PLAIN
    assert build_config("masks", {**values, "refine": "grabcut"}).refinement() == REFINED
    some = build_config("masks", {**values, "refine": "grabcut", "fill": "false", "smooth_px": "0"})
    assert some.refinement() == Refinement(method="grabcut", largest=True)
    assert build_config("masks", {**values, "fill": "true"}).refinement() == Refinement(fill=True)
    with pytest.raises(ConfigError, match="refine: got 'magic', expected 'none' or 'grabcut'"):
        build_config("masks", {**values, "refine": "magic"})


def test_refined_masks_follow_the_pictures_and_say_so(own, dataset, config):
    masks = carried(own, submit(own, "masks", MasksConfig(**{**config.model_dump(), "fill": True, "smooth_px": 9})))
    assert masks.card.refinement == Refinement(fill=True, smooth_px=9) and masks.card.corrected == ()
    grabbed = carried(own, submit(own, "masks", MasksConfig(dataset=dataset.ref, model=config.model, refine="grabcut")))
    assert grabbed.card.refinement == REFINED
    model = open_lflseg(own, config.model, resolve_device("cpu"))
    for record, look in zip(dataset.rows(), model.look(dataset.paths(dataset.records)), strict=True):
        size = record["width"], record["height"]
        expected = corrected(load_square(look.path, SIDE), look.cam, 0.35, REFINED, None, size=size).mask
        assert np.array_equal(load_mask(mask_path(grabbed.folder, record["image"])), expected)


def test_masks_that_grabcut_lost_are_counted_whenever_they_were_made(own, dataset, config, tmp_path, monkeypatch):
    monkeypatch.setattr(refine, "LEAST_KEPT", 2.0)  # whatever GrabCut keeps is too little
    config = MasksConfig(**{**config.model_dump(), "refine": "grabcut"})
    with pytest.raises(Stopped):
        make_masks(config, own, Watcher(tmp_path, stop_after=5))
    assert make_masks(config, own, Watcher(tmp_path)).fallbacks == len(dataset.records)
    monkeypatch.undo()
    assert make_masks(config, own, Watcher(tmp_path / "again")).fallbacks == 0


def test_a_stopped_run_draws_what_an_uninterrupted_one_does(own, dataset, config, tmp_path):
    config = MasksConfig(dataset=dataset.ref, model=config.model, refine="grabcut", batch_size=4, device="cpu")
    with pytest.raises(Stopped):
        make_masks(config, own, Watcher(tmp_path / "run", stop_after=5))
    resumed = make_masks(config, own, Watcher(tmp_path / "run"))
    assert resumed == make_masks(config, own, Watcher(tmp_path / "whole"))
    first, second = (masks_of(dataset, tmp_path / name) for name in ("run", "whole"))
    assert all(np.array_equal(first[image], second[image]) for image in first)


def test_outliers_are_named_with_what_they_were_taken_for(own, dataset, config, tmp_path):
    result = make_masks(config.model_copy(update={"delta": 0.0}), own, Watcher(tmp_path / "run"))
    full = [image for image, mask in masks_of(dataset, tmp_path / "run").items() if mask.all()]
    assert sorted(result.outliers.full) == sorted(full) and len(full) == result.full > 0
    model = open_lflseg(own, config.model, resolve_device("cpu"))
    looks = model.look(dataset.paths(dataset.records))
    seen_as = [int(look.probabilities.argmax()) for look in looks]
    odd = {
        image: ("partial leaf", "non-leaf")[name - 1]
        for image, name in zip(dataset.records["image"], seen_as, strict=True)
        if name
    }
    assert result.outliers.not_whole == odd


def test_a_picture_that_goes_before_it_is_refined_is_skipped(own, dataset, config, tmp_path, monkeypatch):
    from leafcore.errors import DatasetError
    from leafcore.masks import make

    gone = dataset.records["image"].iloc[2]

    def load_or_not(path, size_px):
        if path == dataset.root / gone:
            raise DatasetError(f"{path}: there is no such file.")
        return load_square(path, size_px)

    monkeypatch.setattr(make, "load_square", load_or_not)
    result = make_masks(MasksConfig(dataset=dataset.ref, model=config.model, refine="grabcut"), own, Watcher(tmp_path))
    assert list(result.skipped) == [gone] and result.images == len(dataset.records) - 1


# --- corrections ------------------------------------------------------------------------------------------------------


def test_corrected_masks_are_drawn_as_said_and_flagged(own, dataset, config, weights):
    tuned, inverted, drawn, *rest = dataset.records["image"]
    line = Stroke(kind="exclude", points=((0.0, 0.5), (1.0, 0.5)))
    for said in (
        Correction(image=tuned, delta=1.0),
        Correction(image=inverted, invert=True),
        Correction(image=drawn, strokes=(line,)),
        Correction(image="gone.png", invert=True),
    ):
        correct(own, dataset.name, weights, said)
    plain = masks_of(dataset, carried(own, submit(own, "masks", config)).folder)
    run = submit(own, "masks", config.model_copy(update={"corrections": "draft"}))
    masks = carried(own, run)
    found = masks_of(dataset, masks.folder)
    assert found[tuned].mean() < plain[tuned].mean() and np.array_equal(found[inverted], ~plain[inverted])
    middle = found[drawn].shape[0] // 2
    assert not found[drawn][middle].any() and plain[drawn][middle].any()
    assert all(np.array_equal(found[image], plain[image]) for image in rest)
    assert masks.card.corrected == tuple(sorted([tuned, inverted, drawn]))
    assert masks.card.corrections == run.record.settings["corrections"] and run.result()["corrected"] == 3


def test_what_is_corrected_later_never_changes_a_queued_run(own, dataset, config, weights):
    first, second, *_ = dataset.records["image"]
    correct(own, dataset.name, weights, Correction(image=first, invert=True))
    run = submit(own, "masks", config.model_copy(update={"corrections": "draft"}))
    correct(own, dataset.name, weights, Correction(image=first))
    correct(own, dataset.name, weights, Correction(image=second, invert=True))
    assert carried(own, run).card.corrected == (first,)
    assert set(load_draft(own, dataset.name, weights)) == {second}, "a run takes nothing from the draft"


def test_an_untouched_draft_is_none(own, config):
    run = submit(own, "masks", config.model_copy(update={"corrections": "draft"}))
    assert run.record.settings["corrections"] == "none"


def test_a_verb_that_was_not_submitted_reads_the_draft_itself(own, dataset, config, weights, tmp_path):
    image = dataset.records["image"].iloc[0]
    correct(own, dataset.name, weights, Correction(image=image, invert=True))
    result = make_masks(config.model_copy(update={"corrections": "draft"}), own, Watcher(tmp_path / "run"))
    assert result.corrected == 1


def test_corrections_that_are_gone_are_refused_at_once(own, config):
    with pytest.raises(NotFoundError, match="corrections: got '0123456789ab'"):
        submit(own, "masks", config.model_copy(update={"corrections": "0123456789ab"}))
    with pytest.raises(ConfigError, match=r"corrections: got '\.\./x'"):
        build_config("masks", {"dataset": "d", "model": "m", "corrections": "../x"})


def test_masks_are_files_of_black_and_white_whatever_was_done(own, dataset, config, tmp_path):
    make_masks(MasksConfig(dataset=dataset.ref, model=config.model, refine="grabcut"), own, Watcher(tmp_path))
    for record in dataset.rows():
        with Image.open(mask_path(tmp_path, record["image"])) as mask:
            assert (mask.mode, mask.size) == ("L", (record["width"], record["height"]))
            assert set(np.unique(mask)) <= {0, 255}
