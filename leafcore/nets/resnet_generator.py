"""The ResNet generator of CycleGAN (Zhu et al. 2017, appendix 7.2), after Johnson et al. 2016."""

import torch
from torch import nn


class ResnetGenerator(nn.Module):
    """Translates pictures: down twice, `blocks` residual blocks, up twice.

    c7s1-f, d2f, d4f, R4f x blocks, u2f, uf, c7s1-3 with f = `filters`; instance normalisation throughout, so what
    becomes of a picture does not depend on the rest of its batch.

    Args:
        filters: Channels after the first layer; 64 in the paper.
        blocks: Residual blocks; 9 in the paper at 256 px, 6 at 128 px.
        upsampling: "transposed" as in the paper, or "resize", which leaves no checkerboards (Odena et al. 2016).
        residual: Whether it predicts a change of the picture instead of a new one; it then begins as the identity.
    """

    def __init__(
        self, filters: int = 64, blocks: int = 9, upsampling: str = "transposed", residual: bool = False
    ) -> None:
        super().__init__()
        f = filters
        up = {"transposed": _up, "resize": _up_resized}[upsampling]
        self.residual = residual
        self.stem = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(3, f, 7), nn.InstanceNorm2d(f), nn.ReLU(True))
        self.down1 = _down(f, 2 * f)
        self.down2 = _down(2 * f, 4 * f)
        self.blocks = nn.Sequential(*(ResidualBlock(4 * f) for _ in range(blocks)))
        self.up1 = up(4 * f, 2 * f)
        self.up2 = up(2 * f, f)
        last = nn.Conv2d(f, 3, 7)
        self.head = nn.Sequential(nn.ReflectionPad2d(3), last, nn.Tanh())
        self.apply(init_normal)
        if residual:
            nn.init.zeros_(last.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Translate pictures.

        Args:
            x: (N, 3, H, W) float in [-1, 1]; H and W are multiples of 4.

        Returns:
            The same shape, in [-1, 1].
        """
        y = self.stem(x)  # (N, f, H, W)
        y = self.down1(y)  # (N, 2f, H/2, W/2)
        y = self.down2(y)  # (N, 4f, H/4, W/4)
        y = self.blocks(y)  # (N, 4f, H/4, W/4)
        y = self.up1(y)  # (N, 2f, H/2, W/2)
        y = self.up2(y)  # (N, f, H, W)
        y = self.head(y)  # (N, 3, H, W)
        return changed(x, y) if self.residual else y


class ResidualBlock(nn.Module):
    """Adds to its input what two 3x3 convolutions make of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, C, H, W) for (N, C, H, W)."""
        out: torch.Tensor = x + self.body(x)
        return out


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.InstanceNorm2d(outputs), nn.ReLU(True))


def _up(inputs: int, outputs: int) -> nn.Sequential:
    up = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1)
    return nn.Sequential(up, nn.InstanceNorm2d(outputs), nn.ReLU(True))


def _up_resized(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.ReflectionPad2d(1),
        nn.Conv2d(inputs, outputs, 3),
        nn.InstanceNorm2d(outputs),
        nn.ReLU(True),
    )


def changed(x: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """Return pictures with a change applied: any value can become any other.

    Args:
        x: (N, 3, H, W) float in [-1, 1].
        change: (N, 3, H, W) float in [-1, 1], in units of the whole range.
    """
    return (x + 2 * change).clamp(-1, 1)


def init_normal(module: nn.Module) -> None:
    """Draw a convolution's weights from N(0, 0.02^2) and zero its bias, as the paper does."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
