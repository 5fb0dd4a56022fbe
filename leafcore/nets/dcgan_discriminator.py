"""The discriminator of DCGAN (Radford et al. 2016), which may know classes, or be a critic of WGAN-GP."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm as with_spectral_norm

from leafcore.nets.dcgan_generator import BASE_PX, init_dcgan, widening


class Judgement(NamedTuple):
    """What a discriminator says of pictures.

    Attributes:
        scores: (N,), high for real.
        class_logits: (N, classes), or None without an auxiliary classifier.
    """

    scores: torch.Tensor
    class_logits: torch.Tensor | None


class DCGANDiscriminator(nn.Module):
    """Judges pictures: half the side with every layer, down to 4 px, then one score.

    Args:
        size_px: Side of the pictures, 4 times a power of two: 64, 128 or 256.
        filters: Channels after the first layer; 64 in the paper's code.
        classes: How many classes it knows; 0 for none.
        auxiliary: Whether it also tells the class (ACGAN: Odena et al. 2017, arXiv 1610.09585) instead of being told
            it (projection: Miyato and Koyama 2018, arXiv 1802.05637, eq. 3 and figure 1d).
        batch_norm: Whether layers are batch normalised, but for the first, as in DCGAN. Not with a gradient penalty,
            which is of each picture alone (Gulrajani et al. 2017, section 4).
        spectral_norm: Whether every layer is normalised by its largest singular value (Miyato et al. 2018, arXiv
            1802.05957).
    """

    def __init__(
        self,
        size_px: int = 64,
        filters: int = 64,
        classes: int = 0,
        *,
        auxiliary: bool = False,
        batch_norm: bool = True,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        widths = [filters * factor for factor in widening(size_px)]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise([3, *widths])):
            layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=not batch_norm))
            layers += [nn.BatchNorm2d(after)] if batch_norm and index else []
            layers.append(nn.LeakyReLU(0.2, True))
        self.body = nn.Sequential(*layers)
        self.score = nn.Conv2d(widths[-1], 1, BASE_PX, bias=not batch_norm)
        self.classify = nn.Conv2d(widths[-1], classes, BASE_PX) if classes and auxiliary else None
        self.embed = nn.Embedding(classes, widths[-1]) if classes and not auxiliary else None
        self.apply(init_dcgan)
        if spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d | nn.Embedding):
                    with_spectral_norm(module)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> Judgement:
        """Judge pictures.

        Args:
            x: (N, 3, S, S) float in [-1, 1].
            labels: (N,) int64: the classes they are said to be of; only a projection looks at them.
        """
        y = self.body(x)  # (N, 8f, 4, 4)
        scores = self.score(y).flatten()  # (N,)
        if self.embed is not None:
            assert labels is not None, "a projection discriminator is told the classes"
            scores = scores + (self.embed(labels) * y.sum((2, 3))).sum(1)
        return Judgement(scores, None if self.classify is None else self.classify(y).flatten(1))
