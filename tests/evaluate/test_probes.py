"""Shortcut probes: what they leave of a picture, and whether they find what is planted."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import f1_score

from leafcore.errors import ConfigError, DatasetError, Stopped
from leafcore.evaluate.probe_configs import VIEWS, ProbesConfig
from leafcore.evaluate.probe_result import Probes, ViewScore
from leafcore.evaluate.probe_views import ViewedImages, Viewing, kept, mean_color
from leafcore.evaluate.probes import decide, guessed_macro_f1, majority_share, probes
from leafcore.evaluate.result import Estimate
from leafcore.jobs import build_config, submit
from tests.conftest import TINY, carrier
from tests.watcher import Watcher

FILL = np.array([9, 8, 7], np.uint8)


def viewing(view, border=0.25, margin=0.0):
    return Viewing(view, border, margin, FILL)


# --- what is left -----------------------------------------------------------------------------------------------------


@pytest.fixture
def leaf():
    """A leaf of 4 x 4 px in the middle of 8 x 8 px, (1, 1, 8, 8)."""
    mask = torch.zeros((1, 1, 8, 8), dtype=torch.uint8)
    mask[..., 2:6, 2:6] = 1
    return mask


def test_leaf_and_background_are_the_whole_picture_and_share_no_pixel(leaf):
    left = {view: kept(leaf, viewing(view)) for view in VIEWS}
    assert left["whole"].all()
    assert torch.equal(left["leaf"], leaf > 0)
    assert torch.equal(left["background"], ~left["leaf"])


def test_the_border_is_a_frame_without_the_leaf(leaf):
    leaf[..., 0, 3] = 1  # a stalk that leaves the picture
    frame = kept(leaf, viewing("border"))
    assert frame.sum() == 8 * 8 - 4 * 4 - 1 and not frame[..., 2:6, 2:6].any() and not frame[..., 0, 3].any()


def test_what_lies_close_around_the_leaf_is_no_background(leaf):
    background = kept(leaf, viewing("background", margin=0.125))
    assert background.sum() == 8 * 8 - 6 * 6 and not background[..., 1:7, 1:7].any()
    assert torch.equal(kept(leaf, viewing("leaf", margin=0.125)), leaf > 0), "the leaf itself grows no further"


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_taken_away_leaves_no_trace(leaf, view):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (1, 8, 8, 3), np.uint8)
    masks = leaf.permute(0, 2, 3, 1).numpy()
    stays = kept(leaf, viewing(view))[0, 0].numpy()
    other = np.where(stays[..., None], picture[0], rng.integers(0, 255, (8, 8, 3), np.uint8))[None]
    targets = np.zeros((1, 2), np.float32)
    shown = [ViewedImages([each], targets, masks, viewing(view)).pick(np.array([0])) for each in (picture, other)]
    assert torch.equal(*shown), "only what is left has a say"
    seen = shown[0][0].permute(1, 2, 0).numpy()
    assert (seen[~stays] == FILL).all() and (seen[stays] == picture[0][stays]).all()


def test_the_rest_has_the_mean_color_of_the_train_pictures():
    images = np.stack([np.full((4, 4, 3), 10, np.uint8), np.full((4, 4, 3), 21, np.uint8)])
    images[..., 2] = 200
    assert mean_color(images).tolist() == [16, 16, 200] and mean_color(images).dtype == np.uint8


# --- chance -----------------------------------------------------------------------------------------------------------


def test_no_guess_beats_chance_where_a_picture_is_of_one_class():
    rng = np.random.default_rng(1)
    shares = np.array([0.6, 0.3, 0.1])
    targets = np.eye(3)[rng.choice(3, 60_000, p=shares)]
    assert guessed_macro_f1(targets, exclusive=True) == pytest.approx(1 / 3)
    for named in (shares, np.full(3, 1 / 3), np.array([1.0, 0, 0]), np.array([0.5, 0.25, 0.25])):
        guesses = np.eye(3)[rng.choice(3, 60_000, p=named)]
        assert f1_score(targets, guesses, average="macro", zero_division=0) < 1 / 3 + 0.01


def test_naming_every_label_is_the_best_guess_where_each_is_told_for_itself():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0]])
    always = np.ones_like(targets)[:, :2]
    chance = guessed_macro_f1(targets, exclusive=False)
    assert chance == pytest.approx(f1_score(targets[:, :2], always, average="macro")), "the third label never occurs"


def test_the_majority_is_that_of_the_train_pictures():
    assert majority_share(["rust", "rust", "scab"], ["rust", "scab", "scab", "scab"]) == 0.25


@pytest.fixture
def faint():
    """Labels that are told perfectly, but with low probabilities: targets, probabilities and groups."""
    rng = np.random.default_rng(3)
    targets = rng.random((80, 3)) < 0.4
    targets[:, 0] |= ~targets.any(1)
    return targets, np.where(targets, 0.2, 0.05) + rng.uniform(0, 0.04, (80, 3)), np.arange(80) // 2


def test_labels_that_are_told_with_low_probabilities_are_told(faint):
    targets, said, group = faint
    assert (decide(targets, said, group, exclusive=False) == targets).all()
    one = np.array([[0.2, 0.7, 0.1]])
    assert decide(np.zeros((1, 3), bool), one, np.array([0]), exclusive=True).tolist() == [[False, True, False]]


def test_no_picture_is_judged_by_a_threshold_that_it_chose(faint):
    targets, said, group = faint
    before = decide(targets, said, group, exclusive=False)
    for half in (0, 1):
        other = np.where((group % 2 == half)[:, None], ~targets, targets)
        after = decide(other, said, group, exclusive=False)
        assert (after[group % 2 == half] == before[group % 2 == half]).all()
        assert (after != before).any(), "the other half's thresholds were chosen on what has changed"


# --- what it says -----------------------------------------------------------------------------------------------------


def found(background, border=(0.3, 0.2, 0.4), whole=(0.9, 0.8, 1.0), groups=20):
    """Return what probes found, of macro-F1 with its interval."""
    scores = {"whole": whole, "leaf": (0.9, 0.8, 1.0), "background": background, "border": border}
    views = {}
    for view, (value, low, high) in scores.items():
        estimate = Estimate(value=value, low=low, high=high)
        views[view] = ViewScore(macro_f1=estimate, accuracy=estimate, seeds=(value,), pixels=0.5)
    facts = {"dataset": "d@1", "images": 40, "groups": groups, "train_images": 90, "steps": 4}
    return Probes(**facts, chance=0.33, majority=0.4, views=views)


def test_a_background_far_above_chance_is_said():
    told = found(background=(0.71, 0.6, 0.8))
    assert told.telling == ("background",)
    assert told.sentence == (
        "The background tells: 0.71 [0.60, 0.80] macro-F1 without a leaf "
        "(chance 0.33, whole picture 0.90; n = 40 validation pictures)."
    )


def test_the_worse_of_two_shortcuts_is_said():
    told = found(background=(0.6, 0.5, 0.8), border=(0.7, 0.6, 0.8))
    assert told.telling == ("background", "border") and told.sentence.startswith("The border tells: 0.70")


def test_what_may_be_chance_or_little_more_is_no_shortcut():
    told = found(background=(0.71, 0.42, 0.8))
    assert told.telling == () and told.sentence.startswith("No shortcut shown: background only 0.71")


def test_classifiers_that_learned_nothing_clear_nobody():
    told = found(background=(0.3, 0.2, 0.4), whole=(0.4, 0.3, 0.5))
    assert told.sentence.startswith("No shortcut can show: whole pictures are told no better than by chance, 0.40")


def test_too_few_groups_for_an_interval_allow_no_claim_and_the_numbers_are_said():
    unknown = (math.nan, math.nan)
    told = found((0.96, *unknown), border=(0.93, *unknown), whole=(0.97, *unknown), groups=9)
    assert told.sentence == (
        "No claim from 9 independent validation groups; 10 are needed: background only 0.96, border only 0.93 "
        "(chance 0.33, whole picture 0.97; n = 40 validation pictures); split the dataset again with a larger "
        "validation share."
    )
    assert not told.is_known and told.telling == ()


# --- known answers ----------------------------------------------------------------------------------------------------

CLASSES = {"blue": (40, 60, 200), "red": (200, 60, 40)}


def plant(root, told_by):
    """Write a dataset whose classes are told by a color of the background or of the leaf alone."""
    rng = np.random.default_rng(5)
    inside = np.zeros((32, 32), bool)
    inside[9:23, 9:23] = True
    for name, color in CLASSES.items():
        for index in range(36):
            picture = rng.integers(0, 255, 3) * np.ones((32, 32, 1))
            picture[inside if told_by == "leaf" else ~inside] = color
            (root / name).mkdir(parents=True, exist_ok=True)
            noisy = np.clip(picture + rng.normal(0, 6, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(root / name / f"{index}.png")
    return root, inside


@pytest.fixture
def probed(workspace, tmp_path, monkeypatch):
    """Return a function that probes a planted dataset with its exact masks."""

    def probe(told_by):
        source, inside = plant(tmp_path / told_by, told_by)
        Image.fromarray(inside).save(tmp_path / "mask.png")
        carry = carrier(workspace)
        dataset = carry("import", source=source, name=told_by, val=0.3, near_duplicates=False).result()["dataset"]
        exact = lambda workspace, dataset, images, run_id: {image: tmp_path / "mask.png" for image in images}  # noqa: E731
        monkeypatch.setattr("leafcore.evaluate.probes.mask_files", exact)
        tiny = {**TINY["probes"], "seeds": 1, "steps": 24, "batch_size": 16, "learning_rate": 0.01}
        config = ProbesConfig(**tiny, dataset=dataset, device="cpu")
        return probes(config, workspace, Watcher(tmp_path / f"run-{told_by}"))

    return probe


def test_a_background_that_gives_the_class_away_is_found(probed):
    told = probed("background")
    assert set(told.telling) == {"background", "border"} and " tells: " in told.sentence
    assert told.views["background"].macro_f1.value > 0.9 > told.views["leaf"].macro_f1.value


def test_a_class_that_only_the_leaf_shows_is_no_shortcut(probed):
    told = probed("leaf")
    assert told.telling == () and told.sentence.startswith("No shortcut shown")
    assert told.views["leaf"].macro_f1.value > 0.9 and told.views["whole"].macro_f1.value > 0.8


# --- the verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def config(journey):
    """Two seeds of four tiny classifiers, four steps each."""
    masks = journey.runs["masks"].id
    return ProbesConfig(**TINY["probes"], dataset=journey.dataset, masks=masks, device="cpu")


def test_a_resumed_probe_equals_an_uninterrupted_one(own, config, tmp_path):
    with pytest.raises(Stopped):
        probes(config, own, Watcher(tmp_path / "parts", stop_after=10))
    parts = probes(config, own, Watcher(tmp_path / "parts"))
    watcher = Watcher(tmp_path / "whole")
    whole = probes(config, own, watcher)
    assert parts.model_dump(mode="json") == whole.model_dump(mode="json")
    assert watcher.done == 8 * 4 and watcher.samples[0].shape[1] > 4 * 32
    assert json.loads((tmp_path / "whole" / "probes.json").read_text()) == whole.model_dump(mode="json")
    assert not list((tmp_path / "whole").rglob("*.safetensors")), "weights of probes are of no use"


def test_finished_cells_and_what_the_present_one_saved_are_safe(own, config, tmp_path):
    watcher = Watcher(tmp_path / "run", stop_after=10)
    with pytest.raises(Stopped):
        probes(config, own, watcher)
    assert watcher.safe == [0, 4, 4, 8, 8, 10], "before and after each cell, and where the third was stopped"
    again = Watcher(tmp_path / "run", stop_after=10)
    with pytest.raises(Stopped):
        probes(config, own, again)
    assert again.safe[0] == 10


def test_the_test_split_stays_closed(own, config, tmp_path):
    (note,) = own.openings.glob("*.json")
    before = note.read_text()
    told = probes(config, own, Watcher(tmp_path / "run"))
    assert note.read_text() == before
    assert told.images < 44 and told.mask_iou is None


def test_the_newest_mask_set_is_chosen_when_the_run_is_queued(own, journey):
    run = submit(own, "probes", build_config("probes", {"dataset": "leaves"}))
    assert run.record.settings["masks"] == journey.runs["masks"].id == run.record.uses[0]
    assert run.record.settings["dataset"] == journey.dataset


def test_a_dataset_whose_leaves_nobody_knows_is_refused(workspace, leaf_folders):
    carrier(workspace)("import", source=leaf_folders, name="bare", near_duplicates=False)
    with pytest.raises(ConfigError, match="masks: nobody knows where the leaves of bare@"):
        submit(workspace, "probes", build_config("probes", {"dataset": "bare"}))


def test_a_split_without_masks_is_named(own, config, tmp_path, monkeypatch):
    none = lambda workspace, dataset, images, run_id: dict.fromkeys(images)  # noqa: E731
    monkeypatch.setattr("leafcore.evaluate.probes.mask_files", none)
    with pytest.raises(DatasetError, match="masks: no train picture of leaves@"):
        probes(config, own, Watcher(tmp_path / "run"))
