import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from leafcore.errors import CheckpointError
from leafcore.train.checkpointing import load_state, read_weights, save_preview, save_weights, weights_path
from leafcore.train.recipe import Preview, Recipe


class TwoLayers(Recipe):
    """A recipe of two layers, of which one is exported."""

    exported = ("kept",)

    def __init__(self):
        self.nets = {"kept": torch.nn.Linear(3, 2), "dropped": torch.nn.Linear(2, 1)}

    from_config = next_batch = step = preview = None

    def describe(self):
        return {"recipe": "two", "nets": {"kept": {"type": "linear", "args": {}}}}


def test_a_weights_file_holds_the_exported_networks_and_what_they_are(tmp_path):
    recipe = TwoLayers()
    path = save_weights(tmp_path, recipe, epoch=12)
    assert path == weights_path(tmp_path, 12) == tmp_path / "weights" / "0012.safetensors"
    description, networks = read_weights(path)
    assert description == {**recipe.describe(), "epoch": 12}
    assert list(networks) == ["kept"]
    assert all(torch.equal(networks["kept"][name], value) for name, value in recipe.nets["kept"].state_dict().items())


def test_a_missing_weights_file_is_one_line(tmp_path):
    with pytest.raises(CheckpointError, match="0001.safetensors: there is no such weights file"):
        read_weights(weights_path(tmp_path, 1))


@pytest.mark.parametrize("content", [b"", b"not at all", b"PK\x03\x04", json.dumps({"a": 1}).encode() * 20])
def test_a_file_that_is_no_safetensors_is_one_line(tmp_path, content):
    (tmp_path / "odd.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="odd.safetensors: not a safetensors file") as raised:
        read_weights(tmp_path / "odd.safetensors")
    assert "\n" not in str(raised.value)


def test_a_weights_file_cut_short_is_one_line(tmp_path):
    path = save_weights(tmp_path, TwoLayers(), epoch=1)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="not a safetensors file") as raised:
        read_weights(path)
    assert "\n" not in str(raised.value)


def test_weights_of_somebody_else_are_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="header does not say which networks it holds"):
        read_weights(tmp_path / "other.safetensors")


def test_there_is_no_state_yet(tmp_path):
    assert load_state(tmp_path) is None


@pytest.mark.parametrize("kept", [0, 5, 300, -20])
def test_a_state_cut_short_is_one_line(tmp_path, kept):
    torch.save({"x": torch.zeros(500)}, tmp_path / "state.pt")
    (tmp_path / "state.pt").write_bytes((tmp_path / "state.pt").read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="state.pt: cannot be read .*; start the run anew") as raised:
        load_state(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_state_that_would_run_code_is_refused(tmp_path):
    torch.save({"x": print}, tmp_path / "state.pt")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path)


def test_a_preview_is_one_picture_and_its_key(tmp_path):
    pictures = [[np.full((8, 8, 3), 50 * value, np.uint8) for value in range(3)] for _ in range(2)]
    rows = [{"direction": "ab", "image": "x.png"}, {"direction": "ba", "image": "y.png"}]
    save_preview(tmp_path, Preview(("input", "mask", "fake"), rows, pictures), epoch=4)
    facts = json.loads((tmp_path / "previews" / "0004.json").read_text())
    assert facts == {"columns": ["input", "mask", "fake"], "rows": rows, "size_px": 8}
    assert (tmp_path / "previews" / "0004.jpg").read_bytes().startswith(b"\xff\xd8")


def test_a_preview_that_can_be_seen_can_be_read_whatever_ended_its_writing(tmp_path, monkeypatch):
    preview = Preview(("input",), [{"direction": "ab", "image": "x.png"}], [[np.zeros((8, 8, 3), np.uint8)]])

    def refuse(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leafcore.train.checkpointing.write_json", refuse)
    with pytest.raises(OSError, match="No space left"):
        save_preview(tmp_path, preview, epoch=4)
    assert not list(tmp_path.rglob("*.jpg"))
