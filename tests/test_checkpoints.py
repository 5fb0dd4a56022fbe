import hashlib
import json
import os
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from leafcore import checkpoints
from leafcore import workspace as places
from leafcore.checkpoints import epochs, list_checkpoints, open_checkpoint, promote, read_description, sha256
from leafcore.data.seen import UNKNOWN
from leafcore.errors import CheckpointError, ConfigError, DiskFull, NotFoundError
from leafcore.files import RESERVE_BYTES, read_json
from leafcore.generate import load_network
from leafcore.workspace import Workspace
from tests.planted import plant_lflseg, plant_translator


@pytest.fixture
def own(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


@pytest.fixture
def run(journey):
    return journey.runs["leafgan"]


# --- promoting --------------------------------------------------------------------------------------------------------


def test_a_promoted_epoch_carries_its_weights_hash_origin_and_sample(own, run):
    checkpoint = promote(own, run.id, "first", epoch=1)
    saved = own.runs / run.id
    assert checkpoint.weights.read_bytes() == (saved / "weights" / "0001.safetensors").read_bytes()
    assert checkpoint.card.weights_sha256 == sha256(checkpoint.weights) and len(checkpoint.card.weights_sha256) == 64
    assert (checkpoint.card.run, checkpoint.card.epoch, checkpoint.card.recipe) == (run.id, 1, "leafgan")
    assert checkpoint.card.description == read_description(checkpoint.weights)
    assert checkpoint.seen() == read_json(saved / "seen.json") and checkpoint.seen()["generator"]
    assert (checkpoint.folder / "sample.jpg").read_bytes() == (saved / "previews" / "0001.jpg").read_bytes()
    assert open_checkpoint(own, "first").card == checkpoint.card
    assert checkpoint.is_translator and not checkpoint.shipped


def test_without_an_epoch_the_last_one_is_promoted(own, run):
    assert promote(own, run.id, "last").card.epoch == 2


def test_promoting_again_replaces_everything(own, journey, run):
    promote(own, run.id, "mine", epoch=1)
    assert promote(own, run.id, "mine", epoch=2, replace=True).card.epoch == 2
    checkpoint = promote(own, journey.runs["lflseg"].id, "mine", replace=True)
    assert checkpoint.card.recipe == "lflseg" and not checkpoint.is_translator
    assert set(checkpoint.seen()) == {"lflseg", "probe"}
    assert not (checkpoint.folder / "sample.jpg").exists(), "the translator's sample went with it"


def test_in_half_the_size_the_networks_do_nearly_the_same(own, run):
    whole, half = promote(own, run.id, "whole"), promote(own, run.id, "half", half=True)
    assert half.weights.stat().st_size < 0.55 * whole.weights.stat().st_size
    assert half.card.weights_sha256 == sha256(half.weights) != whole.card.weights_sha256
    assert read_description(half.weights) == read_description(whole.weights)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ours, theirs = (load_network(one, "gen_ab", torch.device("cpu"))(images) for one in (half, whole))
    assert ours.dtype == torch.float32
    assert 0 < (ours - theirs).abs().max() < 0.01


def test_weights_that_do_not_fit_into_half_are_refused(own, run):
    weights = own.runs / run.id / "weights" / "0002.safetensors"
    tensors = {**load_file(weights), "gen_ab.huge": np.full(3, 1e6, np.float32)}
    save_file(tensors, weights, metadata={"leaf": json.dumps(read_description(weights))})
    with pytest.raises(CheckpointError, match=r"gen_ab\.huge does not fit into 16 bits; promote it without half"):
        promote(own, run.id, "x", half=True)
    assert not (own.checkpoints / "x").exists()


@pytest.mark.parametrize(("kind", "replace"), [("leafgan", False), ("lflseg", False), ("lflseg", None)])
def test_a_name_that_is_taken_is_refused(own, journey, run, kind, replace):
    before = open_checkpoint(own, "healthy-to-rust")
    taken = rf"there is already a checkpoint 'healthy-to-rust' \(epoch 2 of run {run.id}\); choose another name"
    with pytest.raises(ConfigError, match=taken) as raised:
        promote(own, journey.runs[kind].id, "healthy-to-rust", epoch=1, replace=replace)
    assert "\n" not in str(raised.value) and "promote --replace" in str(raised.value)
    assert open_checkpoint(own, "healthy-to-rust").card == before.card


def test_a_run_may_replace_what_it_promoted_itself(own, run):
    assert promote(own, run.id, "healthy-to-rust", epoch=1).card.epoch == 1


def test_a_damaged_checkpoint_is_replaced_only_if_that_is_asked_for(own, run):
    (own.checkpoints / "healthy-to-rust" / "card.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged; promote healthy-to-rust again, with --replace"):
        promote(own, run.id, "healthy-to-rust")
    assert promote(own, run.id, "healthy-to-rust", replace=True).card.epoch == 2


def test_only_a_runs_epoch_is_promoted(own):
    with pytest.raises(NotFoundError, match="there is no run 'healthy-to-rust'"):
        promote(own, "healthy-to-rust", "copy")


@pytest.mark.parametrize("epoch", [0, 3, 99])
def test_an_epoch_that_was_not_saved_is_refused_with_those_that_were(own, run, epoch):
    with pytest.raises(NotFoundError, match=f"epoch: got '{epoch}', expected one of the saved epochs: 1, 2"):
        promote(own, run.id, "x", epoch=epoch)
    assert not (own.checkpoints / "x").exists()


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden", "x" * 81, "blank name", "dot."])
def test_a_name_that_is_no_folder_name_is_refused(own, run, name):
    before = sorted(path for path in own.root.rglob("*") if "checkpoints" in path.parts)
    with pytest.raises(ConfigError, match="name: got .* expected 1 to 80 letters"):
        promote(own, run.id, name)
    assert sorted(path for path in own.root.rglob("*") if "checkpoints" in path.parts) == before


@pytest.mark.parametrize("kind", ["import", "masks", "synthesize"])
def test_a_run_that_trains_nothing_has_nothing_to_promote(own, journey, kind):
    with pytest.raises(NotFoundError, match="has saved no weights; it trains no model"):
        promote(own, journey.runs[kind].id, "x")


def test_a_full_disk_is_refused(own, run, monkeypatch):
    from leafcore import files

    usage = shutil.disk_usage(own.root)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage._replace(free=RESERVE_BYTES))
    with pytest.raises(DiskFull, match="nearly full"):
        promote(own, run.id, "x")
    assert not (own.checkpoints / "x").exists()


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_run_is_its_last_epoch_unless_one_is_named(own, run):
    assert [open_checkpoint(own, ref).card.epoch for ref in (run.id, f"{run.id}@1", f"{run.id}@2")] == [2, 1, 2]
    assert open_checkpoint(own, f"{run.id}@1").name == f"{run.id}@1"
    assert open_checkpoint(own, f"{run.id}@1").seen()["generator"]
    assert epochs(own.runs / run.id) == [1, 2]


