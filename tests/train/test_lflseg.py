from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from leafcore.data import nonleaf
from leafcore.data.layouts import GRID
from leafcore.data.manifest import load
from leafcore.errors import CheckpointError
from leafcore.train import lflseg
from leafcore.train.configs import LFLSegConfig
from leafcore.train.confusion import load_confusion
from leafcore.train.lflseg import LFLSeg
from leafcore.train.lflseg_data import LFLSegPictures, lflseg_pictures
from leafcore.workspace import Workspace
from tests.conftest import carrier, write_folders
from tests.watcher import Watcher

SIZE, LOADED = 64, 72  # px of the crops, px of the decoded pictures


def checkered(count, start):
    """Return pictures whose nine cells each have a grey of their own: (count, 72, 72, 3) uint8."""
    greys = start + np.arange(count * GRID**2).reshape(count, GRID, GRID)
    return np.repeat(greys.repeat(24, 1).repeat(24, 2)[..., None], 3, axis=3).astype(np.uint8)


def plain(count, grey):
    return np.full((count, LOADED, LOADED, 3), grey, np.uint8)


def make(batch_size=9, leaves=4, **values):
    pictures = LFLSegPictures(
        train_leaf=checkered(leaves, 10),
        val_leaf=values.pop("val_leaf", checkered(3, 100)),
        train_nonleaf=plain(5, 200),
        val_nonleaf=plain(2, 250),
        seen={},
    )
    fixed = {"dataset": "d", "backbone": "test_resnet", "pretrained": False, "size_px": SIZE, "epochs": 5}
    config = LFLSegConfig(**fixed | {"batch_size": batch_size} | values)
    return LFLSeg(config, pictures, torch.device("cpu"))


def grey_of(images):
    """Return the pixels of (N, 3, S, S) in [0, 255] as grey levels."""
    return images[:, 0].round().int()


@pytest.mark.parametrize(("batch_size", "each"), [(3, 1), (4, 1), (9, 3), (32, 10)])
def test_a_batch_holds_a_third_of_each_class(batch_size, each):
    images, classes = make(batch_size).next_batch()
    assert images.shape == (3 * each, 3, SIZE, SIZE) and images.dtype == torch.float32
    assert classes.tolist() == [0] * each + [1] * each + [2] * each
    assert images.min() > 9.9 and images.max() == pytest.approx(200), "levels from 0 to 255"


def test_whole_leaves_are_whole_parts_are_ninths_and_others_are_others():
    images, _ = make(9).next_batch()
    greys = grey_of(images)
    for whole in greys[:3]:
        middles = whole[12::20, 12::20].flatten()
        assert len(middles.unique()) == 9 and middles.max() - middles.min() == 8, "all nine cells, a little soft"
    for part in greys[3:6]:
        assert len(part.unique()) == 1, "one cell, enlarged"
        assert 10 <= part[0, 0] < 10 + 4 * 9
    assert greys[6:].unique().tolist() == [200]


def test_every_ninth_of_every_leaf_is_a_part_once_a_pass():
    recipe = make(9, leaves=4)
    parts = torch.cat([grey_of(recipe.next_batch()[0])[3:6, 0, 0] for _ in range(12)])
    assert sorted(parts.tolist()) == list(range(10, 46))


def test_the_step_descends_the_cross_entropy():
    torch.manual_seed(0)
    recipe = make(9)
    images, classes = recipe.next_batch()
    recipe.net.train()
    with torch.no_grad():
        probabilities = recipe.net(recipe.scale(images)).softmax(1)
    wanted = -probabilities[torch.arange(9), classes].log().mean()
    losses = [recipe.step((images, classes))["cross_entropy"].item() for _ in range(6)]
    assert losses[0] == pytest.approx(wanted.item(), rel=1e-5) and losses[-1] < 0.8 * losses[0]


class ByBrightness(nn.Module):
    """Says non-leaf from grey 240 on, partial leaf for one grey, else full leaf."""

    def forward(self, images):
        grey = images[:, 0]
        flat = grey.amax((1, 2)) - grey.amin((1, 2)) < 0.01
        bright = grey.mean((1, 2)) > 240 / 127.5 - 1
        return nn.functional.one_hot(torch.where(bright, 2, flat.long()), 3).float()


@pytest.mark.parametrize(("answer", "scores"), [(0, (3 / 8, 1, 0, 0)), (1, (3 / 8, 0, 1, 0)), (2, (2 / 8, 0, 0, 1))])
def test_validation_counts_each_class(answer, scores):
    recipe = make()

    class Always(nn.Module):
        def forward(self, images):
            return nn.functional.one_hot(torch.full((len(images),), answer), 3)

    recipe.net = Always()
    got = recipe.end_epoch()
    names = ("val_accuracy", "val_accuracy_full", "val_accuracy_partial", "val_accuracy_nonleaf")
    assert [got[name] for name in names] == pytest.approx(scores), "three leaves, a part of each, two other things"


