import numpy as np
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.seen import save_seen
from leafcore.measure import witness
from leafcore.measure.witness import open_witness
from tests.noise_models import plant_noise_model
from tests.planted import plant

CPU = torch.device("cpu")


def plant_judge(workspace, dataset, learned):
    """Write a classifier that knows nothing, and what it has seen."""
    network = {"type": "backbone", "args": {"name": "test_resnet", "num_classes": 3}}
    said = {"recipe": "classifier", "size_px": 32, "dataset": dataset, "multi_label": False}
    said |= {"labels": ["healthy", "rust", "scab"], "nets": {"classifier": network}}
    planted = plant(workspace, "judge", said)
    save_seen(planted.folder, {"classifier": learned} if learned else {})
    return planted


@pytest.fixture
def dataset(own, journey):
    return load(own, journey.dataset)


@pytest.fixture
def model(own, dataset):
    seen = dataset.select(split="train", labels="rust")["sha256"].tolist()
    return plant_noise_model(own, "free", dataset=dataset.ref, seen=seen)


class Knows:
    """A judge that is right about all pictures but the first."""

    def __init__(self, true):
        self.true, self.asked = true, 0

    def __call__(self, pictures):
        """Return the labels of the next pictures."""
        named = self.true[self.asked : self.asked + len(pictures)]
        self.asked += len(pictures)
        return named


def test_a_judge_is_tried_on_validation_pictures_of_what_the_generator_learned(own, dataset, model, monkeypatch):
    val = dataset.select(split="val", labels="rust")
    assert 1 < len(val) < len(dataset.select(split="val"))
    plant_judge(own, dataset.ref, dataset.select(split="train")["sha256"].tolist())
    knows = Knows(["mould", *val["labels"].tolist()[1:]])
    monkeypatch.setattr(witness, "Judge", lambda checkpoint, device: knows)
    found = open_witness(own, model, "judge", 16, CPU)
    assert found.accuracy.n == len(val) == knows.asked
    assert found.accuracy.value == pytest.approx((len(val) - 1) / len(val))
    assert found.learned == {"rust": len(dataset.select(split="train", labels="rust"))}


def test_a_judge_names_pictures_and_is_asked_for_none_it_learned_from(own, dataset, model):
    val = dataset.select(split="val", labels="rust")["sha256"].tolist()
    plant_judge(own, dataset.ref, val[:1])
    found = open_witness(own, model, "judge", 16, CPU)
    assert found.accuracy.n == len(val) - 1
    named = found.name_all(np.zeros((3, 16, 16, 3), np.uint8))
    assert len(named) == 3 and set(named) <= {"healthy", "rust", "scab"}
    assert found.interpret(named, [""] * 3).judge == "judge"


@pytest.mark.parametrize(
    ("judge", "learned", "why"),
    [
        ("none", "", "there is no judge; train a classifier on leaves@"),
        ("judge", "val", "there is no validation picture of leaves@"),
        ("judge", "", "nobody wrote down which pictures the judge judge learned from"),
    ],
)
def test_a_judge_that_cannot_be_tried_says_nothing_and_why(own, dataset, model, judge, learned, why):
    plant_judge(own, dataset.ref, dataset.select(split="val")["sha256"].tolist() if learned else [])
    found = open_witness(own, model, judge, 16, CPU)
    assert found.judge is None and found.name_all(np.zeros((1, 16, 16, 3), np.uint8)) == []
    assert found.interpret([], [""]).withheld.startswith(why)


def test_without_the_dataset_there_is_no_trial(own):
    model = plant_noise_model(own, "free", dataset="elsewhere@0123456789ab")
    found = open_witness(own, model, "none", 16, CPU)
    assert "the dataset elsewhere@0123456789ab that free learned from is not here" in found.objection
    assert open_checkpoint(own, "free").is_noise_model
