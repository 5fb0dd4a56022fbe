import pytest
import torch

from leafcore.errors import ConfigError
from leafcore.nets.backbones import build_backbone
from leafcore.train.device import autocast, faster_precision, fitting_batch, resolve_device, spare_depthwise


def test_auto_takes_the_cpu_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu") == resolve_device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "", "cuda:x", "mps", "meta"])
def test_a_device_that_is_not_here_is_refused_in_one_line(name):
    with pytest.raises(ConfigError, match="device: got ") as raised:
        resolve_device(name)
    assert repr(name) in str(raised.value) and "\n" not in str(raised.value)


def test_a_gpu_where_there_is_none_is_refused_with_what_to_choose(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match="this machine has 0 GPUs; choose auto or cpu"):
        resolve_device("cuda")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("auto", torch.float32), ("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_the_cpu_computes_in_full_precision_unless_told_otherwise(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.parametrize(("has_amx", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_a_classifier_computes_in_bf16_on_a_cpu_that_was_made_for_it(monkeypatch, has_amx, chosen):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_amx})
    cpu = torch.device("cpu")
    assert faster_precision(cpu, "auto") == chosen
    assert (faster_precision(cpu, "fp32"), faster_precision(cpu, "bf16")) == ("fp32", "bf16")


def test_depthwise_convolutions_are_spared_bf16_and_nothing_else_changes():
    torch.manual_seed(0)
    network = build_backbone("tf_efficientnet_lite0").eval()
    pictures = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = network(pictures)
        spare_depthwise(network)
        assert torch.equal(network(pictures), before)
    weights_in: dict[str, set[torch.dtype]] = {"depthwise": set(), "others": set()}
    original = torch.nn.functional.conv2d

    def note(images, weight, bias, stride, padding, dilation, groups):
        weights_in["depthwise" if groups > 1 else "others"].add(images.dtype)
        return original(images, weight, bias, stride, padding, dilation, groups)

    with pytest.MonkeyPatch.context() as patch, autocast(torch.device("cpu"), "bf16"), torch.no_grad():
        patch.setattr(torch.nn.functional, "conv2d", note)
        network(pictures)
    assert weights_in["depthwise"] == {torch.float32} and torch.bfloat16 in weights_in["others"]


@pytest.mark.parametrize(
    ("device", "size_px", "together"),
    [("cpu", 256, 1), ("cpu", 512, 1), ("cpu", 128, 4), ("cpu", 32, 16), ("cuda", 512, 8)],
)
def test_a_cpu_is_given_as_much_at_once_as_its_cache_holds(device, size_px, together):
    assert fitting_batch(size_px, torch.device(device)) == together
