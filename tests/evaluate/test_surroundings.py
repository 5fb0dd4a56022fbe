import pytest
import torch

from leafcore.environment import environment
from leafcore.errors import Stopped
from leafcore.evaluate import surroundings
from leafcore.evaluate.evaluate import evaluate
from leafcore.evaluate.surroundings import note_environment, read_environment
from tests.watcher import Watcher


def test_a_comparison_writes_down_what_computes_it_before_the_first_step(own, config, tmp_path):
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "run", stop_after=1))
    found = read_environment(tmp_path / "run")
    assert found is not None and found["libraries"] == environment("cpu")["libraries"]
    assert (found["device"], found["gpu"], found["deterministic"], found["cudnn_benchmark"]) == (
        "cpu", "none", "off", "off",
    )  # fmt: skip
    assert read_environment(tmp_path) is None, "of an older run"


def test_what_is_resolved_is_told_not_what_was_asked_for(tmp_path, monkeypatch):
    assert note_environment(tmp_path / "a", "auto", "fp32")["precision"] == "fp32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert note_environment(tmp_path / "b", "cpu", "auto")["precision"] == "bf16"


def test_the_mode_that_torch_computes_in_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    found = note_environment(tmp_path, "cpu", "fp32")
    assert (found["deterministic"], found["cudnn_benchmark"]) == ("on", "on")


def test_a_run_that_goes_on_elsewhere_tells_both(tmp_path, monkeypatch):
    first = note_environment(tmp_path, "cpu", "fp32")
    assert note_environment(tmp_path, "cpu", "fp32") == first, "resumed on the same"
    monkeypatch.setattr(surroundings, "environment", lambda device: {**first, "gpu": "NVIDIA H100"})
    for _ in range(2):
        assert note_environment(tmp_path, "cpu", "fp32") == {**first, "gpu": "none; then NVIDIA H100"}