@pytest.mark.parametrize("epoch", ["x", "-1", "²", "1.0", "3"])
def test_an_epoch_that_is_no_saved_epoch_is_refused(own, run, epoch):
    with pytest.raises(NotFoundError, match="expected one of the saved epochs: 1, 2"):
        open_checkpoint(own, f"{run.id}@{epoch}")


def test_an_unknown_name_is_refused_with_those_there_are(own, workspace, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHIPPED_CHECKPOINTS", workspace.root / "nowhere")
    with pytest.raises(NotFoundError, match="checkpoint: got 'nothing', known: healthy-to-rust; or the id of a"):
        open_checkpoint(own, "nothing")
    with pytest.raises(NotFoundError, match="known: none yet"):
        open_checkpoint(workspace, "nothing")


@pytest.mark.parametrize("name", ["../up", "a/b", ""])
def test_a_name_that_leaves_the_folder_is_refused(own, name):
    with pytest.raises(ConfigError, match="checkpoint: got"):
        open_checkpoint(own, name)


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", b"\x00" * 64])
def test_weights_that_are_no_safetensors_are_one_line(own, run, content):
    path = own.runs / run.id / "weights" / "0002.safetensors"
    path.write_bytes(content)
    for read in (lambda: read_description(path), lambda: open_checkpoint(own, run.id)):
        with pytest.raises(CheckpointError, match="0002.safetensors: not a safetensors file") as raised:
            read()
        assert "\n" not in str(raised.value)


def test_weights_of_somebody_else_are_refused(tmp_path):
    save_file({"x": np.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="header does not say which networks it holds"):
        read_description(tmp_path / "other.safetensors")


def test_weights_that_are_not_there_are_one_line(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such weights file"):
        read_description(tmp_path / "none.safetensors")


# --- pins -------------------------------------------------------------------------------------------------------------


def test_what_a_config_records_means_the_same_weights_for_ever(own, run):
    first, other = open_checkpoint(own, f"{run.id}@1").card.weights_sha256, open_checkpoint(own, run.id).card
    mine = promote(own, run.id, "mine", epoch=1)
    assert mine.ref == f"mine#{first[:12]}" and (mine.name, open_checkpoint(own, mine.ref)) == ("mine", mine)
    promote(own, run.id, "mine", epoch=2, replace=True)
    with pytest.raises(CheckpointError) as raised:
        open_checkpoint(own, mine.ref)
    assert str(raised.value) == (
        f"checkpoint: mine holds other weights now ({other.weights_sha256[:12]}) than were asked for ({first[:12]}). "
        "Promote those under this name again and resume, or queue a new run with the present ones."
    )
    promote(own, run.id, "mine", epoch=1, replace=True)
    assert open_checkpoint(own, mine.ref).card.weights_sha256 == first


def test_an_epoch_is_pinned_as_well(own, run):
    last = open_checkpoint(own, run.id)
    assert last.ref == f"{run.id}@2#{last.card.weights_sha256[:12]}" and open_checkpoint(own, last.ref) == last
    shutil.copy(own.runs / run.id / "weights" / "0001.safetensors", own.runs / run.id / "weights" / "0002.safetensors")
    with pytest.raises(CheckpointError, match=f"{run.id}@2 holds other weights now"):
        open_checkpoint(own, last.ref)


def test_a_checkpoint_has_no_epochs(own):
    with pytest.raises(NotFoundError, match="got 'healthy-to-rust@1'"):
        open_checkpoint(own, "healthy-to-rust@1")


def test_a_checkpoint_whose_folder_was_renamed_is_called_by_its_folder(own):
    (own.checkpoints / "healthy-to-rust").rename(own.checkpoints / "kept")
    kept = open_checkpoint(own, "kept")
    assert kept.name == "kept" and open_checkpoint(own, kept.ref) == kept


def test_what_nobody_wrote_down_is_unknown(own):
    (own.checkpoints / "healthy-to-rust" / "seen.json").unlink()
    assert open_checkpoint(own, "healthy-to-rust").seen() == {UNKNOWN: ["healthy-to-rust (generator, lflseg)"]}
    assert plant_lflseg(own, "looker").seen() == {UNKNOWN: ["looker (lflseg)"]}


# --- listing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(workspace, tmp_path, monkeypatch):
    """Two shipped checkpoints, and one of the user's own."""
    elsewhere = Workspace(tmp_path / "application")
    for module in (places, checkpoints):
        monkeypatch.setattr(module, "SHIPPED_CHECKPOINTS", elsewhere.checkpoints)
    plant_translator(workspace, "b-mine")
    plant_translator(elsewhere, "a-demo", seed=1)
    plant_lflseg(elsewhere, "c-demo")
    return elsewhere


def test_shipped_checkpoints_are_listed_after_the_users_own(workspace, shipped):
    listed = list_checkpoints(workspace)
    assert [(checkpoint.name, checkpoint.shipped) for checkpoint in listed] == [
        ("b-mine", False), ("a-demo", True), ("c-demo", True),
    ]  # fmt: skip
    assert [checkpoint.name for checkpoint in list_checkpoints(workspace, "lflseg")] == ["c-demo"]
    assert open_checkpoint(workspace, "a-demo").weights == shipped.checkpoints / "a-demo" / "weights.safetensors"


def test_a_checkpoint_of_a_shipped_ones_name_hides_it_and_never_changes_it(workspace, shipped, own, run):
    before = {path: path.read_bytes() for path in shipped.checkpoints.rglob("*") if path.is_file()}
    mine = promote(own, run.id, "a-demo")
    assert not mine.shipped and open_checkpoint(own, "a-demo").card == mine.card
    assert [checkpoint.shipped for checkpoint in list_checkpoints(own) if checkpoint.name == "a-demo"] == [False]
    assert {path: path.read_bytes() for path in shipped.checkpoints.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("content", ["", "{", json.dumps({"name": "half"}), "[]"])
def test_a_damaged_card_is_left_out_of_the_list_and_named_when_opened(workspace, shipped, content, caplog):
    (workspace.checkpoints / "b-mine" / "card.json").write_text(content)
    assert [checkpoint.name for checkpoint in list_checkpoints(workspace)] == ["a-demo", "c-demo"]
    with pytest.raises(CheckpointError, match="card.json: damaged; promote b-mine again") as raised:
        open_checkpoint(workspace, "b-mine")
    assert "\n" not in str(raised.value) and "b-mine" in caplog.text


def test_a_hash_follows_its_file(tmp_path):
    file = tmp_path / "x"
    for second, content in enumerate((b"one", b"two", b"three")):
        file.write_bytes(content)
        os.utime(file, (second, second))
        assert sha256(file) == sha256(file) == hashlib.sha256(content).hexdigest()
