"""The networks of CycleGAN's reference code, built as it builds them: the same parts in the same order, so that the
parameters have the same names. Written anew, and small by default."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn


class Numbered(nn.Module):
    """Parts in a row, under the name `model`."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class Block(nn.Module):
    """A residual block."""

    def __init__(self, channels: int, dropout: bool) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]
        self.conv_block = nn.Sequential(*half, nn.ReLU(True), *([nn.Dropout(0.5)] if dropout else []), *again)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv_block(x)


def resnet_gan(filters: int = 4, blocks: int = 1, *, dropout: bool = False) -> nn.Module:
    """Return its ResNet generator."""
    f = filters
    parts: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, f, 7), nn.InstanceNorm2d(f), nn.ReLU(True)]
    for inputs in (f, 2 * f):
        parts += [nn.Conv2d(inputs, 2 * inputs, 3, 2, 1), nn.InstanceNorm2d(2 * inputs), nn.ReLU(True)]
    parts += [Block(4 * f, dropout) for _ in range(blocks)]
    for inputs in (4 * f, 2 * f):
        up = nn.ConvTranspose2d(inputs, inputs // 2, 3, 2, padding=1, output_padding=1)
        parts += [up, nn.InstanceNorm2d(inputs // 2), nn.ReLU(True)]
    return Numbered(*parts, nn.ReflectionPad2d(3), nn.Conv2d(f, 3, 7), nn.Tanh())


class Level(Numbered):
    """A level of its U-Net, which holds the levels inside it; its first ReLU changes what it hands across."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.model(x)], 1)


def unet_gan(filters: int = 4, downs: int = 5) -> nn.Module:
    """Return its U-Net generator: made from the innermost level outwards."""
    outer = [filters * min(2**level, 8) for level in range(downs)]
    inside: list[nn.Module] = []
    for level in reversed(range(1, downs)):
        before, here = outer[level - 1], outer[level]
        down = [nn.LeakyReLU(0.2, True), nn.Conv2d(before, here, 4, 2, 1)]
        norm = [nn.InstanceNorm2d(here)] if inside else []
        up = [
            nn.ReLU(True),
            nn.ConvTranspose2d(here * (2 if inside else 1), before, 4, 2, 1),
            nn.InstanceNorm2d(before),
        ]
        inside = [Level(*down, *norm, *inside, *up)]
    head = [nn.ReLU(True), nn.ConvTranspose2d(2 * filters, 3, 4, 2, 1), nn.Tanh()]
    generator = Numbered()
    generator.model = Numbered(nn.Conv2d(3, filters, 4, 2, 1), *inside, *head)  # type: ignore[assignment]
    return generator


def patch_gan(filters: int = 4, layers: int = 1, *, channels: int = 3, norm: type = nn.InstanceNorm2d) -> nn.Module:
    """Return its PatchGAN discriminator."""
    has_bias = norm is nn.InstanceNorm2d
    parts: list[nn.Module] = [nn.Conv2d(channels, filters, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    widths = [filters * min(2**layer, 8) for layer in range(layers + 1)]
    for layer in range(1, layers + 1):
        stride = 2 if layer < layers else 1
        parts += [
            nn.Conv2d(widths[layer - 1], widths[layer], 4, stride, 1, bias=has_bias),
            norm(widths[layer]),
            nn.LeakyReLU(0.2, True),
        ]
    return Numbered(*parts, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def save_gans(
    folder: Path, epoch: str = "latest", roles: Iterable[str] = ("G_A", "G_B", "D_A", "D_B"), filters: int = 4
) -> dict[str, nn.Module]:
    """Save a training's networks as the reference does, and return them; generators have one block."""
    folder.mkdir(parents=True, exist_ok=True)
    networks = {role: resnet_gan(filters) if role.startswith("G") else patch_gan(filters) for role in roles}
    for role, network in networks.items():
        torch.save(network.state_dict(), folder / f"{epoch}_net_{role}.pth")
    return networks