def test_validation_tells_which_class_is_taken_for_which():
    recipe = make()
    recipe.net = ByBrightness()
    scores = recipe.end_epoch()
    assert recipe.confusion.counts == ((3, 0, 0), (0, 3, 0), (0, 0, 2))
    recipe.pictures = replace(recipe.pictures, val_nonleaf=plain(4, 150))
    scores = recipe.end_epoch()
    assert recipe.confusion.counts == ((3, 0, 0), (0, 3, 0), (0, 4, 0)), "plain and dark: a part, it says"
    assert (scores["val_accuracy"], scores["val_accuracy_nonleaf"]) == (0.6, 0)


def test_a_run_says_which_class_its_epoch_takes_for_which(journey):
    run = journey.runs["lflseg"]
    result = run.result()
    told = load_confusion(run.folder, result["best_epoch"])
    assert result["confusion"] == told.model_dump(mode="json") and told.accuracy == result["scores"]["val_accuracy"]
    held_out = load(journey.workspace, journey.dataset).select(split="val")
    assert [sum(row) for row in told.counts][:2] == [len(held_out)] * 2 and sum(told.counts[2]) > 0
    assert load_confusion(run.folder, 1) is not None, "every epoch that may be promoted has one"


def test_leaves_of_one_group_are_never_learned_from_and_validated_on(workspace, nonleaf_folder, tmp_path):
    folders = write_folders(tmp_path / "leaves", {"healthy": 24, "rust": 16})
    run = carrier(workspace)("import", source=folders, name="g", group_regex=r"([a-z]+-0\d)\d")  # in tens
    dataset = load(workspace, run.result()["dataset"])
    config = LFLSegConfig(dataset=dataset.ref, nonleaf=str(nonleaf_folder), size_px=64)
    seen = lflseg_pictures(config, workspace, Watcher(tmp_path / "run")).seen
    group = dict(zip(dataset.records["sha256"], dataset.records["group"], strict=True))
    learned, validated = ({group[name] for name in seen[role]} for role in ("lflseg", "probe"))
    assert len(set(group.values())) < len(group) and learned and not learned & validated


def test_validation_shows_whole_leaves_single_cells_and_other_things():
    recipe = make()
    recipe.net = ByBrightness()
    assert recipe.end_epoch()["val_accuracy"] == 1


def test_a_dataset_without_validation_leaves_is_scored_on_other_things_alone():
    recipe = make(val_leaf=checkered(0, 0))
    assert set(recipe.end_epoch()) == {"val_accuracy", "val_accuracy_nonleaf"}


def test_the_rate_ends_where_one_cycle_ends():
    recipe = make(max_steps_per_epoch=2)
    rates = []
    for _ in range(10):
        rates.append(recipe.optimizer.param_groups[0]["lr"])
        recipe.step(recipe.next_batch())
    assert max(rates) == rates[2] == pytest.approx(recipe.config.learning_rate), "after three tenths"
    assert rates[2:] == sorted(rates[2:], reverse=True) and rates[-1] < 1e-8


def test_a_backbone_that_no_heat_map_comes_of_is_refused_before_training():
    with pytest.raises(CheckpointError, match="VisionTransformer does not end in maps of channels x height x width"):
        make(backbone="test_vit")


def test_a_backbone_whose_heat_map_has_no_closed_form_may_be_trained():
    recipe = make(backbone="mobilenetv3_small_050")
    recipe.step(recipe.next_batch())
    assert recipe.end_epoch()["val_accuracy"] >= 0


# --- scale ------------------------------------------------------------------------------------------------------------


def test_the_network_sees_pictures_as_its_imagenet_weights_expect_while_training_and_validating(monkeypatch):
    recipe, seen = make(9, backbone="resnet18"), []
    forward = type(recipe.net).forward
    monkeypatch.setattr(type(recipe.net), "forward", lambda net, images: seen.append(images) or forward(net, images))
    recipe.step(recipe.next_batch())
    recipe.end_epoch()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for images, grey in ((seen[0], 200), (seen[-1], 250)):  # the last pictures of a batch, and of all, are plain
        assert torch.allclose(images[-1, :, 0, 0], (grey / 255 - mean) / std, atol=1e-5)


