"""Which images a rendered dataset holds: imbalanced on purpose, with one to three photographs of each leaf."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

VERSION = 1  # raised when the same seeds draw another picture

LABELS = ("healthy", "scab", "frog_eye_leaf_spot", "rust", "powdery_mildew", "complex")

SHARES: dict[tuple[str, ...], float] = {
    ("healthy",): 0.34,
    ("scab",): 0.22,
    ("frog_eye_leaf_spot",): 0.16,
    ("rust",): 0.08,
    ("powdery_mildew",): 0.08,
    ("complex",): 0.07,
    ("frog_eye_leaf_spot", "rust"): 0.05,
}

_VIEWS = "abc"


@dataclass(frozen=True)
class RenderedImage:
    """One image to render: everything `render_leaf` needs, and the leaf it belongs to."""

    name: str  # "leaf-0123-a.png"
    labels: tuple[str, ...]
    leaf_seed: int
    view_seed: int
    group: str  # "leaf-0123"

    def sha256(self, size_px: int) -> str:
        """Return the hash of all that decides what is drawn.

        It stands for the file's hash, which differs between processors: they round the last bit of a sine differently.
        """
        recipe = [VERSION, size_px, self.labels, self.leaf_seed, self.view_seed]
        return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def plan_images(count: int, *, seed: int) -> list[RenderedImage]:
    """Plan a dataset.

    Args:
        count: Number of images, >= 1; from 12 on, every label appears.
        seed: Seed of the plan; leaf and view seeds are drawn from it independently of the labels.

    Returns:
        Exactly `count` images, the photographs of a leaf side by side, the leaves in mixed order.
    """
    rng = np.random.default_rng([seed, count])
    leaves: list[tuple[tuple[str, ...], int]] = []
    for labels, images in quotas(count).items():
        while images > 0:
            views = min(images, int(rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25])))
            leaves.append((labels, views))
            images -= views
    order = rng.permutation(len(leaves))
    seeds = rng.integers(2**31, size=(len(leaves), 1 + len(_VIEWS)))
    planned = []
    for number, index in enumerate(order):
        labels, views = leaves[index]
        group = f"leaf-{number:04d}"
        leaf_seed, *view_seeds = (int(s) for s in seeds[number])
        for letter, view_seed in zip(_VIEWS[:views], view_seeds, strict=False):
            planned.append(RenderedImage(f"{group}-{letter}.png", labels, leaf_seed, view_seed, group))
    return planned


def quotas(count: int) -> dict[tuple[str, ...], int]:
    """Share `count` images out among the label sets by largest remainder.

    From 12 images on, every single label gets at least one, taken from the largest set.
    """
    exact = {labels: share * count for labels, share in SHARES.items()}
    images = {labels: int(number) for labels, number in exact.items()}
    by_remainder = sorted(exact, key=lambda labels: images[labels] - exact[labels])
    for labels in by_remainder[: count - sum(images.values())]:
        images[labels] += 1
    for label in LABELS:
        if count >= 12 and images[(label,)] == 0:
            images[(label,)] = 1
            images[max(images, key=lambda labels: images[labels])] -= 1
    return images
