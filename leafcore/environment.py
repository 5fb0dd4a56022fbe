"""What computes here: the versions and the GPU that the recipe of a picture names."""

import platform
from importlib.metadata import version

from leafcore import devices

LIBRARIES = ("torch", "torchvision", "diffusers", "numpy", "pillow")  # what a picture's pixels can depend on


def environment(device: str) -> dict[str, str]:
    """Return what computes on a device.

    Args:
        device: Such as "cpu" or "cuda:0".

    Returns:
        `libraries`, with versions; `gpu`, its name, and `driver`, both "none" on a CPU.
    """
    named = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in LIBRARIES)]
    gpu = next((gpu.name for gpu in devices.gpus() if gpu.device == device), "none")
    driver = "none" if gpu == "none" else devices.driver_version()
    return {"libraries": ", ".join(named), "gpu": gpu, "driver": driver}