def test_a_description_says_how_pictures_are_scaled_and_how_much_detail_a_whole_leaf_may_show():
    recipe = make(backbone="resnet18")
    recipe.pictures = replace(recipe.pictures, detail=0.25)
    described = recipe.describe()
    assert described["input"] == {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    assert described["detail"] == 0.25


# --- sharpness --------------------------------------------------------------------------------------------------------


def clouds(count, side, seed=0):
    """Return pictures that look alike at every scale, as photographs nearly do: (count, side, side, 3) uint8."""
    along = np.fft.fftfreq(side)
    falling = 1 / np.maximum(np.hypot(along[:, None], along), 1 / side)
    waves = np.fft.fft2(np.random.default_rng(seed).normal(size=(count, side, side))) * falling
    waves[:, 0, 0] = 0
    grey = np.fft.ifft2(waves).real
    grey = 128 + 40 * grey / grey.std((1, 2), keepdims=True)
    return np.repeat(np.clip(grey, 0, 255)[..., None], 3, axis=3).astype(np.uint8)


def laplacian(images):
    """Return the mean absolute Laplacian of (N, 3, H, W): (N,)."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    return nn.functional.conv2d(images.mean(1, keepdim=True), kernel).abs().mean((1, 2, 3))


def fineness(images):
    """Return how much of what changes at all is fine: (N,). Unlike the Laplacian it does not grow with contrast."""
    coarser = nn.functional.interpolate(images, scale_factor=0.5, mode="bilinear", antialias=True)
    return laplacian(images) / laplacian(coarser).clamp_min(1e-3)


def told_apart(one, other, measure):
    """Return how well a threshold on a measure tells two sets of pictures apart: AUC, 0.5 to 1."""
    values = torch.cat([measure(one), measure(other)])
    auc = roc_auc_score([1] * len(one) + [0] * len(other), values)
    return max(auc, 1 - auc)


def classes_told_apart(recipe, measure, batches=5):
    """Return how well a measure tells two classes of training pictures apart, at best: AUC, 0.5 to 1."""
    drawn = [recipe.next_batch() for _ in range(batches)]
    images, classes = torch.cat([images for images, _ in drawn]), torch.cat([classes for _, classes in drawn])
    pairs = ((0, 1), (0, 2), (1, 2))
    return max(told_apart(images[classes == one], images[classes == other], measure) for one, other in pairs)


def alike(leaf_px, detail):
    """Return a recipe whose classes differ in nothing but how their pictures came about."""
    recipe = make(96)
    pictures = {"train_leaf": clouds(40, leaf_px), "train_nonleaf": clouds(40, LOADED, seed=1)}
    return LFLSeg(recipe.config, replace(recipe.pictures, **pictures, detail=detail), recipe.device)


@pytest.mark.parametrize(("leaf_px", "detail"), [(LOADED, 1 / 3), (3 * LOADED, 1.0)])
@pytest.mark.parametrize("measure", [laplacian, fineness])
def test_sharpness_tells_nothing_where_pictures_differ_in_nothing_else(leaf_px, detail, measure):
    assert classes_told_apart(alike(leaf_px, detail), measure) < 0.62


@pytest.mark.parametrize("measure", [laplacian, fineness])
def test_sharpness_would_tell_all_if_parts_were_merely_enlarged(measure, monkeypatch):
    monkeypatch.setattr(lflseg, "LEAST_SHARE", 1.0)
    assert classes_told_apart(alike(LOADED, detail=1.0), measure) > 0.99


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Return a function that makes a recipe over rendered leaves and scenes, of 80 or 224 px for a network of 64."""
    workspace = Workspace(tmp_path_factory.mktemp("rendered"))
    carry = carrier(workspace)
    datasets = {
        size: carry("render", name=f"r{size}", count=90, size_px=size).result()["dataset"] for size in (80, 224)
    }

    def build(size_px, **values):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nonleaf, "SCENES", 60)
            fixed = {"backbone": "test_resnet", "pretrained": False, "size_px": SIZE, "batch_size": 96}
            config = LFLSegConfig(dataset=datasets[size_px], **fixed, **values)
            pictures = lflseg_pictures(config, workspace, Watcher(tmp_path_factory.mktemp("run")))
            return LFLSeg(config, pictures, torch.device("cpu"))

    return build


@pytest.mark.parametrize("size_px", [80, 224])
def test_rendered_leaves_and_parts_are_equally_fine(rendered, size_px, monkeypatch):
    recipe = rendered(size_px)
    assert classes_told_apart(recipe, fineness) < 0.7
    plain = replace(recipe.pictures, train_leaf=shrunk(recipe.pictures.train_leaf), detail=1.0)
    monkeypatch.setattr(lflseg, "LEAST_SHARE", 1.0)
    assert classes_told_apart(LFLSeg(recipe.config, plain, recipe.device), fineness) > 0.9, "as it was"


def shrunk(images):
    pictures = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
    small = nn.functional.interpolate(pictures, size=LOADED, mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1).round().byte().numpy()


def test_validation_shows_all_classes_equally_fine(rendered, monkeypatch):
    recipe, seen = rendered(80), []
    monkeypatch.setattr(recipe.net, "forward", lambda images: seen.append(images) or torch.zeros(len(images), 3))
    recipe.end_epoch()
    whole, parts = seen[:2]
    assert len(whole) == len(parts) == len(recipe.pictures.val_leaf)
    assert told_apart(whole, parts, fineness) < 0.75


def test_the_same_seed_shows_the_same_pictures(rendered):
    first, second, third = (rendered(80, seed=seed).next_batch()[0] for seed in (3, 3, 4))
    assert torch.equal(first, second) and not torch.equal(first, third)
