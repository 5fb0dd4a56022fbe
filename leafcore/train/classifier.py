"""The disease classifier: a pretrained backbone, fine-tuned; its best epoch on validation pictures counts.

A training run saves every epoch's weights and promotes the best one's, see `TrainConfig.BEST_BY`; a comparison, which
keeps no files, has the best ones in memory.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from leafcore.data.classes import Classes
from leafcore.data.manifest import load
from leafcore.data.pixels import image_pixels
from leafcore.data.sampling import ShuffledStream
from leafcore.data.transforms import load_size, random_crop_flip
from leafcore.errors import DatasetError
from leafcore.measure.scores import macro_f1, predicted_labels
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.progress import Progress
from leafcore.train.configs import ClassifierConfig
from leafcore.train.device import autocast
from leafcore.train.recipe import Losses, Preview, Recipe
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class LabelledImages:
    """Pictures and what they show.

    Attributes:
        images: (N, L, L, 3) uint8, or several such arrays, one after another.
        targets: (N, classes) float32, 1 where a picture is of the class.
    """

    images: Sequence[np.ndarray]
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def pick(self, indices: np.ndarray) -> torch.Tensor:
        """Return some pictures as (N, 3, L, L) uint8."""
        starts = np.cumsum([0, *(len(part) for part in self.images)])
        part_of = np.searchsorted(starts, indices, side="right") - 1
        pictures = [self.images[part][index - starts[part]] for part, index in zip(part_of, indices, strict=True)]
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


class BestWeights:
    """The weights of the epoch with the highest score so far; the first of equals."""

    def __init__(self) -> None:
        self.score = -math.inf
        self.weights: dict[str, torch.Tensor] = {}

    def offer(self, score: float, weights: dict[str, torch.Tensor]) -> None:
        """Keep a copy of the weights if their score is higher."""
        if score > self.score:
            self.score = score
            self.weights = {name: value.detach().clone() for name, value in weights.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return score and weights."""
        return {"score": self.score, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a saved score and weights."""
        self.score, self.weights = state["score"], state["weights"]


class Classifier(Recipe):
    """Tells what a picture shows: a softmax where it is of exactly one class, else a sigmoid per label.

    Args:
        config: Its settings.
        train: What it learns from, at the size of `load_size`.
        val: What its best epoch is chosen on, at `size_px`.
        classes: What it tells apart, in the order of the targets' columns.
        device: Where to compute.
        keep_best: Whether to hold the best epoch's weights in `best`, and in the state: for who saves no weights.
    """

    config: ClassifierConfig
    exported = ("classifier",)

    def __init__(
        self,
        config: ClassifierConfig,
        train: LabelledImages,
        val: LabelledImages,
        classes: Classes,
        device: torch.device,
        keep_best: bool = True,
    ) -> None:
        self.config, self.classes, self.device = config, classes, device
        self.train_set, self.val_set = train, val
        self.generator = torch.Generator().manual_seed(config.seed)
        self.net = build(self._network(config.pretrained)).to(device)
        self.nets = {"classifier": self.net}
        self.scale = InputScale.of(self.net)
        steps = math.ceil(len(train) / config.batch_size)
        self.steps_per_epoch = min(steps, config.max_steps_per_epoch or steps)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.stream = ShuffledStream(len(train), self.generator)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, config.epochs)
        self.best, self._keep_best = BestWeights(), keep_best
        self.stateful = {"optimizer": self.optimizer, "scheduler": self.scheduler, "stream": self.stream}
        if keep_best:
            self.stateful["best"] = self.best
        self.seen = {}

    @classmethod
    def from_config(
        cls, config: ClassifierConfig, workspace: Workspace, device: torch.device, progress: Progress
    ) -> "Classifier":
        """Load a dataset's train and validation pictures, of the label sets to tell apart."""
        dataset = load(workspace, config.dataset)
        told = list(config.labels) or list(dataset.label_sets)
        wanted = dataset.records["labels"].isin(told)
        train, val = (dataset.records[wanted & (dataset.records["split"] == split)] for split in ("train", "val"))
        if train.empty or val.empty:
            raise DatasetError(
                f"dataset: {dataset.ref} has {len(train)} train and {len(val)} validation pictures"
                f"{' of ' + ', '.join(config.labels) if config.labels else ''}; both are needed."
            )
        classes = Classes.of(dataset.card.label_policy, told)
        sets = [
            LabelledImages(
                [image_pixels(workspace, dataset.paths(records), size_px, progress)],
                classes.encode(list(records["labels"])),
            )
            for records, size_px in ((train, load_size(config.size_px)), (val, config.size_px))
        ]
        recipe = cls(config, sets[0], sets[1], classes, device, keep_best=False)
        recipe.seen = {"classifier": list(train["sha256"]), "probe": list(val["sha256"])}
        return recipe

    # --- training --------------------------------------------------------------------------------------------------

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return random crops, mirrored at random.

        Returns:
            (N, 3, S, S) uint8 and (N, labels) float32.
        """
        indices = self.stream.take(self.config.batch_size).numpy()
        images = random_crop_flip([self.train_set.pick(indices)], self.config.size_px, self.generator)[0]
        return images.to(self.device), torch.from_numpy(self.train_set.targets[indices]).to(self.device)

    def step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> Losses:
        """See `Recipe.step`."""
        images, targets = batch
        self.net.train()
        with autocast(self.device, self.config.precision):
            logits = self.net(self.scale(images))
        if self.classes.exclusive:
            loss = F.cross_entropy(logits.float(), targets)
        else:
            loss = F.binary_cross_entropy_with_logits(logits.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"cross_entropy": loss.detach()}

    def end_epoch(self) -> dict[str, float]:
        """Lower the learning rate along a cosine; return macro-F1 on validation pictures."""
        self.scheduler.step()
        predicted = predicted_labels(self.predict(self.val_set), not self.classes.exclusive)
        score = macro_f1(self.val_set.targets, predicted)
        if self._keep_best:
            self.best.offer(score, self.net.state_dict())
        return {"val_macro_f1": score}

    @torch.no_grad()
    def predict(self, pictures: LabelledImages) -> np.ndarray:
        """Return (N, classes) float32 probabilities for pictures at `size_px`."""
        self.net.eval()
        parts = []
        for start in range(0, len(pictures), self.config.batch_size):
            indices = np.arange(start, min(start + self.config.batch_size, len(pictures)))
            logits = self.net(self.scale(pictures.pick(indices).to(self.device))).float()
            parts.append((logits.softmax(1) if self.classes.exclusive else logits.sigmoid()).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes.names)), np.float32)

    def preview(self) -> Preview | None:
        """Return nothing: the Evaluate page shows what this model says."""
        return None

    def describe(self) -> dict[str, Any]:
        """See `Recipe.describe`."""
        return {
            "recipe": "classifier",
            "labels": list(self.classes.names),
            "multi_label": not self.classes.exclusive,
            "size_px": self.config.size_px,
            "input": self.scale.describe(),
            "dataset": self.config.dataset,
            "nets": {"classifier": self._network(pretrained=False)},
        }

    def _network(self, pretrained: bool) -> dict[str, Any]:
        args = {"name": self.config.backbone, "num_classes": len(self.classes.names), "pretrained": pretrained}
        return {"type": "backbone", "args": args}
