"""Translators go back to the reference's code, bit by bit."""

import shutil

import pytest
import torch

from leafcore.errors import CheckpointError, ConfigError, DiskFull
from leafcore.files import write_atomic
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import list_runs
from leafcore.train.checkpointing import read_weights
from leafcore.workspace import Workspace
from tests.conftest import carrier
from tests.planted import GENERATOR, plant, plant_lflseg, plant_translator
from tests.reference_gans import resnet_gan, save_gans, unet_gan


def test_a_translator_of_ours_computes_the_same_in_the_references_networks(workspace, carry, tmp_path):
    checkpoint = plant_translator(workspace, "to-rust")
    result = carry("write-weights", model="to-rust", to=tmp_path / "there").result()
    assert result["files"] == ["latest_net_G_A.pth", "latest_net_G_B.pth"]
    _, networks = read_weights(checkpoint.weights)
    for file, name in (("latest_net_G_A.pth", "gen_ab"), ("latest_net_G_B.pth", "gen_ba")):
        theirs = resnet_gan(4, 1)
        theirs.load_state_dict(torch.load(tmp_path / "there" / file, weights_only=True))
        assert torch.equal(theirs.model[1].weight, networks[name]["stem.1.weight"])
        assert torch.equal(theirs.model[18].bias, networks[name]["head.1.bias"])


def test_what_was_taken_in_goes_back_bit_by_bit(workspace, carry, tmp_path):
    save_gans(tmp_path / "here")
    carry("adopt", file=str(tmp_path / "here"), name="theirs", b="rust", size_px=32)
    carry("write-weights", model="theirs", to=tmp_path / "there")
    for role in ("G_A", "G_B", "D_A", "D_B"):
        before, after = (
            torch.load(tmp_path / place / f"latest_net_{role}.pth", weights_only=True) for place in ("here", "there")
        )
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before), role


def test_the_flags_that_load_it_are_told_or_that_there_are_none(workspace, carry, tmp_path):
    unet = {"type": "unet_generator", "args": {"filters": 4, "downs": 7}}
    described = {"recipe": "leafgan", "a": "healthy", "b": "rust", "size_px": 128, "nets": {"gen_ab": unet}}
    plant(workspace, "unet", described)
    run = carry("write-weights", model="unet", to=tmp_path / "unet")
    assert run.result()["flags"] == "--netG unet_128 --ngf 4 --norm instance --no_dropout"
    unet_gan(4, 7).load_state_dict(torch.load(tmp_path / "unet" / "latest_net_G_A.pth", weights_only=True))
    plant_translator(workspace, "small")
    run = carry("write-weights", model="small", to=tmp_path / "small")
    assert run.result()["flags"] == "" and "no name for a resnet generator" in run.status().warnings[0]


def test_what_the_reference_cannot_load_leaves_nothing_behind(workspace, carry, tmp_path):
    odd = {"type": "resnet_generator", "args": {**GENERATOR["args"], "upsampling": "resize"}}
    described = {"recipe": "leafgan", "a": "healthy", "b": "rust", "size_px": 32, "nets": {"gen_ab": odd}}
    plant(workspace, "odd", described)
    with pytest.raises(CheckpointError, match="model: odd: its generator enlarges by resizing"):
        carry("write-weights", model="odd", to=tmp_path / "there")
    assert not (tmp_path / "there").exists()


def refused(workspace, model, to, error, message):
    with pytest.raises(error, match=message):
        submit(workspace, "write-weights", build_config("write-weights", {"model": model, "to": to}))


def test_weights_are_not_written_over(workspace, tmp_path):
    plant_translator(workspace, "to-rust")
    save_gans(tmp_path / "there")
    before = (tmp_path / "there" / "latest_net_G_A.pth").read_bytes()
    refused(workspace, "to-rust", tmp_path / "there", ConfigError, "holds latest_net_D_A.pth already; choose another")
    refused(workspace, "to-rust", " ", ConfigError, "to: empty, expected a folder")
    (tmp_path / "file").write_text("")
    refused(workspace, "to-rust", tmp_path / "file", ConfigError, "is a file, expected a folder")
    assert (tmp_path / "there" / "latest_net_G_A.pth").read_bytes() == before


def test_a_write_that_failed_half_way_can_be_resumed(workspace, carry, tmp_path, monkeypatch):
    plant_translator(workspace, "to-rust")
    is_full = True

    def write_first(path, write):
        if is_full and path.name.endswith("G_B.pth"):
            raise DiskFull("full")
        write_atomic(path, write)

    monkeypatch.setattr("leafcore.upstream.write.write_atomic", write_first)
    with pytest.raises(DiskFull):
        carry("write-weights", model="to-rust", to=tmp_path / "there")
    is_full = False
    run = list_runs(workspace, "write-weights")[0]
    run.requeue()
    execute(workspace, run, lane="files", owner="cli")
    assert sorted(file.name for file in (tmp_path / "there").iterdir()) == run.result()["files"]


def test_what_translates_nothing_is_refused_before_a_run_is_made(workspace, tmp_path):
    plant_lflseg(workspace, "leaf")
    refused(workspace, "leaf", tmp_path / "there", CheckpointError, "model: leaf is a lflseg model, expected a LeafGAN")


def test_an_epoch_of_a_run_is_written(journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    run = journey.runs["leafgan"]
    written = carrier(Workspace(tmp_path / "own"))("write-weights", model=f"{run.id}@1", to=tmp_path / "there")
    assert written.record.title == f"Write weights: {run.id}@1"
    _, networks = read_weights(run.folder / "weights" / "0001.safetensors")
    theirs = torch.load(tmp_path / "there" / "latest_net_G_B.pth", weights_only=True)
    assert torch.equal(theirs["model.10.conv_block.5.weight"], networks["gen_ba"]["blocks.0.body.5.weight"])
