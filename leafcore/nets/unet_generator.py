"""The U-Net generator of pix2pix (Isola et al. 2017, section 6.1.1), which CycleGAN's code offers too."""

import torch
from torch import nn

from leafcore.errors import CheckpointError
from leafcore.nets.resnet_generator import changed, init_normal

WIDEST = 8  # a level has at most so many times the channels of the first


class UnetGenerator(nn.Module):
    """Translates pictures: down to a point and up again, each level handed across to the way up.

    C64-C128-C256-C512-C512-... with 64 = `filters`; instance normalisation except beside the picture and at the bottom,
    no dropout, so what becomes of a picture does not depend on the rest of its batch.

    Args:
        filters: Channels after the first layer; 64 in the paper.
        downs: Halvings of the picture; 8 in the paper at 256 px, 7 at 128 px.
        upsampling: "transposed" as in the paper, or "resize", which leaves no checkerboards (Odena et al. 2016).
        residual: Whether it predicts a change of the picture instead of a new one; it then begins as the identity.
    """

    def __init__(
        self, filters: int = 64, downs: int = 8, upsampling: str = "transposed", residual: bool = False
    ) -> None:
        super().__init__()
        up = {"transposed": _up, "resize": _up_resized}[upsampling]
        self.residual = residual
        channels = [filters * min(2**level, WIDEST) for level in range(downs)]
        bottom = downs - 1
        self.down = nn.ModuleList(
            _down(channels[level - 1] if level else 3, channels[level], is_first=level == 0, is_last=level == bottom)
            for level in range(downs)
        )
        self.up = nn.ModuleList()
        for level in range(downs):
            below = channels[level] * (1 if level == bottom else 2)  # what comes up, and what is handed across
            self.up.append(up(below, channels[level - 1]) if level else up(below, 3, is_head=True))
        self.apply(init_normal)
        if residual:
            head = next(layer for layer in self.up[0].children() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d))
            nn.init.zeros_(head.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Translate pictures.

        Args:
            x: (N, 3, H, W) float in [-1, 1]; H and W are multiples of 2^downs.

        Returns:
            The same shape, in [-1, 1].

        Raises:
            CheckpointError: H or W is no such multiple.
        """
        height, width, factor = x.shape[-2], x.shape[-1], 2 ** len(self.down)
        if height % factor or width % factor:
            raise CheckpointError(
                f"size: got pictures of {width} x {height} px, expected multiples of {factor} px, for this U-Net "
                f"halves them {len(self.down)} times."
            )
        y, handed = x, []
        for down in self.down:
            y = down(y)  # (N, f, H/2, W/2), (N, 2f, H/4, W/4), (N, 4f, ...), (N, 8f, ...), (N, 8f, ...), ...
            handed.append(y)
        y = self.up[-1](handed.pop())
        for up in reversed(self.up[:-1]):
            y = up(torch.cat([handed.pop(), y], 1))  # ..., (N, 2f, H/4, W/4), (N, f, H/2, W/2), (N, 3, H, W)
        return changed(x, y) if self.residual else y


def _down(inputs: int, outputs: int, *, is_first: bool, is_last: bool) -> nn.Sequential:
    """Halve. What is handed across has been through the leaky ReLU; the ReLU on the way up makes that the same."""
    norm = [] if is_first or is_last else [nn.InstanceNorm2d(outputs)]
    relu = [] if is_last else [nn.LeakyReLU(0.2, True)]
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), *norm, *relu)


def _up(inputs: int, outputs: int, *, is_head: bool = False) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(True), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), _ending(outputs, is_head))


def _up_resized(inputs: int, outputs: int, *, is_head: bool = False) -> nn.Sequential:
    resized = (nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3))
    return nn.Sequential(nn.ReLU(True), *resized, _ending(outputs, is_head))


def _ending(outputs: int, is_head: bool) -> nn.Module:
    return nn.Tanh() if is_head else nn.InstanceNorm2d(outputs)
