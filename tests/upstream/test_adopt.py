import shutil

import pytest
import torch
import torchvision
from pydantic import ValidationError

from leafcore.checkpoints import open_checkpoint
from leafcore.data.seen import UNKNOWN
from leafcore.errors import CheckpointError, ConfigError
from leafcore.generate import load_network
from leafcore.jobs import build_config, submit
from leafcore.masks.lflseg import open_lflseg
from leafcore.workspace import Workspace
from tests.conftest import carrier, draw_leaf
from tests.reference_gans import resnet_gan, save_gans, unet_gan

CPU = torch.device("cpu")


def test_published_weights_become_a_checkpoint_of_which_nothing_unknown_is_claimed(workspace, carry, published):
    result = carry("adopt", file=str(published), name="theirs").result()
    checkpoint = open_checkpoint(workspace, "theirs")
    assert result["network"] == "resnet18" and result["weights_sha256"] == checkpoint.card.weights_sha256
    assert (checkpoint.card.recipe, checkpoint.card.run, checkpoint.card.license) == ("lflseg", "", "unknown")
    origin = checkpoint.card.description["origin"]
    assert (origin["said"], origin["file"], origin["sha256"]) == ("unknown", published.name, result["source_sha256"])
    assert checkpoint.seen() == {UNKNOWN: ["theirs (lflseg)"]}


def test_it_says_of_a_picture_what_the_published_network_says(workspace, carry, published, tmp_path):
    from PIL import Image

    carry("adopt", file=str(published), name="theirs")
    theirs = torchvision.models.resnet18(num_classes=3).eval()
    theirs.load_state_dict(torch.load(published, weights_only=True))
    Image.fromarray(draw_leaf("healthy", 1, 224)).save(tmp_path / "leaf.png")
    pixels = torch.from_numpy(draw_leaf("healthy", 1, 224)).permute(2, 0, 1)[None]
    wanted = theirs(pixels / 127.5 - 1).softmax(1)[0].detach().numpy()
    look = next(open_lflseg(workspace, "theirs", CPU).look([tmp_path / "leaf.png"]))
    assert look.probabilities == pytest.approx(wanted, abs=1e-4) and look.cam.shape == (7, 7)
    assert not load_network(open_checkpoint(workspace, "theirs"), "classifier", CPU).training


def test_what_a_person_knows_of_them_is_kept(workspace, carry, published):
    carry("adopt", file=str(published), name="theirs", origin="https://example.org", license="MIT")
    card = open_checkpoint(workspace, "theirs").card
    assert (card.description["origin"]["said"], card.license) == ("https://example.org", "MIT")


def test_a_name_that_is_taken_keeps_its_weights(workspace, carry, published):
    carry("adopt", file=str(published), name="theirs")
    before = open_checkpoint(workspace, "theirs").card
    with pytest.raises(ConfigError, match="already a checkpoint 'theirs'"):
        carry("adopt", file=str(published), name="theirs")
    assert open_checkpoint(workspace, "theirs").card == before


def test_other_weights_leave_no_checkpoint(workspace, carry, tmp_path):
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="that are no ResNet's"):
        carry("adopt", file=str(tmp_path / "other.pth"), name="theirs")
    assert not (workspace.checkpoints / "theirs").exists()


@pytest.mark.parametrize("values", [{"file": ""}, {"name": "../up"}, {"recipe": "dcgan"}])
def test_bad_settings_are_refused(values):
    with pytest.raises(ConfigError) as raised:
        build_config("adopt", {"file": "x.pth", "name": "theirs", **values})
    assert not isinstance(raised.value, ValidationError) and next(iter(values)) in str(raised.value)


def test_a_file_that_is_not_there_is_refused_before_a_run_is_made(workspace, tmp_path):
    with pytest.raises(Exception, match="there is no such file"):
        submit(workspace, "adopt", build_config("adopt", {"file": str(tmp_path / "no.pth"), "name": "theirs"}))


# --- generators -------------------------------------------------------------------------------------------------------

RUST = {"name": "theirs", "a": "healthy", "b": "rust", "size_px": 32}


def test_a_folder_of_the_references_becomes_a_translator_with_all_its_networks(workspace, carry, tmp_path):
    theirs = save_gans(tmp_path / "maps")
    result = carry("adopt", file=str(tmp_path / "maps"), **RUST).result()
    checkpoint = open_checkpoint(workspace, "theirs")
    assert (result["recipe"], result["network"]) == ("cyclegan", "resnet generator (filters 4, blocks 1)")
    assert checkpoint.is_translator and checkpoint.seen() == {UNKNOWN: ["theirs (generator)"]}
    files = checkpoint.card.description["origin"]["files"]
    assert list(files) == [f"latest_net_{role}.pth" for role in theirs] and result["source_sha256"] in files.values()
    pictures = torch.rand(1, 3, 32, 32) * 2 - 1
    for role, name in {"G_A": "gen_ab", "G_B": "gen_ba", "D_A": "disc_b", "D_B": "disc_a"}.items():
        assert torch.equal(load_network(checkpoint, name, CPU)(pictures), theirs[role](pictures)), name


def test_one_generator_is_enough_to_synthesize(journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    carry = carrier(Workspace(tmp_path / "own"))
    torch.save(unet_gan(4, 5).state_dict(), tmp_path / "net.pth")
    carry("adopt", file=str(tmp_path / "net.pth"), recipe="leafgan", **RUST)
    made = carry("synthesize", dataset=journey.dataset, chain=("theirs",), source="healthy", count=2)
    assert made.result().items() >= {"count": 2, "labels": "rust", "size_px": 32, "skipped": {}}.items()


def test_an_epoch_of_a_folder_can_be_chosen(carry, tmp_path):
    save_gans(tmp_path / "maps", filters=4)
    save_gans(tmp_path / "maps", epoch="20", filters=8)
    result = carry("adopt", file=str(tmp_path / "maps"), epoch="20", **RUST).result()
    assert result["network"] == "resnet generator (filters 8, blocks 1)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"b": ""}, "b: missing; say from which label set to which"),
        ({"b": "healthy"}, "a and b: got 'healthy' twice"),
        ({"size_px": 48}, "size_px: got 48, expected a multiple of 32 px: net.pth is a unet generator"),
    ],
)
def test_a_generator_of_which_too_little_is_said_is_refused(workspace, carry, tmp_path, values, message):
    torch.save(unet_gan(4, 5).state_dict(), tmp_path / "net.pth")
    with pytest.raises(ConfigError, match=message):
        carry("adopt", file=str(tmp_path / "net.pth"), **{**RUST, **values})
    assert not (workspace.checkpoints / "theirs").exists()


def test_a_translator_must_be_said_to_translate_before_a_run_is_made():
    with pytest.raises(ConfigError, match="b: missing"):
        build_config("adopt", {"file": "x.pth", "name": "theirs", "recipe": "leafgan"})


def test_a_generator_is_no_lflseg(carry, tmp_path):
    torch.save(resnet_gan().state_dict(), tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="that are no ResNet's"):
        carry("adopt", file=str(tmp_path / "net.pth"), recipe="lflseg", **RUST)
