"""The pictures that a machine learns to tell apart, and those that it is judged on; files tell it nothing.

Both kinds go one way: decoded, squashed to one size (see `size.py`), given the traces that JPEG left in a picture of
the other kind, encoded as JPEG with one quality, decoded again. That quality must be low: of the same drawn leaves,
half kept as PNG and half as smaller JPEGs of quality 90, a probe told 71 % of 300 apart after quality 85, but 52 % (46
to 58) after 50.

Of every label set there are as many of a kind as of the other, and a child and its source are never on both sides.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from leafcore.data.manifest import Dataset
from leafcore.data.sides import photographs_of, without_few_smaller
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.errors import DatasetError
from leafcore.images import encode_jpeg, load_square
from leafcore.progress import Progress
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.traces import Compression, compression_of, with_traces

REAL, FAKE = "real", "synthetic"  # the classes, in the order of their columns
LEAST = 8  # pictures of each kind on each side, below which nothing is told


@dataclass(frozen=True)
class Sides:
    """Which pictures the machines learn from, and which judge them.

    Attributes:
        learn: A row per picture: `path`, `kind`, `labels`, `group`; as many real as synthetic ones of each label set.
        judge: The same, and at most one picture of a group.
    """

    learn: pd.DataFrame
    judge: pd.DataFrame

    @property
    def too_few(self) -> str:
        """Why nothing can be told; empty if something can."""
        counts = [len(side) // 2 for side in (self.learn, self.judge)]
        if min(counts) >= LEAST:
            return ""
        return (
            f"it takes {LEAST} pictures of each kind to learn from and {LEAST} to judge; there are {counts[0]} and "
            f"{counts[1]} in groups of their own"
        )


def choose_sides(dataset: Dataset, pictures: SyntheticSet, config: RealFakeConfig) -> Sides:
    """Deal photographs and synthetic pictures to both sides, whole groups only.

    Photographs go by their split: train pictures are learned from, validation pictures judge. A synthetic picture
    follows the photographs of its group that take part; the other groups are dealt at random. The few photographs that
    are smaller than the side in `config` are left out.
    """
    rng = np.random.default_rng(config.seed)
    fakes = pictures.manifest[["labels", "group"]].assign(path=[str(path) for path in pictures.paths()], kind=FAKE)
    records = photographs_of(dataset, pictures)
    reals = records[["labels", "group", "split"]].astype(str)
    reals = reals.assign(path=[str(path) for path in dataset.paths(records)], kind=REAL)
    if not pictures.has_labels:  # nobody knows what it shows: real pictures of anything
        fakes, reals = fakes.assign(labels=""), reals.assign(labels="")
    split = reals.drop_duplicates("group").set_index("group")["split"].to_dict()
    free = sorted(set(fakes["group"]) - split.keys())
    judging = {free[index] for index in rng.permutation(len(free))[: round(config.held_out * len(free))]}
    judging |= {group for group, where in split.items() if where == "val"}
    barred = {group for group, where in split.items() if where == "test"}
    fakes = fakes[~fakes["group"].isin(barred)]
    judges = fakes["group"].isin(judging)
    reals = reals.loc[without_few_smaller(records, config.size_px).index]
    photographs, judging_fakes = (_one_of_each(one, rng) for one in (reals[reals["split"] == "val"], fakes[judges]))
    return Sides(
        learn=_even(reals[reals["split"] == "train"], fakes[~judges], config.count, rng),
        judge=_even(photographs, judging_fakes, config.count, rng),
    )


def _one_of_each(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return one picture of each group, drawn."""
    return table.iloc[rng.permutation(len(table))].drop_duplicates("group")


