"""Which device a run computes on, and how precisely."""

import contextlib
from collections.abc import Callable
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


def faster_precision(device: torch.device, precision: Precision) -> Precision:
    """Return in which precision a classifier's steps are faster, where the settings leave it open.

    That is bf16 on a GPU, and on a CPU that multiplies matrices in it (AMX): a ResNet-18 takes half the time there.
    """
    if precision != "auto" or device.type != "cpu":
        return precision
    return "bf16" if torch.cpu.get_capabilities().get("amx_bf16", False) else "fp32"


def spare_depthwise(network: nn.Module) -> None:
    """Let a network's depthwise convolutions compute in fp32 where the rest is in bf16, and hand on what they got.

    On a CPU their gradients take several times as long in bf16, which would cost more than all else gains.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d) and part.groups > 1:
            part.forward = _in_fp32(part.forward)  # type: ignore[assignment, method-assign]


def _in_fp32(forward: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    def exact(images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, enabled=False):
            return forward(images.float()).to(images.dtype)

    return exact


def uses_bf16(device: torch.device, precision: Precision) -> bool:
    """Whether a step's networks run in bf16."""
    return precision == "bf16" or (precision == "auto" and device.type == "cuda")


def fitting_batch(size_px: int, device: torch.device) -> int:
    """Return how many pictures of a side a network translates fastest at once, when it only uses its weights.

    A CPU's cache holds the activations of about 256 x 256 px; larger batches cost up to a third more per picture
    (`benchmarks/synthesize.py`). A GPU wants to be filled.
    """
    return 8 if device.type == "cuda" else max(1, min(16, (256 // size_px) ** 2))
