"""The part of a classifier that gives maps, made fast for use; and which of its layers give maps at all."""

import copy
from typing import Any, cast

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse

from leafcore.errors import CheckpointError, ConfigError


class Trunk(nn.Module):
    """A classifier up to the maps that its pooling gets.

    Args:
        model: One of timm's classifiers.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last maps, (N, K, h, w), of pictures (N, 3, H, W)."""
        maps: torch.Tensor = cast(Any, self.model).forward_features(images)
        return maps


def fast_trunk(model: nn.Module) -> nn.Module:
    """Return a copy of a classifier's trunk for use alone: BatchNorm folded into convolutions, channels last.

    The maps differ by rounding only. A third faster than the trunk as it is for ResNets on a CPU; a network whose code
    cannot be traced, or whose normalisation is no plain BatchNorm, keeps its layers and is no slower.

    Args:
        model: One of timm's classifiers, in eval mode.
    """
    try:
        trunk: nn.Module = fuse(Trunk(model))
    except (TypeError, ValueError, RuntimeError):  # what tracing raises where the code depends on the pictures
        trunk = copy.deepcopy(Trunk(model))
    return trunk.requires_grad_(False).to(memory_format=torch.channels_last)


@torch.no_grad()
def map_layers(model: nn.Module, size_px: int) -> list[str]:
    """Return the layers that give maps, in the order in which they finish; the last one's are the last maps.

    Args:
        model: One of timm's classifiers, in eval mode.
        size_px: The side of the pictures it sees.

    Raises:
        CheckpointError: It does not end in maps; a vision transformer, say.
    """
    finished: dict[str, None] = {}

    def note(name: str, output: object) -> None:
        finished.pop(name, None)
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2:].numel() > 1:
            finished[name] = None

    hooks = [
        layer.register_forward_hook(lambda layer, inputs, output, name=name: note(name, output))
        for name, layer in model.named_modules()
        if name
    ]
    device = next(model.parameters()).device
    try:
        last = Trunk(model)(torch.zeros(1, 3, size_px, size_px, device=device))
    except AssertionError:  # a transformer's, of the pictures' size
        last = torch.empty(0)
    finally:
        for hook in hooks:
            hook.remove()
    if last.ndim != 4 or last.shape[1] != cast(Any, model).num_features or not finished:
        raise CheckpointError(
            f"model: {type(model).__name__} does not end in maps of channels x height x width, which a heat map is "
            "made of; choose a convolutional network such as tf_efficientnet_lite0 or resnet101."
        )
    return list(finished)


def map_layer(model: nn.Module, name: str, size_px: int) -> nn.Module:
    """Return a layer that gives maps.

    Args:
        model: One of timm's classifiers, in eval mode.
        name: What timm calls the layer; empty for the last one that gives maps.
        size_px: The side of the pictures it sees.

    Raises:
        CheckpointError: The network does not end in maps.
        ConfigError: It has no such layer, or none that gives maps.
    """
    known = map_layers(model, size_px)
    if name and name not in known:
        whole = ", ".join(layer for layer in known if "." not in layer)
        part = next((layer for layer in reversed(known) if "." in layer), known[-1])
        raise ConfigError(
            f"layer: got {name!r}, expected a layer of {type(model).__name__} that gives maps: {whole}; or a part of "
            f"one, such as {part}."
        )
    return model.get_submodule(name or known[-1])
