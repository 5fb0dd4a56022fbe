"""How fast a classifier is fine-tuned, against a plain torchvision loop in fp32 over a DataLoader of PIL, in one run.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.classifier`. Both sides fine-tune the same network from the same
weights on the same orchard photographs of one label, at 128 px out of 143 px, cropped and mirrored at random, in
batches of 32, by AdamW along a cosine. The plain loop is what torchvision's references and tutorials write: PIL decodes
and resizes in two DataLoader workers, every epoch anew. Ours is the recipe as it comes; filling its cache of pixels
counts. They take turns, a seed each. On a CPU times are of the processor, workers included, since other work may share
the cores; on a GPU they are the wall's.

Claims, for lite0 and ResNet-18: at least 1.8 times as many pictures per second, and a validation accuracy, mean over
the seeds, that is at most 2 points lower.
"""

import argparse
import json
import math
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from leafcore.data.classes import Classes
from leafcore.data.pixels import image_pixels
from leafcore.data.transforms import load_size
from leafcore.nets.backbones import InputScale, build_backbone, has_weights
from leafcore.progress import Progress
from leafcore.train.classifier import Classifier, LabelledImages
from leafcore.train.configs import ClassifierConfig
from leafcore.workspace import PROJECT_ROOT, Workspace

NETWORKS = ("tf_efficientnet_lite0", "resnet18")
SIZE_PX, BATCH, WORKERS, RATE, DECAY = 128, 32, 2, 1e-3, 1e-2
LEAST_SPEEDUP, MOST_LOST = 1.8, 0.02


@dataclass(frozen=True)
class Photographs:
    """Photographs of one label each.

    Attributes:
        files: Where they are.
        labels: What each shows.
    """

    files: list[Path]
    labels: list[str]

    @property
    def names(self) -> list[str]:
        """What they show, sorted."""
        return sorted(set(self.labels))


