"""The disease classifier: a pretrained backbone, fine-tuned; its best epoch on validation pictures counts.

A training run saves every epoch's weights and promotes the best one's, see `TrainConfig.BEST_BY`; a comparison, which
keeps no files, has the best ones in memory.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from leafcore.data.classes import Classes
from leafcore.data.manifest import load
from leafcore.data.pixels import image_pixels
from leafcore.data.sampling import ShuffledStream, WeightedStream
from leafcore.data.transforms import load_size, random_crop_flip
from leafcore.errors import DatasetError
from leafcore.measure.scores import macro_f1, predicted_labels
from leafcore.measure.thresholds import choose_thresholds
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.progress import Progress
from leafcore.train.augment import StudyAugment
from leafcore.train.class_balance import class_weights, picture_weights
from leafcore.train.configs import ClassifierConfig
from leafcore.train.device import autocast, faster_precision, spare_depthwise
from leafcore.train.early_stopping import EarlyStopping
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

    def batches(self, batch_size: int) -> Iterator[torch.Tensor]:
        """Yield all pictures in order, (N, 3, L, L) uint8 with N up to `batch_size`."""
        for start in range(0, len(self), batch_size):
            yield self.pick(np.arange(start, min(start + batch_size, len(self))))


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
        net = build(self._network(config.pretrained, training=True))
        self.net = net.to(device).to(memory_format=torch.channels_last)  # half as fast again on a CPU
        self._precision = faster_precision(device, config.precision)
        if device.type == "cpu" and self._precision == "bf16":
            spare_depthwise(self.net)
        self.nets = {"classifier": self.net}
        own = config.statistics == "train"
        self.scale = InputScale.measured(train.batches(config.batch_size)) if own else InputScale.of(self.net)
        steps = math.ceil(len(train) / config.batch_size)
        self.steps_per_epoch = min(steps, config.max_steps_per_epoch or steps)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.stream = self._stream()
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._share_of_rate)
        self.early_stopping = EarlyStopping(config.patience)
        self.best, self._keep_best = BestWeights(), keep_best
        self._augment = StudyAugment(config.size_px) if config.augment == "study" else None
        self._weights = self._loss_weights()
        self.stateful = {
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "stream": self.stream,
            "early_stopping": self.early_stopping,
        }
        if keep_best:
            self.stateful["best"] = self.best
        self.thresholds: np.ndarray | None = None
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
        """Return random crops, mirrored at random, and changed further if the settings say so.

        Returns:
            (N, 3, S, S) uint8 and (N, labels) float32.
        """
        indices = self.stream.take(self.config.batch_size).numpy()
        images = random_crop_flip([self.train_set.pick(indices)], self.config.size_px, self.generator)[0]
        images = images.to(self.device)
        targets = torch.from_numpy(self.train_set.targets[indices]).to(self.device)
        return self._augment(images) if self._augment else images, targets

    def step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> Losses:
        """See `Recipe.step`."""
        images, targets = batch
        self.net.train()
        with autocast(self.device, self._precision):
            logits = self.net(self.scale(images))
        if self.classes.exclusive:
            loss = F.cross_entropy(logits.float(), targets, self._weights)
        else:
            loss = F.binary_cross_entropy_with_logits(logits.float(), targets, pos_weight=self._weights)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"cross_entropy": loss.detach()}

    def end_epoch(self) -> dict[str, float]:
        """Lower the learning rate along a cosine; return macro-F1 on validation pictures."""
        self.scheduler.step()
        said, targets = self.predict(self.val_set), self.val_set.targets
        score = macro_f1(targets, predicted_labels(said, not self.classes.exclusive))
        self.early_stopping.note(score)
        if self._keep_best:
            self.best.offer(score, self.net.state_dict())
        elif not self.classes.exclusive:  # of the weights that are about to be saved
            self.thresholds = choose_thresholds(targets, said, exclusive=False)
        return {"val_macro_f1": score}

    @property
    def has_settled(self) -> bool:
        """Whether validation has been waited for as long as the settings allow."""
        return self.early_stopping.is_due

    @torch.no_grad()
    def predict(self, pictures: LabelledImages) -> np.ndarray:
        """Return (N, classes) float32 probabilities for pictures at `size_px`."""
        self.net.eval()
        parts = []
        for batch in pictures.batches(self.config.batch_size):
            logits = self.net(self.scale(batch.to(self.device))).float()
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
            **({} if self.thresholds is None else {"thresholds": self.thresholds.tolist()}),
        }

    # --- what the settings ask for ---------------------------------------------------------------------------------

    def _network(self, pretrained: bool, training: bool = False) -> dict[str, Any]:
        args = {"name": self.config.backbone, "num_classes": len(self.classes.names), "pretrained": pretrained}
        dropped = {"dropout": self.config.dropout, "drop_path": self.config.drop_path} if training else {}
        return {"type": "backbone", "args": {**args, **dropped}}

    def _stream(self) -> ShuffledStream | WeightedStream:
        if self.config.balance != "sampling":
            return ShuffledStream(len(self.train_set), self.generator)
        return WeightedStream(torch.from_numpy(picture_weights(self.train_set.targets)), self.generator)

    def _loss_weights(self) -> torch.Tensor | None:
        if self.config.balance != "weights":
            return None
        weights = class_weights(self.train_set.targets, exclusive=self.classes.exclusive)
        return torch.from_numpy(weights).to(self.device)

    def _share_of_rate(self, epoch: int) -> float:
        """Return what is left of the learning rate: a cosine from 1 down to the floor (Loshchilov and Hutter 2017)."""
        floor = self.config.cosine_floor
        return floor + (1 - floor) * (1 + math.cos(math.pi * min(epoch / self.config.epochs, 1))) / 2
