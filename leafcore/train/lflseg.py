"""LFLSeg: "leaf, full leaf, segmentation" (Cap et al. 2020, section III-B).

A classifier learns full leaf (0), partial leaf (1), non-leaf (2). To tell a whole leaf from a part it must look at all
of it, so that the heat map of class 0 covers the leaf; a disease classifier's would cover only the lesions. Parts are
cut from whole pictures as a 3 x 3 grid. Every class is drawn equally often, and shown in the same range of resolutions.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from leafcore.data.layouts import GRID
from leafcore.data.sampling import ShuffledStream
from leafcore.data.seen import merge
from leafcore.data.transforms import limit_detail, load_size, random_crop_flip
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.nets.trunk import map_layers
from leafcore.progress import Progress
from leafcore.train.configs import LFLSegConfig
from leafcore.train.confusion import Confusion
from leafcore.train.device import autocast
from leafcore.train.lflseg_data import CLASSES, LFLSegPictures, cut_parts, lflseg_pictures, pick
from leafcore.train.lflseg_start import Start, open_start
from leafcore.train.recipe import Losses, Preview, Recipe
from leafcore.workspace import Workspace

# While training a picture shows this share of the most detail there may be, or more. A part shows less structure than a
# whole leaf even at the same resolution; a wide range drowns that (1/6 measured better than 1/2 and 1/4 by that, and
# better masks came of it than of 1/8).
LEAST_SHARE = 1 / 6


class LFLSeg(Recipe):
    """Learns to tell whole leaves from parts and from other things."""

    config: LFLSegConfig
    exported = ("classifier",)

    def __init__(
        self, config: LFLSegConfig, pictures: LFLSegPictures, device: torch.device, start: Start | None = None
    ) -> None:
        self.config, self.pictures, self.device, self.start = config, pictures, device, start
        self.generator = torch.Generator().manual_seed(config.seed)
        self.net = start.network if start else build(self._network(config.pretrained)).to(device)
        map_layers(self.net.eval(), config.size_px)  # refuses a network that no heat map will come of
        self.nets = {"classifier": self.net}
        self.scale = start.scale if start else InputScale.of(self.net)
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
        self.seen = merge(pictures.seen, start.seen) if start else pictures.seen

    @classmethod
    def from_config(cls, config: Any, workspace: Workspace, device: torch.device, progress: Progress) -> "LFLSeg":
        """Load leaves and other things; see `Recipe.from_config`."""
        start = open_start(workspace, config.init_file or config.init, device) if config.init else None
        return cls(config, lflseg_pictures(config, workspace, progress), device, start)

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return as many whole leaves as parts as other things.

        How much detail a picture shows is drawn for each, whatever its class, so that it says nothing of the class.

        Returns:
            (N, 3, S, S) float32 in [0, 255], and (N,) int64 classes.
        """
        count = max(1, self.config.batch_size // len(CLASSES))
        leaves = self.pictures.train_leaf
        drawn = (
            pick(leaves, self.leaf_stream.take(count)),
            cut_parts(leaves, self.part_stream.take(count)),
            pick(self.pictures.train_nonleaf, self.nonleaf_stream.take(count)),
        )
        details = self.pictures.detail * LEAST_SHARE ** torch.rand(len(CLASSES), count, generator=self.generator)
        load_px = load_size(self.config.size_px)
        shown = [
            limit_detail(images.to(self.device), some.tolist(), load_px)
            for images, some in zip(drawn, details, strict=True)
        ]
        images = random_crop_flip([torch.cat(shown)], self.config.size_px, self.generator)[0]
        return images, torch.arange(len(CLASSES)).repeat_interleave(count).to(self.device)

    def step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> Losses:
        """See `Recipe.step`."""
        images, classes = batch
        self.net.train()
        with autocast(self.device, self.config.precision):
            logits = self.net(self.scale(images))
        loss = F.cross_entropy(logits.float(), classes)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return {"cross_entropy": loss.detach()}

    @torch.no_grad()
    def end_epoch(self) -> dict[str, float]:
        """Return the share of validation pictures whose class is told right, overall and per class.

        All are shown with as much detail as a part has, and so is what the model looks at later.
        """
        self.net.eval()
        leaves, others = self.pictures.val_leaf, self.pictures.val_nonleaf
        every = torch.arange(len(leaves))
        self.confusion = Confusion(
            classes=CLASSES,
            counts=(
                self._told(pick, leaves, every),
                self._told(cut_parts, leaves, every * GRID**2 + every % GRID**2),  # one of each leaf
                self._told(pick, others, torch.arange(len(others))),
            ),
        )
        recalls = {name: self.confusion.recall(index) for index, name in enumerate(("full", "partial", "nonleaf"))}
        scores = {f"val_accuracy_{name}": recall for name, recall in recalls.items() if recall is not None}
        return {"val_accuracy": self.confusion.accuracy, **scores}

    def _told(
        self, take: Callable[[np.ndarray, torch.Tensor], torch.Tensor], source: np.ndarray, indices: torch.Tensor
    ) -> tuple[int, ...]:
        """Return for each class how many of the pictures that `take` makes of the source are taken for it."""
        counts = np.zeros(len(CLASSES), int)
        for some in indices.split(self.config.batch_size) if len(indices) else ():
            images = take(source, some).to(self.device)
            shown = limit_detail(images, [self.pictures.detail] * len(images), self.config.size_px)
            told = self.net(self.scale(shown)).argmax(1).cpu().numpy()
            counts += np.bincount(told, minlength=len(CLASSES))
        return tuple(counts.tolist())

    def preview(self) -> Preview | None:
        """Return nothing: the Masks page shows what this model sees."""
        return None

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        return {
            "recipe": "lflseg",
            "classes": list(CLASSES),
            "size_px": self.config.size_px,
            "input": self.scale.describe(),
            "detail": self.pictures.detail,
            "dataset": self.config.dataset,
            "nets": {"classifier": self._network(pretrained=False)},
            **({"init": self.start.origin} if self.start else {}),
        }

    def _network(self, pretrained: bool) -> dict[str, Any]:
        backbone = self.start.backbone if self.start else self.config.backbone
        args = {"name": backbone, "num_classes": len(CLASSES), "pretrained": pretrained}
        return {"type": "backbone", "args": args}
