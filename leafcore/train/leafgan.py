"""LeafGAN (Cap, Uga, Kagiwada, Iyatomi 2020, arXiv 2002.10100).

It differs from CycleGAN in two things: the discriminators see the leaf only, and the background must stay as it is:
by a loss, as published, or by construction.
"""

from typing import Any, ClassVar

import torch
from torch import nn

from leafcore.data.mask_sets import open_mask_set
from leafcore.data.seen import load_seen, merge
from leafcore.images import blend
from leafcore.progress import Progress
from leafcore.train.configs import LeafGANConfig
from leafcore.train.cyclegan import CycleGAN
from leafcore.train.losses import background_loss
from leafcore.train.recipe import Losses
from leafcore.train.translation_data import Batch, unpaired_data
from leafcore.workspace import Workspace


class LeafGAN(CycleGAN):
    """Translates the leaf between two label sets and leaves the background alone."""

    config: LeafGANConfig
    columns: ClassVar[tuple[str, ...]] = ("input", "mask", "fake", "reconstruction", "identity")

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "LeafGAN":
        """Load both domains and their masks; see `Recipe.from_config`."""
        masks = open_mask_set(workspace, config.masks)
        recipe = cls(config, unpaired_data(config, workspace, masks, progress), device)
        recipe.seen = merge(recipe.seen, load_seen(masks.folder))
        return recipe

    def judged(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the leaf on mid-grey (0 in [-1, 1]): all that a discriminator sees."""
        return images * mask

    def background_losses(self, batch: Batch, fake_a: torch.Tensor, fake_b: torch.Tensor) -> Losses:
        """Return the background loss of both translations."""
        return {
            "background_a": background_loss(fake_b, batch.real_a, batch.mask_a),
            "background_b": background_loss(fake_a, batch.real_b, batch.mask_b),
        }

    def translated(self, generator: nn.Module, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return what a generator makes of pictures; with `blend`, outside the leaf they stay what they are."""
        out = super().translated(generator, images, mask)
        return blend(out, images, mask) if self.config.blend else out

    def weight(self, loss: str) -> float:
        """Return the weight of a generator loss."""
        return self.config.weight_background if loss.startswith("background") else super().weight(loss)

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        how = {"blend": True} if self.config.blend else {}
        return {**super().describe(), "recipe": "leafgan", "masks": self.config.masks, **how}
