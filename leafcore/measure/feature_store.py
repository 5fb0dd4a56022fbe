"""Features of pictures, kept by the pictures' SHA-256, so that each picture goes through a network once.

```
cache/features/<backbone>-<hash of weights and input>/
  <random>.npz      a shard: `sha256` (N,) and `values` (N, D); written once, whole, and never changed
```

Shards are only ever added, under names of their own, so any number of processes may read and write at once; at worst
two of them compute the same picture.
"""

import secrets
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from leafcore.files import require_space, write_atomic


class FeatureStore:
    """The features that one network has given so far.

    Args:
        folder: Where its shards are; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, hashes: Iterable[str]) -> dict[str, np.ndarray]:
        """Return the features of those pictures that are known, (D,) float32 each, by SHA-256."""
        wanted = set(hashes)
        found: dict[str, np.ndarray] = {}
        for path in sorted(self._folder.glob("*.npz")):
            try:
                with path.open("rb") as file, np.load(file) as shard:
                    rows = [(row, name) for row, name in enumerate(shard["sha256"].tolist()) if name in wanted]
                    if rows:
                        values = shard["values"]
                        found |= {name: values[row] for row, name in rows}
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue  # a damaged or vanished shard: its pictures are computed again
        return found

    def add(self, features: Mapping[str, np.ndarray]) -> None:
        """Keep features, (D,) float32 each, by SHA-256.

        Raises:
            DiskFull: There is no room.
        """
        if not features:
            return
        values = np.stack(list(features.values())).astype(np.float32)
        self._folder.mkdir(parents=True, exist_ok=True)
        require_space(self._folder, values.nbytes)
        names = np.array(list(features))
        target = self._folder / f"{secrets.token_hex(8)}.npz"
        write_atomic(target, lambda file: np.savez(file, sha256=names, values=values))
