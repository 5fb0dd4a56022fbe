import shutil

import numpy as np
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.errors import CheckpointError
from leafcore.measure.judge import Judge
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.train.checkpointing import read_weights
from leafcore.workspace import Workspace
from tests.conftest import carrier, draw_leaf

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


def test_a_generator_is_no_judge(journey):
    with pytest.raises(CheckpointError, match="is a leafgan model, expected a classifier"):
        Judge(open_checkpoint(journey.workspace, "healthy-to-rust"), CPU)
