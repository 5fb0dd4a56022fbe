import pickle

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from leafcore.errors import CheckpointError
from leafcore.nets.backbones import InputScale
from leafcore.train.published import RESNETS, read_lflseg, read_tensors


def resnet(name="resnet18", classes=3):
    """Return the weights of one of torchvision's networks, under its names."""
    torch.manual_seed(0)
    return torchvision.models.get_model(name, num_classes=classes).state_dict()


@pytest.fixture(scope="module")
def weights():
    return resnet()


@pytest.fixture
def saved(tmp_path):
    def save(held, name="weights.pth"):
        torch.save(held, tmp_path / name)
        return tmp_path / name

    return save


@pytest.mark.parametrize("name", RESNETS)
def test_torchvision_and_timm_call_a_resnets_parameters_the_same(name):
    with torch.device("meta"):
        theirs, ours = resnet(name), timm.create_model(name, num_classes=3).state_dict()
    assert {key: value.shape for key, value in theirs.items()} == {key: value.shape for key, value in ours.items()}


WRAPPINGS = {
    "plain": lambda weights: weights,
    "DataParallel": lambda weights: {f"module.{key}": value for key, value in weights.items()},
    "state_dict": lambda weights: {"epoch": 3, "state_dict": weights},
    "both": lambda weights: {"model": {f"module.{key}": value for key, value in weights.items()}},
    "old": lambda weights: {key: value for key, value in weights.items() if "num_batches" not in key},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_published_form_is_read_however_it_is_wrapped(saved, weights, wrapping):
    published = read_lflseg(saved(WRAPPINGS[wrapping](weights)))
    assert (published.backbone, published.scale) == ("resnet18", InputScale((0.5,) * 3, (0.5,) * 3))
    network = timm.create_model("resnet18", num_classes=3).eval()
    network.load_state_dict(published.tensors)
    theirs = torchvision.models.resnet18(num_classes=3).eval()
    theirs.load_state_dict(weights)
    images = torch.rand(1, 3, 64, 64)
    assert torch.allclose(network(images), theirs(images), atol=1e-5)


def test_the_published_resnet101_is_known_by_its_names(saved):
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in resnet("resnet101").items()}
    zeros = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}  # one number in the file for each
    assert read_lflseg(saved(zeros)).backbone == "resnet101"


def test_safetensors_are_read_too(tmp_path, weights):
    save_file(weights, tmp_path / "weights.safetensors")
    assert torch.equal(read_tensors(tmp_path / "weights.safetensors")["fc.weight"], weights["fc.weight"])


class Harm:
    """Something whose unpickling would run code."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('code in the file was run')",))


def refused(path, message):
    with pytest.raises(CheckpointError, match=message) as raised:
        read_lflseg(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_code_in_a_file_is_never_run(tmp_path, saved):
    refused(saved({"fc.weight": Harm()}), "no weights can be read from it")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Harm(), protocol=2))
    refused(tmp_path / "plain.pth", "no weights can be read from it")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 3, 900])
def test_a_damaged_file_is_one_clear_line(tmp_path, saved, suffix, kept):
    whole = saved({"fc.weight": torch.zeros(400)}).read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(whole[:kept])
    refused(tmp_path / f"cut{suffix}", "no weights can be read from it")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    refused(tmp_path / "none.pth", "there is no such weights file")
    refused(tmp_path, "a folder, expected a weights file")


@pytest.mark.parametrize("held", [[torch.zeros(1)], {}, {"epoch": 3}])
def test_what_holds_no_tensors_by_name_is_refused(saved, held):
    refused(saved(held), "holds no tensors by name")


def test_another_network_is_refused(saved):
    refused(saved({"features.0.weight": torch.zeros(2)}), "1 tensors .features.0.weight, .* that are no ResNet's")


def test_another_number_of_classes_is_refused(saved):
    refused(saved(resnet(classes=1000)), "a resnet18 that tells 1000 classes, expected LFLSeg's 3: full leaf")


def test_a_wrong_shape_is_named(saved, weights):
    wrong = {**weights, "layer1.0.conv1.weight": torch.zeros(8, 64, 3, 3)}
    refused(saved(wrong), "layer1.0.conv1.weight is 8 x 64 x 3 x 3, expected 64 x 64 x 3 x 3 of a resnet18")
