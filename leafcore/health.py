"""The health of a dataset: which files are odd, which pictures are there twice, and which copies disagree."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.config import Config, setting
from leafcore.data.duplicates import (
    MAX_DISTANCE,
    MIN_LIKENESS,
    Pair,
    identical,
    near_duplicates,
    perceptual_hash,
    thumbnails,
)
from leafcore.data.manifest import Dataset, Skipped, load
from leafcore.errors import DatasetError
from leafcore.images import open_rgb
from leafcore.progress import Progress
from leafcore.workspace import Workspace

LOWEST_LIKENESS = 0.8  # of the pairs that are remembered, so that a threshold can be chosen without looking again
MAX_CANDIDATES = 1000  # those below the threshold, the most alike first


class HealthConfig(Config):
    """Settings of `check_health`."""

    dataset: str = setting(..., "Dataset to look through.", ref="dataset")
    max_distance: int = setting(
        MAX_DISTANCE, "How many of 64 bits the perceptual hashes of one photograph may differ in.", ge=0, le=20
    )
    min_likeness: float = setting(MIN_LIKENESS, "How well the thumbnails of one photograph must correlate.", ge=0, le=1)


class Twin(BaseModel):
    """Two files that show the same photograph.

    Attributes:
        first, second: Their paths below the dataset's root.
        labels: The label set of each.
        splits: The split of each.
        distance: How many of 64 bits of their perceptual hashes differ; 0 for the same file.
        likeness: Correlation of their thumbnails, -1 to 1; 1 for the same file.
        cosine: Of their features, where an `embed` run has found them.
    """

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    labels: tuple[str, str]
    splits: tuple[str, str]
    distance: int
    likeness: float
    cosine: float | None = None

    @property
    def disagrees(self) -> bool:
        """Whether the two have different labels."""
        return self.labels[0] != self.labels[1]

    @property
    def straddles(self) -> bool:
        """Whether the two are on different sides of a split."""
        return self.splits[0] != self.splits[1]


class HealthReport(BaseModel):
    """What was found.

    Attributes:
        dataset: `name@version`.
        images: How many pictures were looked at.
        skipped: Files that could not be read at the import, and pictures that cannot be read now.
        traits: Files by what is odd about them; the words are explained in `data/traits.py`.
        conflicts: The same file under different labels.
        identical: The same file twice, with the same labels.
        near_duplicates: The same photograph in two different files, the most alike first.
        straddling: How many of all these pairs lie on different sides of a split.
        candidates: Pairs not alike enough to be near-duplicates, the most alike first, down to `LOWEST_LIKENESS`.
        min_likeness: What was enough.
    """

    dataset: str
    images: int
    skipped: tuple[Skipped, ...]
    traits: dict[str, tuple[str, ...]]
    conflicts: tuple[Twin, ...]
    identical: tuple[Twin, ...]
    near_duplicates: tuple[Twin, ...]
    straddling: int
    candidates: tuple[Twin, ...] = ()
    min_likeness: float = MIN_LIKENESS

    def as_of(self, dataset: Dataset) -> "HealthReport":
        """Return what still holds for a version edited from the one looked at, with that version's labels and splits.

        Pairs of which a picture was taken out are gone; a conflict whose labels were made the same is one no more.
        """
        records = dataset.records
        there = {
            image: (labels, split)
            for image, labels, split in zip(records["image"], records["labels"], records["split"], strict=True)
        }

        def left(twins: Sequence[Twin]) -> tuple[Twin, ...]:
            return tuple(_renewed(twin, there) for twin in twins if twin.first in there and twin.second in there)

        same, near = left((*self.conflicts, *self.identical)), left(self.near_duplicates)
        traits = {trait: tuple(file for file in files if file in there) for trait, files in self.traits.items()}
        return self.model_copy(
            update={
                "traits": {trait: files for trait, files in traits.items() if files},
                "conflicts": tuple(twin for twin in same if twin.disagrees),
                "identical": tuple(twin for twin in same if not twin.disagrees),
                "near_duplicates": near,
                "straddling": sum(twin.straddles for twin in (*same, *near)),
                "candidates": left(self.candidates),
            }
        )

    def at(self, min_likeness: float) -> tuple[tuple[Twin, ...], tuple[Twin, ...]]:
        """Return the pairs in two files that a threshold joins and those it does not, the most alike first each."""
        pairs = sorted((*self.near_duplicates, *self.candidates), key=lambda twin: -twin.likeness)
        joined = sum(twin.likeness >= min_likeness for twin in pairs)
        return tuple(pairs[:joined]), tuple(pairs[joined:])


def _renewed(twin: Twin, there: Mapping[str, tuple[str, str]]) -> Twin:
    (labels, split), (other_labels, other_split) = there[twin.first], there[twin.second]
    return twin.model_copy(update={"labels": (labels, other_labels), "splits": (split, other_split)})


def check_health(config: HealthConfig, workspace: Workspace, progress: Progress) -> HealthReport:
    """Look through a dataset; nothing is changed.

    Raises:
        NotFoundError: There is no such dataset.
        Stopped: Somebody asked to stop.
    """
    dataset = load(workspace, config.dataset)
    records = dataset.records
    hashes, unreadable = _hashes(dataset, progress)
    progress.phase("comparing")

    alike = near_duplicates(
        records.assign(phash=hashes),
        thumbnails(records, dataset.root),
        max_distance=config.max_distance,
        min_likeness=min(config.min_likeness, LOWEST_LIKENESS),
    )
    enough = sum(pair.likeness >= config.min_likeness for pair in alike)
    same = list(_twins(records, identical(records)))
    near = list(_twins(records, alike[:enough]))
    return HealthReport(
        dataset=dataset.ref,
        images=len(records),
        skipped=(*dataset.card.skipped, *unreadable),
        traits=_traits(records),
        conflicts=tuple(twin for twin in same if twin.disagrees),
        identical=tuple(twin for twin in same if not twin.disagrees),
        near_duplicates=tuple(near),
        straddling=sum(twin.straddles for twin in (*same, *near)),
        candidates=tuple(_twins(records, alike[enough : enough + MAX_CANDIDATES])),
        min_likeness=config.min_likeness,
    )


def _hashes(dataset: Dataset, progress: Progress) -> tuple[list[str], list[Skipped]]:
    """Return each picture's perceptual hash, taken now where the import has not; and what cannot be read any more."""
    hashes = dataset.records["phash"].tolist()
    missing = [row for row, value in enumerate(hashes) if not value]
    unreadable: list[Skipped] = []
    if missing:
        progress.phase("hashing")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        taken = pool.map(_hash, (dataset.root / dataset.records["image"].iloc[row] for row in missing))
        for done, (row, (value, reason)) in enumerate(zip(missing, taken, strict=True), start=1):
            hashes[row] = value
            if reason:
                unreadable.append(Skipped(image=str(dataset.records["image"].iloc[row]), reason=reason))
            progress.report(done, len(missing))
            if progress.should_stop:
                pool.shutdown(cancel_futures=True)
                progress.raise_if_stopped()
    return hashes, unreadable


def _hash(path: Path) -> tuple[str, str]:
    try:
        return perceptual_hash(open_rgb(path)), ""
    except DatasetError as error:
        return "", str(error).removeprefix(f"{path}: ")


def _traits(records: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    odd = records[records["traits"] != ""]
    found: dict[str, list[str]] = {}
    for image, traits in zip(odd["image"], odd["traits"], strict=True):
        for trait in traits.split():
            found.setdefault(trait, []).append(image)
    return {trait: tuple(files) for trait, files in sorted(found.items())}


def _twins(records: pd.DataFrame, pairs: Sequence[Pair]) -> Iterator[Twin]:
    for pair in pairs:
        one, other = records.iloc[pair.first], records.iloc[pair.second]
        yield Twin(
            first=one["image"],
            second=other["image"],
            labels=(one["labels"], other["labels"]),
            splits=(one["split"], other["split"]),
            distance=pair.distance,
            likeness=round(pair.likeness, 4),
        )
