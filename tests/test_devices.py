import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from leafcore import devices
from leafcore.devices import Gpu, free_disk_bytes, gpus, lane_names


@pytest.fixture
def ask_again() -> Iterator[None]:
    """Forget whether there is a driver, before and after."""
    devices._nvml_works.cache_clear()
    yield
    devices._nvml_works.cache_clear()


@pytest.fixture
def two_gpus(ask_again: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that knows two GPUs; the library itself needs the hardware."""
    memory = {0: SimpleNamespace(used=3 * 2**30, total=80 * 2**30), 1: SimpleNamespace(used=0, total=24 * 2**30)}
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", memory.__getitem__)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", ["NVIDIA H100", "NVIDIA L4"].__getitem__)


def test_each_gpu_is_told_by_the_name_that_torch_uses(two_gpus: None) -> None:
    assert gpus() == [
        Gpu("NVIDIA H100", "cuda:0", "0", 3 * 2**30, 80 * 2**30),
        Gpu("NVIDIA L4", "cuda:1", "1", 0, 24 * 2**30),
    ]


def test_a_gpu_that_is_hidden_from_this_process_is_not_offered(two_gpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpus() == [Gpu("NVIDIA L4", "cuda:0", "1", 0, 24 * 2**30)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == []


def test_there_is_a_lane_per_gpu_and_one_for_the_cpu(two_gpus: None) -> None:
    assert lane_names() == ["cuda:0", "cuda:1", "cpu"]


def test_a_machine_without_a_driver_has_the_cpu(ask_again: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert gpus() == [] and lane_names() == ["cpu"]


def test_a_driver_that_stops_answering_takes_no_page_along(two_gpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(handle: int) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lost)
    assert gpus() == []


def test_this_machine_can_be_asked() -> None:
    assert lane_names()[-1] == "cpu"
    assert all(gpu.total_bytes > 0 for gpu in gpus())


def test_the_disk_of_a_folder_that_is_yet_to_be_made_is_its_parents(tmp_path: Path) -> None:
    free = free_disk_bytes(tmp_path / "not" / "there" / "yet")
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    assert not (tmp_path / "not").exists()
