"""The audit of a dataset version: what straddles its split, and which of its held-out pictures a model has seen.

Cheap enough to be shown with every version: no picture is opened, only tables and the `seen.json` of every model.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.checkpoints import epochs, list_checkpoints
from leafcore.data.fixes import undecided
from leafcore.data.manifest import Dataset, Split
from leafcore.data.seen import UNKNOWN, load_seen
from leafcore.data.straddles import Straddles, find_straddles
from leafcore.data.synthetic_sets import MAKERS
from leafcore.runs import list_runs
from leafcore.train.configs import RECIPES
from leafcore.workspace import Workspace

HELD_OUT: tuple[Split, ...] = ("test", "val")
MAY_SEE_VALIDATION = {"probe"}  # by which epochs are chosen, see data/leaks.py


@dataclass(frozen=True)
class Model:
    """Something in the workspace that has looked at pictures.

    Attributes:
        title: What a person calls it.
        folder: Holds its `seen.json`.
        changed_ns: When that was written, so that answers can be kept until it changes.
    """

    title: str
    folder: Path
    changed_ns: int


class Exposure(BaseModel):
    """Which held-out pictures of a version a model has seen: the file itself, or another of its group.

    Attributes:
        model: What a person calls it.
        counts: How many pictures of "test" and of "val", by role ("generator", "lflseg", "source", "probe", ...). Roles
            that saw none are left out, and so are validation pictures that served as probes, which they may.
        images: These pictures, test before validation.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    counts: dict[Split, dict[str, int]]
    images: dict[Split, tuple[str, ...]]


class Audit(BaseModel):
    """What was found.

    Attributes:
        dataset: `name@version`.
        sizes: How many pictures "test" and "val" have.
        straddles: What lies on two sides.
        exposures: The models that have seen held-out pictures, the one that saw most first.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    sizes: dict[Split, int]
    straddles: Straddles
    exposures: tuple[Exposure, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing straddles and no model has seen what is held out."""
        return not (self.straddles.clusters or self.exposures)


def models_of(workspace: Workspace) -> list[Model]:
    """Return the checkpoints, trained runs and synthetic sets that wrote down what they have seen, checkpoints first.

    A run of which an epoch was promoted has seen what its checkpoint has, and is left out.
    """
    promoted = list_checkpoints(workspace)
    known = {checkpoint.card.run for checkpoint in promoted}
    found = [(checkpoint.name, checkpoint.folder) for checkpoint in promoted]
    for run in list_runs(workspace):
        is_trained = run.kind in RECIPES and run.id not in known and epochs(run.folder)
        if is_trained or run.kind in MAKERS:
            found.append((f"{run.record.title}, run {run.id}", run.folder))
    models = []
    for title, folder in found:
        try:
            models.append(Model(title, folder, (folder / "seen.json").stat().st_mtime_ns))
        except FileNotFoundError:
            continue  # nobody wrote it down: a comparison says so, see data/leaks.py
    return models


def audit(dataset: Dataset, models: Sequence[Model] = (), alike: Sequence[tuple[str, str]] = ()) -> Audit:
    """Look for leaks.

    Args:
        dataset: The version to judge.
        models: Those whose pictures are looked up, see `models_of`.
        alike: Pairs of pictures that show the same photograph, besides those found at the import. Pairs of which a
            person said that both may stay are no leak.
    """
    records = dataset.records
    held_out = _HeldOut(records)
    exposures = [found for model in models if (found := held_out.exposure(model.title, load_seen(model.folder)))]
    return Audit(
        dataset=dataset.ref,
        sizes={split: int((records["split"] == split).sum()) for split in HELD_OUT},
        straddles=find_straddles(records, undecided(dataset, (*dataset.card.alike, *alike))),
        exposures=tuple(sorted(exposures, key=lambda one: -sum(len(images) for images in one.images.values()))),
    )


class _HeldOut:
    """A version's pictures, ready to be asked which of them were seen; a million take a fraction of a second each."""

    def __init__(self, records: pd.DataFrame) -> None:
        self.images = records["image"].to_numpy()
        self.file, files = pd.factorize(records["sha256"])
        self.files = pd.Index(files)
        self.group, groups = pd.factorize(records["group"])
        self.groups = len(groups)
        self.rows = {split: (records["split"] == split).to_numpy(dtype=bool) for split in HELD_OUT}

    def exposure(self, model: str, seen: Mapping[str, Collection[str]]) -> Exposure | None:
        """Return what a model has seen, by the SHA-256 of its pictures by role; None if that is none of these."""
        counts: dict[Split, dict[str, int]] = {split: {} for split in HELD_OUT}
        met = {split: np.zeros(len(self.images), dtype=bool) for split in HELD_OUT}
        for role, files in seen.items():
            if role == UNKNOWN:
                continue
            touched = self._touched(files)
            for split in HELD_OUT:
                rows = touched & self.rows[split]
                if rows.any() and not (split == "val" and role in MAY_SEE_VALIDATION):
                    counts[split][role] = int(rows.sum())
                    met[split] |= rows
        if not any(counts.values()):
            return None
        images = {split: tuple(str(image) for image in self.images[met[split]]) for split in HELD_OUT}
        return Exposure(model=model, counts=counts, images=images)

    def _touched(self, files: Collection[str]) -> np.ndarray:
        """Return which rows belong to a group of which a file was seen."""
        found = self.files.get_indexer(pd.Index(list(files), dtype=object))
        is_seen = np.zeros(len(self.files), dtype=bool)
        is_seen[found[found >= 0]] = True
        in_group = np.zeros(self.groups, dtype=bool)
        in_group[self.group[is_seen[self.file]]] = True
        return in_group[self.group]
