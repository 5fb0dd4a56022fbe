import shutil

import pytest
import torch

from leafcore.data.seen import UNKNOWN
from leafcore.errors import CheckpointError
from leafcore.nets.backbones import InputScale
from leafcore.train.checkpointing import read_weights
from leafcore.train.lflseg_start import open_start
from leafcore.workspace import Workspace
from tests.conftest import carrier

CPU = torch.device("cpu")


def test_a_model_of_ours_goes_on_as_it_was_with_what_it_has_seen(journey):
    run = journey.runs["lflseg"]
    start = open_start(journey.workspace, run.id, CPU)
    _, networks = read_weights(run.folder / "weights" / "0002.safetensors")
    assert all(torch.equal(value, networks["classifier"][key]) for key, value in start.network.state_dict().items())
    assert all(parameter.requires_grad for parameter in start.network.parameters())
    assert start.backbone == "test_resnet" and start.seen["lflseg"] and start.origin["name"] == f"{run.id}@2"


def test_of_published_weights_nobody_knows_what_they_have_seen(journey, published):
    start = open_start(journey.workspace, published, CPU)
    assert start.seen == {UNKNOWN: ["LFLSeg_resnet18.pth (lflseg)"]}
    assert (start.backbone, start.scale) == ("resnet18", InputScale())


def test_a_model_of_another_recipe_is_refused(journey):
    with pytest.raises(CheckpointError, match="init: healthy-to-rust is a leafgan model, expected an lflseg model"):
        open_start(journey.workspace, "healthy-to-rust", CPU)


def test_training_from_published_weights_says_so_wherever_it_counts(journey, published, nonleaf_folder, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    common = {"dataset": journey.dataset, "nonleaf": str(nonleaf_folder), "epochs": 1, "learning_rate": 1e-9}
    run = carrier(Workspace(tmp_path / "own"))("lflseg", **common, init=str(published))
    description, networks = read_weights(run.folder / "weights" / "0001.safetensors")
    assert description["nets"]["classifier"]["args"]["name"] == "resnet18", "its backbone, not the config's"
    assert description["input"] == InputScale().describe() and description["init"]["name"] == published.name
    before = torch.load(published, weights_only=True)
    assert torch.allclose(networks["classifier"]["conv1.weight"], before["conv1.weight"], atol=1e-5)
    seen = run.folder / "seen.json"
    assert "LFLSeg_resnet18.pth (lflseg)" in seen.read_text()
