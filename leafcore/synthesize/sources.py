"""The photographs that synthesis starts from, of train unless somebody says why not. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leafcore.data.manifest import Dataset, Split, domain
from leafcore.errors import ConfigError
from leafcore.images import load_square

if TYPE_CHECKING:
    from leafcore.generate import Leaves


def choose_sources(
    dataset: Dataset, labels: str, count: int, seed: int, split: Split = "train", drawn: int = 0
) -> pd.DataFrame:
    """Draw sources from a split, without replacement.

    Args:
        dataset: Whose they are.
        labels: Their label set.
        count: How many.
        seed: Of their order.
        split: Where they are from.
        drawn: How many of the same order were drawn before: the next ones follow, then the first again.

    Raises:
        DatasetError: None of its pictures has these labels.
        ConfigError: There are fewer than asked for.
    """
    candidates = domain(dataset, labels, split)
    if count > len(candidates):
        raise ConfigError(
            f"count: got {count}, but only {len(candidates)} {split} pictures of {dataset.ref} are {labels!r}, and "
            f"each can be used once. Ask for at most {len(candidates)}."
        )
    order = np.random.default_rng(seed).permutation(len(candidates))
    return candidates.iloc[np.roll(order, -drawn)[:count]]


@dataclass(frozen=True)
class Sources:
    """Photographs that a model draws over, by their numbers.

    Attributes:
        dataset: Whose they are.
        rows: Their records.
        leaves: Their masks; None where the whole picture is drawn over.
        size_px: The side that they become.
    """

    dataset: Dataset
    rows: Sequence[dict[str, Any]]
    leaves: "Leaves | None"
    size_px: int

    def recipe(self, index: int) -> dict[str, Any]:
        """Return what a picture's recipe says of its source."""
        row = self.rows[index]
        return {
            "source": row["image"],
            "source_sha256": row["sha256"],
            "source_labels": row["labels"],
            "group": row["group"],
            "source_license": self.dataset.card.license,
        }

    def picture(self, index: int) -> np.ndarray:
        """Return a source, (S, S, 3) uint8.

        Raises:
            DatasetError: It is gone or damaged.
        """
        return load_square(self.dataset.root / self.rows[index]["image"], self.size_px)

    def leaf(self, indices: Sequence[int]) -> np.ndarray | None:
        """Return which pixels of sources are leaf, (N, S, S) bool; None where the whole picture is drawn over.

        Raises:
            DatasetError: A mask is gone or damaged.
        """
        if self.leaves is None:
            return None
        masks: np.ndarray = self.leaves([self.rows[index]["image"] for index in indices])[:, 0].numpy() > 0.5
        return masks
