"""Making datasets: import pictures where they lie, or draw our own."""

import hashlib
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

from leafcore.data.archives import begin, unpack
from leafcore.data.configs import ImportConfig, RenderConfig, SplitConfig
from leafcore.data.duplicates import Pair, near_duplicates, small
from leafcore.data.formats import detect, read
from leafcore.data.groups import groups_by_name, merge_alike
from leafcore.data.labels import label_set
from leafcore.data.listing import Entry, Listing
from leafcore.data.manifest import SPLITS, Card, Dataset, Skipped, save
from leafcore.data.scan import scan
from leafcore.data.splits import assign_splits
from leafcore.data.straddles import find_straddles
from leafcore.data.tables import read_mapped
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.images import encode_png, open_rgb
from leafcore.progress import Progress
from leafcore.workspace import Workspace


class ImportResult(BaseModel):
    """What became of an import."""

    dataset: str
    images: int
    label_sets: dict[str, int]
    splits: dict[str, int]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...]


def import_dataset(config: ImportConfig, workspace: Workspace, progress: Progress) -> ImportResult:
    """Read a dataset in place: list, decode every picture once, group, split, write a version.

    A file that cannot be read is named, counted and skipped.

    Raises:
        DatasetError: The source is not a dataset, or no picture of it can be read.
        Stopped: Somebody asked to stop; nothing is written.
    """
    source, layout = _opened(config, workspace, progress), str(config.format)
    progress.phase("listing")
    if config.image_column:
        listing = read_mapped(source, config.image_column, config.label_column, config.group_column)
        layout = "table"
    else:
        layout = detect(source) if layout == "auto" else layout
        listing = read(source, layout)
    records, unreadable = scan(listing, progress)
    skipped = (*listing.skipped, *unreadable)
    if records.empty:
        raise DatasetError(
            f"{config.source}: none of its {len(skipped)} files can be read; first: {skipped[0].image}: "
            f"{skipped[0].reason}"
        )
    if config.group_regex:
        records["group"] = groups_by_name(records, re.compile(config.group_regex))
    card = Card(
        root=str(listing.root),
        source=str(config.source),
        format=layout,
        license=config.license,
        created=time.time(),
        settings={
            "val": config.val,
            "test": config.test,
            "seed": config.seed,
            "group_regex": config.group_regex,
        },
        skipped=skipped,
    )
    return _write(config, workspace, progress, config.name, records, card, join_alike=config.near_duplicates)


