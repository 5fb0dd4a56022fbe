"""The generator of DCGAN (Radford, Metz, Chintala 2016, arXiv 1511.06434), with or without classes."""

import torch
from torch import nn

from leafcore.errors import CheckpointError

BASE_PX = 4  # the side of the first maps, and of the last ones that a discriminator sees
WIDEST = 8  # no layer has more than so many times the channels next to the picture, as in the paper at 64 px


class DCGANGenerator(nn.Module):
    """Makes pictures of latent vectors: 4 px first, then twice the side with every layer.

    At 64 px with f = `filters`: 8f x 4 x 4, 4f x 8 x 8, 2f x 16 x 16, f x 32 x 32, 3 x 64 x 64; a larger picture takes
    one more layer per doubling. With classes, every normalisation has a gain and a bias per class (de Vries et al.
    2017, arXiv 1707.00683; in GANs: Miyato and Koyama 2018, arXiv 1802.05637).

    Args:
        latent: Length of the latent vector; 100 in the paper.
        size_px: Side of the pictures, 4 times a power of two: 64, 128 or 256.
        filters: Channels next to the picture; 64 in the paper's code.
        classes: How many classes it is told apart by; 0 for none.
    """

    def __init__(self, latent: int = 100, size_px: int = 64, filters: int = 64, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        widths = [filters * factor for factor in reversed(widening(size_px))]
        inputs, outputs = [latent, *widths], [*widths, 3]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, *((2, 1) if index else (1, 0)), bias=False)
            for index, (before, after) in enumerate(zip(inputs, outputs, strict=True))
        )
        self.norms = nn.ModuleList(
            ConditionalBatchNorm2d(width, classes) if classes else nn.BatchNorm2d(width) for width in widths
        )
        self.apply(init_dcgan)

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Make pictures.

        Args:
            z: (N, latent) float32, standard normal.
            labels: (N,) int64 in [0, classes); None without classes.

        Returns:
            (N, 3, S, S) in [-1, 1].

        Raises:
            CheckpointError: It has classes, and nobody said which.
        """
        if self.classes and labels is None:
            raise CheckpointError(
                f"labels: got none, expected one of {self.classes} classes for each picture; this model was trained on "
                "classes."
            )
        y = z[:, :, None, None]  # (N, latent, 1, 1)
        for up, norm in zip(self.ups[:-1], self.norms, strict=True):
            y = up(y)  # (N, 8f, 4, 4), (N, 4f, 8, 8), ..., (N, f, S/2, S/2)
            y = torch.relu(norm(y, labels) if self.classes else norm(y))
        out: torch.Tensor = torch.tanh(self.ups[-1](y))  # (N, 3, S, S)
        return out


class ConditionalBatchNorm2d(nn.Module):
    """Batch normalisation whose gain and bias depend on the class (de Vries et al. 2017, section 3).

    Args:
        channels: Of the maps.
        classes: How many classes there are.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Embedding(classes, channels)
        self.bias = nn.Embedding(classes, channels)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return (N, C, H, W) for (N, C, H, W) and (N,) classes."""
        out: torch.Tensor = self.norm(x) * self.gain(labels)[:, :, None, None] + self.bias(labels)[:, :, None, None]
        return out


def widening(size_px: int) -> list[int]:
    """Return how many times `filters` the channels are on the way from a picture's half down to 4 px.

    >>> widening(64), widening(256)
    ([1, 2, 4, 8], [1, 2, 4, 8, 8, 8])
    """
    layers = (size_px // BASE_PX).bit_length() - 1
    return [min(2**layer, WIDEST) for layer in range(layers)]


def init_dcgan(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02^2) as in section 4 of the paper; gains from N(1, 0.02^2), as in its code."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if isinstance(bias := getattr(module, "bias", None), torch.Tensor):
            nn.init.zeros_(bias)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, ConditionalBatchNorm2d):
        nn.init.normal_(module.gain.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias.weight)
