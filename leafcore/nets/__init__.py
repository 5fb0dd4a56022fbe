"""Networks: modules only, no training. `build` makes one from the description that a weights file carries."""

from importlib import import_module
from typing import Any

from torch import nn

from leafcore.errors import CheckpointError

_BUILDERS = {
    "resnet_generator": "leafcore.nets.resnet_generator:ResnetGenerator",
    "unet_generator": "leafcore.nets.unet_generator:UnetGenerator",
    "patch_discriminator": "leafcore.nets.patch_discriminator:PatchDiscriminator",
    "aided_discriminator": "leafcore.nets.aided_discriminator:AidedDiscriminator",
    "dcgan_generator": "leafcore.nets.dcgan_generator:DCGANGenerator",
    "dcgan_discriminator": "leafcore.nets.dcgan_discriminator:DCGANDiscriminator",
    "denoiser": "leafcore.nets.denoiser:Denoiser",
    "backbone": "leafcore.nets.backbones:build_backbone",
}


def build(description: dict[str, Any]) -> nn.Module:
    """Make a network, randomly initialised.

    Args:
        description: `type`, a key of the table above, and `args`, its keyword arguments.

    Raises:
        CheckpointError: The type is none of the table's.
    """
    if description["type"] not in _BUILDERS:
        raise CheckpointError(
            f"weights: they hold a network of type {description['type']!r}, expected one of {', '.join(_BUILDERS)}; "
            "they may come from a newer version of this app."
        )
    module, name = _BUILDERS[description["type"]].split(":")
    network: nn.Module = getattr(import_module(module), name)(**description["args"])
    return network