def _opened(config: ImportConfig, workspace: Workspace, progress: Progress) -> Path:
    """Return where the source's files lie: the source itself, or what its ZIP holds, unpacked into the workspace."""
    source = config.source.expanduser().resolve()
    if source.suffix.lower() != ".zip" or not source.is_file():
        return source
    with source.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    folder = workspace.dataset(config.name) / "unpacked" / content
    if not folder.exists():
        partial = folder.with_name(f"{content}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of one that was killed
        unpack(source, partial, progress)
        partial.rename(folder)
    return begin(folder)


def render_dataset(config: RenderConfig, workspace: Workspace, progress: Progress) -> ImportResult:
    """Draw the sample dataset: leaves of our own making, imbalanced on purpose, with exact masks.

    Raises:
        Stopped: Somebody asked to stop; the pictures drawn so far are found again next time.
    """
    from leafcore.data.rendered import VERSION, plan_images, render_leaf

    folder = f"{config.size_px}px-{config.count}-seed{config.seed}-v{VERSION}"
    root = workspace.dataset(config.name) / "images" / folder
    plan = plan_images(config.count, seed=config.seed)
    entries = []
    progress.phase("drawing")
    for done, image in enumerate(plan, start=1):
        entry = Entry(
            f"photos/{image.name}",
            label_set(image.labels),
            group=image.group,
            mask=f"masks/{image.name}",
            sha256=image.sha256(config.size_px),
        )
        entries.append(entry)
        if not (root / entry.mask).exists():
            drawn = render_leaf(image.labels, config.size_px, leaf_seed=image.leaf_seed, view_seed=image.view_seed)
            write_bytes(root / entry.image, encode_png(drawn.image))
            write_bytes(root / entry.mask, encode_png(drawn.mask))
        progress.report(done, len(plan))
        progress.raise_if_stopped()
    records, skipped = scan(Listing(root, entries), progress)
    card = Card(
        root=str(root),
        source="rendered",
        format="rendered",
        license="CC0-1.0: drawn by Leaf Workbench",
        created=time.time(),
        settings={"val": config.val, "test": config.test, "seed": config.seed},
        skipped=tuple(skipped),
    )
    return _write(config, workspace, progress, config.name, records, card, join_alike=False)


def _write(
    config: SplitConfig,
    workspace: Workspace,
    progress: Progress,
    name: str,
    records: pd.DataFrame,
    card: Card,
    *,
    join_alike: bool,
) -> ImportResult:
    """Group, split, warn, save, and say what was done."""
    alike = _near_duplicates(records, Path(card.root), progress)
    progress.phase("splitting")
    records["group"] = merge_alike(records, [(pair.first, pair.second) for pair in alike] if join_alike else [])
    divided = _divided_by_source(records)
    records["split"] = _split(records, config)
    image = records["image"].tolist()
    twins = tuple((image[pair.first], image[pair.second]) for pair in alike)
    warnings = (*_warnings(records, card.skipped, config.test, twins), *_straddling(records, twins, divided))
    for warning in warnings:
        progress.warn(warning)
    dataset = save(workspace, name, records, card.model_copy(update={"warnings": warnings, "alike": twins}))
    return _result(dataset, card.skipped, warnings)


def _near_duplicates(records: pd.DataFrame, root: Path, progress: Progress) -> list[Pair]:
    progress.phase("comparing")

    @lru_cache(maxsize=256)
    def thumbnail(row: int) -> np.ndarray:
        return small(open_rgb(root / str(records["image"].iloc[row])))

    return near_duplicates(records, thumbnail)


def _split(records: pd.DataFrame, config: SplitConfig) -> pd.Series:
    """Split what the source has not split itself; a group of which it has put a picture somewhere goes there whole.

    Where it has put pictures of a group in several splits, train goes before validation, and that before test.
    """
    fixed = records.loc[records["fixed_split"] != ""]
    ranked = fixed.assign(rank=fixed["fixed_split"].map(SPLITS.index)).sort_values("rank")
    split = records["group"].map(ranked.groupby("group")["fixed_split"].first()).astype(object)
    free = records[split.isna()]
    if not free.empty:
        test = 0.0 if "test" in set(fixed["fixed_split"]) else config.test
        split[free.index] = assign_splits(free, val=config.val, test=test, seed=config.seed)
    return split


def _divided_by_source(records: pd.DataFrame) -> list[str]:
    """Return the first picture of each group whose pictures the source has put in several splits."""
    fixed = records.loc[records["fixed_split"] != ""].groupby("group")
    several = fixed["fixed_split"].nunique() > 1
    return [str(image) for image in fixed["image"].first()[several]]


def _straddling(records: pd.DataFrame, twins: Sequence[tuple[str, str]], divided: Sequence[str]) -> Iterator[str]:
    """Say what lies on two sides of the split, and what the source had put there."""
    if divided:
        yield (
            f"The source's own split divides {len(divided)} groups of pictures that belong together; each is now "
            f"wholly in train, else in validation: {_named(divided, shown=8)}."
        )
    straddles = find_straddles(records, twins)
    if straddles.clusters:
        shown = [" = ".join(images) for images in straddles.clusters]
        yield (
            f"On two sides of the split: {len(shown)} photographs in several files, for near_duplicates is off. The "
            f"dataset's page moves them to one side: {_named(shown, shown=8)}."
        )


def _warnings(
    records: pd.DataFrame, skipped: Sequence[Skipped], test: float, twins: Sequence[tuple[str, str]]
) -> Iterator[str]:
    if skipped:
        named = _named([f"{file.image}: {file.reason.removesuffix('.')}" for file in skipped], shown=3)
        yield f"{len(skipped)} {'file was' if len(skipped) == 1 else 'files were'} skipped: {named}."
    if test > 0 or "test" in set(records["split"]):
        yield from (_untested(str(labels), members) for labels, members in _without_test(records))
    else:
        yield "No picture is kept for the test, so nothing can be claimed about any label."
    alike = records[records.groupby("sha256")["labels"].transform("nunique") > 1]
    if not alike.empty:
        conflicts = [
            " = ".join(f"{image} ({labels})" for image, labels in zip(same["image"], same["labels"], strict=True))
            for _, same in alike.groupby("sha256", sort=False)
        ]
        yield (
            f"Identical files with different labels: {len(conflicts)}; all are kept, those alike in one group. "
            f"Look at them: {_named(conflicts, shown=8)}."
        )

    if twins:
        group = records.set_index("image")["group"]
        joined = all(group[one] == group[other] for one, other in twins)
        yield (
            f"The same photograph in two files: {len(twins)}; all are kept{', those alike in one group' * joined}. "
            f"Look at them: {_named([' = '.join(pair) for pair in twins], shown=8)}."
        )


def _without_test(records: pd.DataFrame) -> Iterator[tuple[object, pd.DataFrame]]:
    """Yield the label sets of which no picture is in the test split, with their pictures."""
    for labels, members in records.groupby("labels"):
        if "test" not in set(members["split"]):
            yield labels, members


def _untested(labels: str, members: pd.DataFrame) -> str:
    """Say why nothing can be claimed about a label set."""
    images = "image" if len(members) == 1 else "images"
    together = " of one group" if len(members) > 1 and members["group"].nunique() == 1 else ""
    splits = [name for name in ("train", "val") if name in set(members["split"])]
    where = {"train": "train only", "val": "validation only"}.get(" ".join(splits), "train and validation only")
    return f"{labels} has {len(members)} {images}{together}: {where}, so nothing can be claimed about it."


def _named(items: Sequence[str], shown: int) -> str:
    more = f"; and {len(items) - shown} more" if len(items) > shown else ""
    return "; ".join(items[:shown]) + more


def _result(dataset: Dataset, skipped: tuple[Skipped, ...], warnings: tuple[str, ...]) -> ImportResult:
    splits = dataset.records["split"].value_counts()
    return ImportResult(
        dataset=dataset.ref,
        images=len(dataset.records),
        label_sets=dataset.label_sets,
        splits={str(name): int(count) for name, count in splits.items()},
        skipped=skipped,
        warnings=warnings,
    )
