"""LFLSeg: "leaf, full leaf, segmentation" (Cap et al. 2020, section III-B).

A classifier learns full leaf (0), partial leaf (1), non-leaf (2). To tell a whole leaf from a part it must look at all
of it, so that the heat map of class 0 covers the leaf; a disease classifier's would cover only the lesions. Parts are
cut from whole pictures as a 3 x 3 grid. Every class is drawn equally often.
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from leafcore.data.sampling import ShuffledStream
from leafcore.data.transforms import random_crop_flip
from leafcore.images import to_signed
from leafcore.nets import build
from leafcore.nets.backbones import closed_form_head
from leafcore.progress import Progress
from leafcore.train.configs import LFLSegConfig
from leafcore.train.device import autocast
from leafcore.train.lflseg_data import LFLSegPictures, lflseg_pictures
from leafcore.train.recipe import Losses, Preview, Recipe
from leafcore.workspace import Workspace

CLASSES = ("full leaf", "partial leaf", "non-leaf")
GRID = 3  # a partial leaf is one cell of a 3 x 3 grid


class LFLSeg(Recipe):
    """Learns to tell whole leaves from parts and from other things."""

    config: LFLSegConfig
    exported = ("classifier",)

    def __init__(self, config: LFLSegConfig, pictures: LFLSegPictures, device: torch.device) -> None:
        self.config, self.pictures, self.device = config, pictures, device
        self.generator = torch.Generator().manual_seed(config.seed)
        self.net = build(self._network(config.pretrained)).to(device)
        closed_form_head(self.net)  # refuses a network that no heat map will come of
        self.nets = {"classifier": self.net}
        leaves = len(pictures.train_leaf)
        steps = math.ceil(leaves * len(CLASSES) / config.batch_size)
        self.steps_per_epoch = min(steps, config.max_steps_per_epoch or steps)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        total = self.steps_per_epoch * config.epochs
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, config.learning_rate, total_steps=total)
        self.leaf_stream = ShuffledStream(leaves, self.generator)
        self.part_stream = ShuffledStream(leaves * GRID**2, self.generator)
        self.nonleaf_stream = ShuffledStream(len(pictures.train_nonleaf), self.generator)
        self.stateful = {
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "leaf_stream": self.leaf_stream,
            "part_stream": self.part_stream,
            "nonleaf_stream": self.nonleaf_stream,
        }
        self.seen = pictures.seen

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "LFLSeg":
        """Load leaves and other things; see `Recipe.from_config`."""
        return cls(config, lflseg_pictures(config, workspace, progress), device)

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return as many whole leaves as parts as other things.

        Returns:
            (N, 3, S, S) float32 in [-1, 1], and (N,) int64 classes.
        """
        size = self.config.size_px
        count = max(1, self.config.batch_size // len(CLASSES))
        whole = _pick(self.pictures.train_leaf, self.leaf_stream.take(count))
        others = _pick(self.pictures.train_nonleaf, self.nonleaf_stream.take(count))
        whole, others = (random_crop_flip([images], size, self.generator)[0] for images in (whole, others))
        parts = random_crop_flip(
            [self._parts(self.pictures.train_leaf, self.part_stream.take(count))], size, self.generator
        )[0]
        images = torch.cat([to_signed(whole), to_signed(parts), to_signed(others)])
        classes = torch.arange(len(CLASSES)).repeat_interleave(count)
        return images.to(self.device), classes.to(self.device)

    def _parts(self, leaves: np.ndarray, indices: torch.Tensor) -> torch.Tensor:
        """Cut cells out of pictures and enlarge them to the pictures' size.

        Args:
            leaves: (N, L, L, 3) uint8.
            indices: Each names a picture and one of its nine cells.
        """
        side = leaves.shape[1] // GRID
        cells = []
        for index in indices.tolist():
            leaf, cell = divmod(index, GRID**2)
            top, left = (cell // GRID) * side, (cell % GRID) * side
            cells.append(leaves[leaf, top : top + side, left : left + side])
        parts = torch.from_numpy(np.stack(cells)).permute(0, 3, 1, 2).float()
        return F.interpolate(parts, size=leaves.shape[1], mode="bilinear", align_corners=False).round().byte()

    def step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> Losses:
        """See `Recipe.step`."""
        images, classes = batch
        self.net.train()
        with autocast(self.device, self.config.precision):
            logits = self.net(images)
        loss = F.cross_entropy(logits.float(), classes)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return {"cross_entropy": loss.detach()}

    @torch.no_grad()
    def end_epoch(self) -> dict[str, float]:
        """Return the share of validation pictures whose class is told right, overall and per class."""
        self.net.eval()
        cells = (
            torch.arange(len(self.pictures.val_leaf)) * GRID**2 + torch.arange(len(self.pictures.val_leaf)) % GRID**2
        )
        hits = {
            "full": self._hits(_all(self.pictures.val_leaf), 0),
            "partial": self._hits(self._parts(self.pictures.val_leaf, cells), 1) if len(cells) else [],
            "nonleaf": self._hits(_all(self.pictures.val_nonleaf), 2),
        }
        every = [hit for part in hits.values() for hit in part]
        scores = {f"val_accuracy_{name}": float(np.mean(part)) for name, part in hits.items() if part}
        return {"val_accuracy": float(np.mean(every)), **scores}

    def _hits(self, images: torch.Tensor, wanted: int) -> list[bool]:
        hits: list[bool] = []
        for chunk in images.split(self.config.batch_size):
            resized = F.interpolate(chunk.float(), size=self.config.size_px, mode="bilinear", antialias=True)
            signed = resized.div(127.5).sub(1.0).to(self.device)
            hits += (self.net(signed).argmax(1) == wanted).tolist()
        return hits

    def preview(self) -> Preview | None:
        """Return nothing: the Masks page shows what this model sees."""
        return None

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        return {
            "recipe": "lflseg",
            "classes": list(CLASSES),
            "size_px": self.config.size_px,
            "dataset": self.config.dataset,
            "nets": {"classifier": self._network(pretrained=False)},
        }

    def _network(self, pretrained: bool) -> dict[str, Any]:
        args = {"name": self.config.backbone, "num_classes": len(CLASSES), "pretrained": pretrained}
        return {"type": "backbone", "args": args}


def _pick(images: np.ndarray, indices: torch.Tensor) -> torch.Tensor:
    """Return some pictures as (N, 3, L, L) uint8."""
    return torch.from_numpy(np.ascontiguousarray(images[indices.numpy()])).permute(0, 3, 1, 2)


def _all(images: np.ndarray) -> torch.Tensor:
    return _pick(images, torch.arange(len(images)))