def _even(reals: pd.DataFrame, fakes: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return as many real as synthetic pictures of each label set, drawn, and at most so many of a kind in all."""
    parts: list[pd.DataFrame] = []
    counts = {
        labels: min(int((reals["labels"] == labels).sum()), int((fakes["labels"] == labels).sum()))
        for labels in sorted(set(fakes["labels"]))
    }
    share = min(1.0, most / max(1, sum(counts.values())))
    for labels, count in counts.items():
        for table in (reals, fakes):
            same = table[table["labels"] == labels]
            parts.append(same.iloc[rng.permutation(len(same))[: int(count * share)]])
    return pd.concat(parts, ignore_index=True)[["path", "kind", "labels", "group"]]


def one_way(path: Path, size_px: int, quality: int, other: Compression | None = None) -> np.ndarray:
    """Return a picture as every picture is shown to the machines, (S, S, 3) uint8.

    Args:
        path: Its file.
        size_px: S.
        quality: Of the JPEG that it becomes.
        other: How a picture of the other kind was compressed.

    Raises:
        DatasetError: The file cannot be read.
    """
    return _coded(load_square(path, size_px), quality, other)


def _coded(squashed: np.ndarray, quality: int, other: Compression | None) -> np.ndarray:
    """Return a squashed picture with another's traces, encoded and decoded once more; see `one_way`."""
    traced = with_traces(squashed, other) if other else squashed
    with Image.open(io.BytesIO(encode_jpeg(traced, quality))) as picture:
        return np.asarray(picture.convert("RGB"))


def decode(table: pd.DataFrame, config: RealFakeConfig, progress: Progress) -> tuple[np.ndarray, pd.DataFrame]:
    """Return pictures as they are shown to the machines, and the rows of those that can be read.

    Args:
        table: A row per picture, of both kinds; see `Sides`.
        config: Its size, its quality, and the seed that draws whose traces a picture gets.
        progress: Told how far it is.

    Returns:
        (N, S, S, 3) uint8, and their N rows, which need not be as many of a kind as of the other: see `evened`.

    Raises:
        DatasetError: None of them can be read.
        Stopped: Somebody asked to stop.
    """
    squashed: list[np.ndarray] = []
    kept: list[int] = []
    for row, path in enumerate(table["path"]):
        try:
            squashed.append(load_square(Path(path), config.size_px))
            kept.append(row)
        except DatasetError:
            continue  # gone or damaged since
        progress.report(row + 1, len(table))
        progress.raise_if_stopped()
    if not squashed:
        raise DatasetError(f"None of the {len(table)} pictures can be read; first: {table['path'].iloc[0]}.")
    rows = table.iloc[kept].reset_index(drop=True)
    pictures: list[np.ndarray] = []
    for picture, other in zip(squashed, _traces_of_the_other_kind(rows, config), strict=True):
        pictures.append(_coded(picture, config.quality, other))
        progress.raise_if_stopped()
    return np.stack(pictures), rows


def evened(rows: pd.DataFrame) -> np.ndarray:
    """Say which rows to keep so that there are as many of a kind as of the other of each label set again, (N,) bool.

    Args:
        rows: In the order in which they were drawn, such as `decode` returns them.
    """
    per_kind = rows.groupby(["labels", "kind"]).size().unstack(fill_value=0).reindex(columns=[REAL, FAKE], fill_value=0)
    order = rows.groupby(["labels", "kind"]).cumcount()
    return np.asarray(order < rows["labels"].map(per_kind.min(axis=1)))


def _traces_of_the_other_kind(table: pd.DataFrame, config: RealFakeConfig) -> list[Compression | None]:
    """Return for each picture how a drawn one of the other kind was compressed, as far as that shows."""
    rng = np.random.default_rng(config.seed)
    fake = is_fake(table)
    own = [compression_of(Path(path), config.size_px) for path in table["path"]]
    rows: dict[bool, np.ndarray] = {kind: np.flatnonzero(fake == kind) for kind in (False, True)}
    return [own[rng.choice(rows[not kind])] if len(rows[not kind]) else None for kind in fake.tolist()]


def is_fake(table: pd.DataFrame) -> np.ndarray:
    """Return which pictures are synthetic, (N,) bool."""
    return np.asarray(table["kind"] == FAKE)


def names_of(paths: Sequence[str]) -> list[str]:
    """Return the names of files."""
    return [Path(path).name for path in paths]
