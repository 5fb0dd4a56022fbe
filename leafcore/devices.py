"""What the machine has, asked without torch: GPUs, cores, disk."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pynvml


@dataclass(frozen=True)
class Gpu:
    """A GPU as it stands now.

    Attributes:
        name: Such as "NVIDIA H100".
        device: What torch calls it, such as "cuda:0".
        used_bytes: Memory in use by anybody.
        total_bytes: Memory in all.
    """

    name: str
    device: str
    used_bytes: int
    total_bytes: int


@cache
def _nvml_works() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    return True


def gpus() -> list[Gpu]:
    """Return the NVIDIA GPUs; none where there is no driver."""
    if not _nvml_works():
        return []
    found = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        name = pynvml.nvmlDeviceGetName(handle)
        found.append(Gpu(str(name), f"cuda:{index}", int(memory.used), int(memory.total)))
    return found


def lane_names() -> list[str]:
    """Return the lanes that runs compute on: one per GPU, and the CPU."""
    return [*(gpu.device for gpu in gpus()), "cpu"]


def free_disk_bytes(folder: Path) -> int:
    """Return the free space on the disk that holds a folder, or would hold it."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
