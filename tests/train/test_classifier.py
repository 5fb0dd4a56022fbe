import copy
import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from leafcore.data.classes import Classes
from leafcore.data.manifest import load
from leafcore.errors import DatasetError, Stopped
from leafcore.train.classifier import BestWeights, Classifier, LabelledImages
from leafcore.train.configs import ClassifierConfig
from leafcore.train.loop import train
from tests.conftest import carrier
from tests.watcher import Watcher

LABELS = ("healthy", "rust", "scab")


def pictures(targets, size_px=36):
    """Return a picture per row of targets: noise around a colour that the row decides."""
    targets = np.asarray(targets, np.float32)
    rng = np.random.default_rng(0)
    colors = targets @ np.array([[30, 200, 30], [200, 90, 0], [40, 40, 90]])[: targets.shape[1]]
    noise = rng.normal(0, 20, (len(targets), size_px, size_px, 3))
    return LabelledImages([np.clip(colors[:, None, None] + noise, 0, 255).astype(np.uint8)], targets)


def make(train_set, val_set, multi_label=False, **values):
    config = ClassifierConfig(
        **{"dataset": "d", "backbone": "test_resnet", "pretrained": False, "size_px": 32, "batch_size": 6, "epochs": 4}
        | {"precision": "fp32", **values}
    )
    return Classifier(config, train_set, val_set, Classes(LABELS, not multi_label), torch.device("cpu"))


@pytest.fixture
def simple():
    """Three classes that differ in colour."""
    return make(pictures(np.eye(3).repeat(4, 0)), pictures(np.eye(3).repeat(2, 0), size_px=32))


def test_pictures_are_picked_across_several_arrays():
    parts = [np.full((count, 4, 4, 3), 10 * count, np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None, None]
             for count in (2, 0, 3)]  # fmt: skip
    images = LabelledImages(parts, np.zeros((5, 1), np.float32))
    picked = images.pick(np.array([4, 0, 2, 1, 3]))
    assert picked.shape == (5, 3, 4, 4) and picked[:, 0, 0, 0].tolist() == [32, 20, 30, 21, 31]


def test_the_first_of_equally_good_epochs_is_kept():
    best = BestWeights()
    for epoch, score in enumerate((0.2, 0.5, 0.5, 0.4)):
        best.offer(score, {"x": torch.tensor(float(epoch))})
    assert best.score == 0.5 and best.weights["x"] == 1


def test_kept_weights_do_not_change_with_the_network():
    best, weights = BestWeights(), torch.zeros(1)
    best.offer(0.1, {"x": weights})
    weights.fill_(9)
    assert best.weights["x"] == 0


def test_one_label_is_a_softmax(simple):
    images, targets = simple.next_batch()
    simple.net.train()
    with torch.no_grad():
        logits = simple.net(simple.scale(images))
    wanted = -(torch.log(logits.exp() / logits.exp().sum(1, keepdim=True)) * targets).sum(1).mean()
    assert simple.step((images, targets))["cross_entropy"].item() == pytest.approx(wanted.item(), rel=1e-5)


def test_several_labels_are_a_sigmoid_each():
    targets = [[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 0]]
    recipe = make(pictures(targets), pictures(targets, size_px=32), multi_label=True)
    images, wanted_labels = recipe.next_batch()
    recipe.net.train()
    with torch.no_grad():
        chance = 1 / (1 + (-recipe.net(recipe.scale(images))).exp())
    wanted = -(wanted_labels * chance.log() + (1 - wanted_labels) * (1 - chance).log()).mean()
    assert recipe.step((images, wanted_labels))["cross_entropy"].item() == pytest.approx(wanted.item(), rel=1e-5)
    assert not np.allclose(recipe.predict(recipe.val_set).sum(1), 1)


def test_probabilities_of_one_label_sum_to_one_and_keep_the_order(simple):
    found = simple.predict(simple.val_set)
    assert found.shape == (6, 3) and np.allclose(found.sum(1), 1, atol=1e-6)
    alone = LabelledImages([simple.val_set.images[0][4:5]], simple.val_set.targets[4:5])
    assert np.allclose(simple.predict(alone)[0], found[4], atol=1e-5)


def test_there_are_no_probabilities_of_no_pictures(simple):
    assert simple.predict(LabelledImages([np.zeros((0, 32, 32, 3), np.uint8)], np.zeros((0, 3)))).shape == (0, 3)


def test_pictures_are_scaled_as_the_backbone_expects(simple):
    white = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    mean, std = (torch.tensor(simple.net.pretrained_cfg[name]).view(3, 1, 1) for name in ("mean", "std"))
    assert torch.allclose(simple.scale(white)[0], ((1 - mean) / std).expand(3, 2, 2))


def test_it_learns_what_is_easy_and_keeps_its_best_epoch(simple):
    scores = []
    for _ in range(4):
        for _ in range(6):
            simple.step(simple.next_batch())
        scores.append(simple.end_epoch()["val_macro_f1"])
    assert simple.best.score == max(scores) > 0.9
    simple.net.load_state_dict(simple.best.weights)
    decided = simple.predict(simple.val_set).argmax(1)
    assert (decided == simple.val_set.targets.argmax(1)).mean() > 0.8


