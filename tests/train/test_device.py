import pytest
import torch

from leafcore.errors import ConfigError
from leafcore.train.device import autocast, fitting_batch, resolve_device


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


@pytest.mark.parametrize(
    ("device", "size_px", "together"),
    [("cpu", 256, 1), ("cpu", 512, 1), ("cpu", 128, 4), ("cpu", 32, 16), ("cuda", 512, 8)],
)
def test_a_cpu_is_given_as_much_at_once_as_its_cache_holds(device, size_px, together):
    assert fitting_batch(size_px, torch.device(device)) == together