def photographs(count: int) -> tuple[Photographs, Photographs]:
    """Return orchard photographs to learn from, and a third as many to validate on, each label's share alike."""
    folder = Path(os.environ.get("LEAF_SAMPLES", PROJECT_ROOT.parent / "shared" / "data")) / "field"
    table = pd.read_csv(folder / "train.csv")
    single = table[~table["labels"].str.contains(" ")]
    common = single[single.groupby("labels")["image"].transform("size") >= 20]
    parts = train_test_split(common, train_size=count, test_size=count // 3, random_state=0, stratify=common["labels"])
    train, val = (
        Photographs([folder / "train_images" / name for name in part["image"]], list(part["labels"])) for part in parts
    )
    return train, val


class PlainDataset(Dataset[tuple[torch.Tensor, int]]):
    """Pictures as a tutorial reads them."""

    def __init__(self, photos: Photographs, scale: InputScale, *, training: bool) -> None:
        load_px = load_size(SIZE_PX) if training else SIZE_PX
        changed = [transforms.RandomCrop(SIZE_PX), transforms.RandomHorizontalFlip()] if training else []
        self.photos, self.names = photos, photos.names
        self.transform = transforms.Compose(
            [
                transforms.Resize((load_px, load_px), transforms.InterpolationMode.BICUBIC),
                *changed,
                transforms.ToTensor(),
                transforms.Normalize(scale.mean, scale.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.photos.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture: torch.Tensor = self.transform(Image.open(self.photos.files[index]).convert("RGB"))
        return picture, self.names.index(self.photos.labels[index])


Accuracy = Callable[[], float]


def plain(network: nn.Module, train: Photographs, epochs: int, val: Photographs, device: torch.device) -> Accuracy:
    """Fine-tune as a tutorial does; return what measures the accuracy."""
    scale = InputScale.of(network)
    network.to(device)
    loader = DataLoader(PlainDataset(train, scale, training=True), BATCH, shuffle=True, num_workers=WORKERS)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        network.train()
        for pictures, targets in loader:
            loss = F.cross_entropy(network(pictures.to(device)), targets.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()

    @torch.no_grad()
    def accuracy() -> float:
        network.eval()
        batches = DataLoader(PlainDataset(val, scale, training=False), BATCH)
        right = sum(
            int((network(pictures.to(device)).argmax(1).cpu() == targets).sum()) for pictures, targets in batches
        )
        return right / len(val.files)

    return accuracy


def ours(
    config: ClassifierConfig,
    weights: dict[str, torch.Tensor],
    train: Photographs,
    val: Photographs,
    workspace: Workspace,
) -> Accuracy:
    """Fine-tune by the recipe, from the same weights; return what measures the accuracy."""
    classes = Classes(tuple(train.names), exclusive=True)
    watcher = Progress(workspace.root)

    def opened(photos: Photographs, size_px: int) -> LabelledImages:
        return LabelledImages([image_pixels(workspace, photos.files, size_px, watcher)], classes.encode(photos.labels))

    train_set = opened(train, load_size(SIZE_PX))
    recipe = Classifier(config, train_set, train_set, classes, _device())
    recipe.net.load_state_dict(weights)
    for _ in range(config.epochs):
        for _ in range(recipe.steps_per_epoch):
            recipe.step(recipe.next_batch())
        recipe.scheduler.step()

    def accuracy() -> float:
        val_set = opened(val, SIZE_PX)
        return float((recipe.predict(val_set).argmax(1) == val_set.targets.argmax(1)).mean())

    return accuracy


def timed(fine_tune: Callable[[], Accuracy]) -> tuple[float, Accuracy]:
    """Return the seconds that a fine-tuning took, and what it returned."""
    begin = _clock()
    accuracy = fine_tune()
    return _clock() - begin, accuracy


def _clock() -> float:
    if _device().type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _device() -> torch.device:
    return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def compare(name: str, epochs: int, seeds: Sequence[int], train: Photographs, val: Photographs) -> dict[str, object]:
    """Return what was found for a network."""
    pretrained = has_weights(name)
    seen = epochs * len(train.files)
    times, accuracies = [], []
    for seed in seeds:
        torch.manual_seed(seed)
        network = build_backbone(name, len(train.names), pretrained)
        weights = {key: value.clone() for key, value in network.state_dict().items()}
        config = ClassifierConfig(
            dataset="photographs", backbone=name, pretrained=False, epochs=epochs, batch_size=BATCH, size_px=SIZE_PX,
            learning_rate=RATE, weight_decay=DECAY, seed=seed,
        )  # fmt: skip
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            workspace = Workspace(Path(folder))
            fast, ours_right = timed(lambda: ours(config, weights, train, val, workspace))  # noqa: B023
            slow, plain_right = timed(lambda: plain(network, train, epochs, val, _device()))  # noqa: B023
            times.append((fast, slow))
            accuracies.append((ours_right(), plain_right()))
    speedups = [slow / fast for fast, slow in times]
    means = np.mean(accuracies, axis=0)
    return {
        "pretrained": pretrained,
        "images_per_second": [
            round(statistics.median(seen / one for one in side), 1) for side in zip(*times, strict=True)
        ],
        "speedup": round(statistics.median(speedups), 2),
        "speedup_range": [round(min(speedups), 2), round(max(speedups), 2)],
        "val_accuracy": [[round(one, 3) for one in side] for side in zip(*accuracies, strict=True)],
        "val_accuracy_mean": [round(float(one), 3) for one in means],
        "holds": bool(statistics.median(speedups) >= LEAST_SPEEDUP and means[0] >= means[1] - MOST_LOST),
    }


def main() -> None:
    """Compare the two and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=480, help="Train photographs; a third as many validate.")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="Only this one.")
    options = parser.parse_args()
    train, val = photographs(options.images)
    found = {
        name: compare(name, options.epochs, range(options.seeds), train, val) for name in options.network or NETWORKS
    }
    steps = options.epochs * math.ceil(len(train.files) / BATCH)
    print(json.dumps({"device": str(_device()), "labels": train.names, "steps": steps, **found}, indent=1))


if __name__ == "__main__":
    main()