def test_the_best_epoch_so_far_survives_a_resume(simple):
    simple.step(simple.next_batch())
    simple.best.offer(2.0, simple.net.state_dict())
    simple.step(simple.next_batch())
    resumed = make(simple.train_set, simple.val_set)
    resumed.load_state_dict(copy.deepcopy(simple.state_dict()))
    assert resumed.best.score == 2.0
    assert all(torch.equal(value, simple.best.weights[name]) for name, value in resumed.best.weights.items())
    resumed.step(resumed.next_batch())
    assert resumed.end_epoch()["val_macro_f1"] <= 1 and resumed.best.score == 2.0


def test_a_training_run_does_not_carry_its_best_weights_about(journey, settings, tmp_path):
    config, watcher = settings("classifier"), Watcher(tmp_path / "run")
    recipe = Classifier.from_config(config, journey.workspace, torch.device("cpu"), watcher)
    recipe.step(recipe.next_batch())
    recipe.end_epoch()
    assert not recipe.best.weights and "best" not in recipe.state_dict()["stateful"], "they are in weights/"


def test_a_description_says_how_pictures_are_scaled(simple):
    assert simple.describe()["input"] == {"mean": [0.5] * 3, "std": [0.5] * 3}


def test_the_rate_falls_along_a_cosine(simple):
    rates = []
    for _ in range(4):
        rates.append(simple.optimizer.param_groups[0]["lr"])
        simple.step(simple.next_batch())
        simple.end_epoch()
    wanted = [simple.config.learning_rate * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert rates == pytest.approx(wanted)


def test_the_rate_falls_to_its_floor_and_stays_there():
    falling = make(pictures(np.eye(3)), pictures(np.eye(3), size_px=32), cosine_floor=0.3, epochs=2)
    rates = []
    for _ in range(4):
        rates.append(falling.optimizer.param_groups[0]["lr"] / falling.config.learning_rate)
        falling.step(falling.next_batch())
        falling.end_epoch()
    assert rates == pytest.approx([1.0, 0.65, 0.3, 0.3])


def test_weights_make_errors_on_rare_labels_count_more():
    targets = np.eye(3)[[0] * 8 + [1] * 3 + [2]]
    plain, weighted = (
        make(pictures(targets), pictures(targets, size_px=32), balance=balance) for balance in ("none", "weights")
    )
    weighted.net.load_state_dict(plain.net.state_dict())
    rare = pictures(np.eye(3)[[2] * 6]).pick(np.arange(6))[:, :, :32, :32], torch.eye(3)[[2] * 6]
    ratio = weighted.step(rare)["cross_entropy"] / plain.step(rare)["cross_entropy"]
    assert ratio.item() == pytest.approx(12 / (3 * 1), rel=1e-4)


def test_sampling_shows_rare_labels_as_often_as_common_ones():
    targets = np.eye(3)[[0] * 20 + [1] * 3 + [2]]
    recipe = make(pictures(targets), pictures(targets, size_px=32), balance="sampling", batch_size=64)
    shown = sum(recipe.next_batch()[1].sum(0) for _ in range(10))
    assert (shown / shown.sum()).tolist() == pytest.approx([1 / 3] * 3, abs=0.06)


def test_pictures_may_be_scaled_by_the_statistics_of_the_train_pictures():
    train_set = pictures(np.eye(3).repeat(4, 0))
    recipe = make(train_set, pictures(np.eye(3), size_px=32), statistics="train")
    scaled = recipe.scale(torch.cat(list(train_set.batches(5))))
    assert scaled.mean((0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=1e-4)
    assert scaled.std((0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=1e-3)
    assert recipe.describe()["input"] == recipe.scale.describe()


def test_the_studys_augmentation_goes_on_where_a_resume_begins(settings, journey, tmp_path):
    settled = settings("classifier", augment="study", balance="sampling", dropout=0.4)
    whole, broken = Watcher(tmp_path / "whole"), Watcher(tmp_path / "broken", stop_after=3)
    train(settled, journey.workspace, whole)
    with pytest.raises(Stopped):
        train(settled, journey.workspace, broken)
    train(settled, journey.workspace, Watcher(tmp_path / "broken"))
    first, second = ((tmp_path / name / "weights" / "0002.safetensors").read_bytes() for name in ("whole", "broken"))
    assert first == second


def test_it_learns_the_label_sets_that_it_is_to_tell_apart(journey, settings, tmp_path):
    config = settings("classifier", labels="rust, healthy")
    recipe = Classifier.from_config(config, journey.workspace, torch.device("cpu"), Watcher(tmp_path))
    records = load(journey.workspace, journey.dataset).records
    told = records[records["labels"].isin(["healthy", "rust"])]
    assert recipe.describe()["labels"] == ["healthy", "rust"] and recipe.classes.exclusive
    assert recipe.seen["classifier"] == list(told[told["split"] == "train"]["sha256"])
    assert recipe.seen["probe"] == list(told[told["split"] == "val"]["sha256"])
    assert recipe.train_set.targets.sum(1).tolist() == [1.0] * len(recipe.train_set)


def test_one_label_set_cannot_be_told_apart():
    with pytest.raises(ValidationError, match="labels: got rust alone"):
        ClassifierConfig(dataset="d", labels=("rust",))


def test_a_dataset_without_validation_pictures_is_refused(own, settings, leaf_folders, tmp_path):
    other = carrier(own)("import", source=leaf_folders, name="untested", val=0.0).result()["dataset"]
    with pytest.raises(DatasetError, match="has 37 train and 0 validation pictures; both are needed"):
        train(settings("classifier", dataset=other), own, Watcher(tmp_path / "run"))
