"""What the machine has, asked without torch: GPUs, cores, disk."""

import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pynvml

from leafcore import memory


@dataclass(frozen=True)
class Gpu:
    """A GPU as it stands now.

    Attributes:
        name: Such as "NVIDIA H100".
        device: What torch calls it, such as "cuda:0".
        visible: What CUDA_VISIBLE_DEVICES calls it: its number on the machine, or its UUID.
        used_bytes: Memory in use by anybody.
        total_bytes: Memory in all.
    """

    name: str
    device: str
    visible: str
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
    """Return the NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES says.

    None where there is no driver, or it has stopped answering.
    """
    if not _nvml_works():
        return []
    try:
        everyone = (str(index) for index in range(pynvml.nvmlDeviceGetCount()))
        allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
        chosen = everyone if allowed is None else (name.strip() for name in allowed.split(",") if name.strip())
        return [_gpu(index, visible) for index, visible in enumerate(chosen)]
    except pynvml.NVMLError:
        return []


def _gpu(index: int, visible: str) -> Gpu:
    by_number = visible.isdecimal()
    handle = pynvml.nvmlDeviceGetHandleByIndex(int(visible)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(visible)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    name = pynvml.nvmlDeviceGetName(handle)
    return Gpu(str(name), f"cuda:{index}", visible, int(memory.used), int(memory.total))


def driver_version() -> str:
    """Return the version of the NVIDIA driver, empty where there is none."""
    try:
        return str(pynvml.nvmlSystemGetDriverVersion()) if _nvml_works() else ""
    except pynvml.NVMLError:
        return ""


def lane_names() -> list[str]:
    """Return the lanes that runs compute on: one per GPU, and the CPU."""
    return [*(gpu.device for gpu in gpus()), "cpu"]


def free_disk_bytes(folder: Path) -> int:
    """Return the free space on the disk that holds a folder, or would hold it."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def free_memory_bytes(device: str = "auto") -> int:
    """Return the memory that a run may still take on a device: a GPU's, or what is there without swapping.

    Args:
        device: Such as "cpu" or "cuda:0"; "auto" for the first GPU, else the CPU.
    """
    for gpu in gpus():
        if device in {"auto", gpu.device}:
            return gpu.total_bytes - gpu.used_bytes
    return memory.available_bytes()


def is_cpu(device: str) -> bool:
    """Whether a run with this device setting computes on the CPU."""
    return device == "cpu" or (device == "auto" and not gpus())
