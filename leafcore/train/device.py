"""Which device a run computes on, and how precisely."""

import contextlib
from typing import Protocol

import torch
from torch import nn

from leafcore.errors import ConfigError, DeviceMissing
from leafcore.train.configs import Precision


class Computing(Protocol):
    """The settings that say how networks compute."""

    @property
    def precision(self) -> Precision:
        """See `TrainConfig`."""
        ...

    @property
    def compiled(self) -> bool:
        """See `TranslationConfig`."""
        ...


def resolve_device(name: str) -> torch.device:
    """Return a device by name; "auto" takes the first GPU, else the CPU.

    Raises:
        ConfigError: It cannot be a device; `DeviceMissing` if this machine does not have it.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"device: got {name!r}, expected auto, cpu or cuda:0.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceMissing(
            f"device: got {name!r}, but this machine has {torch.cuda.device_count()} GPUs; choose auto or cpu."
        )
    if device.type not in {"cpu", "cuda"}:
        raise ConfigError(f"device: got {name!r}, expected auto, cpu or cuda:0.")
    return device


def fit_device(network: nn.Module, device: torch.device, config: Computing) -> nn.Module:
    """Put a network where it computes, in the memory format that is fastest there, and compile it if asked to.

    On a GPU in bf16 that is channels last; on a CPU it would slow training, for its instance normalisation copies.
    Compiling adds CUDA graphs on a GPU, where a step on one picture is bound by launches. Parameters keep their names.
    """
    network = network.to(device)
    on_gpu = device.type == "cuda"
    if on_gpu and config.precision != "fp32":
        network = network.to(memory_format=torch.channels_last)
    if config.compiled:
        network.compile(mode="reduce-overhead" if on_gpu else None)
    return network


def autocast(device: torch.device, precision: Precision) -> contextlib.AbstractContextManager[object]:
    """Return the context that a step's networks run in: bf16 where asked for, or on a GPU by default."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=uses_bf16(device, precision))


def uses_bf16(device: torch.device, precision: Precision) -> bool:
    """Whether a step's networks run in bf16."""
    return precision == "bf16" or (precision == "auto" and device.type == "cuda")


def fitting_batch(size_px: int, device: torch.device) -> int:
    """Return how many pictures of a side a network translates fastest at once, when it only uses its weights.

    A CPU's cache holds the activations of about 256 x 256 px; larger batches cost up to a third more per picture
    (`benchmarks/synthesize.py`). A GPU wants to be filled.
    """
    return 8 if device.type == "cuda" else max(1, min(16, (256 // size_px) ** 2))
