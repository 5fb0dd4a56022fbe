import shutil

import numpy as np
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.errors import CheckpointError
from leafcore.measure.judge import Judge
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.train.checkpointing import read_weights
from leafcore.workspace import Workspace
from tests.conftest import carrier, draw_leaf
from tests.planted import plant

CPU = torch.device("cpu")


def test_a_judge_names_what_its_network_finds_most_probable(journey, tmp_path):
    shutil.copytree(journey.workspace.datasets, tmp_path / "own" / "datasets")
    own = Workspace(tmp_path / "own")
    checkpoint = open_checkpoint(own, carrier(own)("classifier", dataset=journey.dataset).id)
    pictures = [draw_leaf("rust", seed, size_px=32) for seed in range(5)]
    description, networks = read_weights(checkpoint.weights)
    network = build(description["nets"]["classifier"]).eval()
    network.load_state_dict(networks["classifier"])
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        best = network(InputScale.described(description)(batch)).argmax(1).tolist()
    assert Judge(checkpoint, CPU)(pictures) == [description["labels"][index] for index in best]


def test_a_judge_of_several_labels_names_them_from_the_classifiers_own_thresholds(tmp_path):
    own, labels = Workspace(tmp_path / "own"), ["healthy", "rust", "scab"]
    network = {"type": "backbone", "args": {"name": "test_resnet", "num_classes": 3}}
    said = {"recipe": "classifier", "size_px": 32, "labels": labels, "multi_label": True}
    said["nets"] = {"classifier": network}
    pictures = np.stack([draw_leaf("rust", seed, size_px=32) for seed in range(2)])
    batch = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    sure = TrainedClassifier(plant(own, "half", said), CPU).probabilities(batch).numpy().astype(float)

    above = [*(sure.max(0) + 0.01)[:1], *(sure.min(0) - 0.01)[1:]]  # the first is never named, the others always
    chosen = plant(own, "chosen", {**said, "thresholds": above})
    named, probable = Judge(chosen, CPU).tell(pictures)
    assert named == ["rust scab"] * 2
    assert probable == pytest.approx((1 - sure[:, 0]) * sure[:, 1] * sure[:, 2])


def test_a_generator_is_no_judge(journey):
    with pytest.raises(CheckpointError, match="is a leafgan model, expected a classifier"):
        Judge(open_checkpoint(journey.workspace, "healthy-to-rust"), CPU)
