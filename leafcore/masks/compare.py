"""How two mask sets of one dataset differ: picture by picture, the most different first."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from leafcore.data.manifest import load
from leafcore.data.mask_sets import MaskSet, open_mask_set
from leafcore.errors import ConfigError
from leafcore.images import load_mask
from leafcore.measure.masks import boundary_f, intersection_over_union
from leafcore.progress import Progress
from leafcore.workspace import Workspace

SIDE = 256  # px of the square that masks are compared on
COLUMNS = ["image", "labels", "split", "iou", "boundary_f", "first_area", "second_area"]


@dataclass(frozen=True)
class SetComparison:
    """Two mask sets side by side.

    Attributes:
        pictures: A row per picture that has a mask in both, the most different first: `image`, `labels`, `split`,
            `iou`, `boundary_f`, `first_area`, `second_area`; all but the first three are shares, 0 to 1.
        mean_iou: Over these pictures; NaN if there are none.
        missing: Pictures that have a mask in one of the sets only.
    """

    pictures: pd.DataFrame
    mean_iou: float
    missing: tuple[str, ...]


def compare_sets(workspace: Workspace, first: str, second: str, progress: Progress | None = None) -> SetComparison:
    """Compare two mask sets, whichever versions of the dataset they are of.

    Args:
        workspace: Where they are.
        first: The run that made one.
        second: The run that made the other.
        progress: Told of every picture, if given.

    Raises:
        ConfigError: They are of different datasets.
        DatasetError: A mask cannot be read.
        NotFoundError: One of the runs made no mask set.
        Stopped: Somebody asked to stop.
    """
    sets = [open_mask_set(workspace, run_id) for run_id in (first, second)]
    datasets = [load(workspace, masks.card.dataset) for masks in sets]
    if datasets[0].name != datasets[1].name:
        raise ConfigError(
            f"masks: {first} holds masks of {datasets[0].name}, {second} of {datasets[1].name}; "
            "expected two sets of the same dataset."
        )
    one, other = (masks.masked(dataset, dataset.records) for masks, dataset in zip(sets, datasets, strict=True))
    both = one[one["image"].isin(other["image"])]
    rows = []
    for done, row in enumerate(_rows(both, sets), start=1):
        rows.append(row)
        if progress is not None:
            progress.report(done, len(both))
            progress.raise_if_stopped()
    pictures = pd.DataFrame(rows, columns=COLUMNS).sort_values("iou", kind="stable", ignore_index=True)
    return SetComparison(
        pictures=pictures,
        mean_iou=float(pictures["iou"].mean()) if len(pictures) else math.nan,
        missing=tuple(sorted(set(one["image"]) ^ set(other["image"]))),
    )


def _rows(records: pd.DataFrame, sets: Sequence[MaskSet]) -> Iterator[tuple[object, ...]]:
    """Yield the `COLUMNS` of each picture."""
    paths = zip(*(masks.paths(records) for masks in sets), strict=True)
    for record, (path, other_path) in zip(records.to_dict("records"), paths, strict=True):
        mask, other = load_mask(path, SIDE), load_mask(other_path, SIDE)
        alike = intersection_over_union(mask, other), boundary_f(mask, other)
        yield record["image"], record["labels"], record["split"], *alike, float(mask.mean()), float(other.mean())
