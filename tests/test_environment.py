from importlib.metadata import version

from leafcore import devices
from leafcore.devices import Gpu
from leafcore.environment import environment


def test_what_computes_on_the_cpu_is_named_with_its_versions():
    found = environment("cpu")
    assert f"torch {version('torch')}" in found["libraries"].split(", ")
    assert (found["gpu"], found["driver"]) == ("none", "none")


def test_a_gpu_is_named_with_its_driver(monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: [Gpu("NVIDIA H100", "cuda:0", "0", 0, 1)])
    monkeypatch.setattr(devices, "driver_version", lambda: "570.1")
    assert environment("cuda:0") | {"libraries": ""} == {"libraries": "", "gpu": "NVIDIA H100", "driver": "570.1"}
    assert environment("cpu")["gpu"] == "none"
