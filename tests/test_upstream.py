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
from tests.conftest import draw_leaf

CPU = torch.device("cpu")


@pytest.fixture
def published(tmp_path):
    """LFLSeg as LeafGAN publishes it, of a smaller ResNet."""
    torch.manual_seed(0)
    path = tmp_path / "LFLSeg_resnet18.pth"
    torch.save(torchvision.models.resnet18(num_classes=3).state_dict(), path)
    return path


def test_published_weights_become_a_checkpoint_of_which_nothing_unknown_is_claimed(workspace, carry, published):
    result = carry("adopt", file=str(published), name="theirs").result()
    checkpoint = open_checkpoint(workspace, "theirs")
    assert result["backbone"] == "resnet18" and result["weights_sha256"] == checkpoint.card.weights_sha256
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


@pytest.mark.parametrize("values", [{"file": ""}, {"name": "../up"}, {"recipe": "leafgan"}])
def test_bad_settings_are_refused(values):
    with pytest.raises(ConfigError) as raised:
        build_config("adopt", {"file": "x.pth", "name": "theirs", **values})
    assert not isinstance(raised.value, ValidationError) and next(iter(values)) in str(raised.value)


def test_a_file_that_is_not_there_is_refused_before_a_run_is_made(workspace, tmp_path):
    with pytest.raises(Exception, match="there is no such file"):
        submit(workspace, "adopt", build_config("adopt", {"file": str(tmp_path / "no.pth"), "name": "theirs"}))
