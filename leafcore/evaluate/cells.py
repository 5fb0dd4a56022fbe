"""A cell: one trained classifier, by what it says of the test split; what makes a test split one and the same.

```
cells/<arm>-<seed>/
  test.npz           `Cell`
  best.safetensors   its weights, of the first seed of each arm, so that one can look where it looks
  classifier.json    what those weights are of, as `Classifier.describe` says
```
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from leafcore.errors import DatasetError
from leafcore.files import write_atomic

JUDGING = ["image", "sha256", "labels", "group"]  # columns of test.parquet


@dataclass(frozen=True)
class Cell:
    """One trained classifier.

    Attributes:
        probabilities: What it says of the test split, (N, labels) float32 in [0, 1].
        val_probabilities: What it says of the validation split, (V, labels) float32.
        thresholds: From which probability it names a label, (labels,) float64; chosen on validation.
        steps: How many optimizer steps it took.
        test_hash: Of the test split that it was judged on, see `split_hash`.
    """

    probabilities: np.ndarray
    val_probabilities: np.ndarray
    thresholds: np.ndarray
    steps: int
    test_hash: str

    def save(self, file: Path) -> None:
        """Write it into a file, all or nothing."""
        write_atomic(file, lambda opened: np.savez(opened, **vars(self)))


def load_cell(file: Path) -> Cell | None:
    """Read what `Cell.save` wrote; None if there is nothing, or of an older version that did not say all."""
    try:
        with np.load(file) as saved:
            if "test_hash" not in saved.files:
                return None
            arrays = {name: saved[name] for name in ("probabilities", "val_probabilities", "thresholds")}
            return Cell(**arrays, steps=int(saved["steps"]), test_hash=str(saved["test_hash"]))
    except FileNotFoundError:
        return None


def cell_name(arm: str, seed: int) -> str:
    """Return the name of a cell's folder."""
    return f"{arm}-{seed}"


def split_hash(records: pd.DataFrame) -> str:
    """Return the SHA-256 of a test split in order: its pictures, what they show, which belong together.

    Args:
        records: The test split's records.
    """
    rows = records[["sha256", "labels", "group"]].astype(str).to_numpy().tolist()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def require_one_test(expected: str, cells: Mapping[str, Sequence[Cell]]) -> None:
    """Refuse to compare classifiers that were not judged on the same test split.

    Raises:
        DatasetError: Which arm was judged on another one.
    """
    for arm, of_arm in cells.items():
        for cell in of_arm:
            if cell.test_hash != expected:
                raise DatasetError(
                    f"cells: {arm} was judged on test split {cell.test_hash[:12]}, expected {expected[:12]} as of this "
                    "dataset; arms can only be compared on one test split: start a new comparison."
                )
