"""Making datasets: import pictures where they lie, or draw our own."""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, field_validator, model_validator

from leafcore.config import Config, setting
from leafcore.data.formats import Entry, Listing, detect, read
from leafcore.data.groups import groups_by_name, merge_alike
from leafcore.data.labels import label_set
from leafcore.data.manifest import Card, Dataset, Skipped, save
from leafcore.data.splits import assign_splits
from leafcore.errors import ConfigError, DatasetError, Stopped
from leafcore.files import write_bytes
from leafcore.images import encode_png, open_rgb
from leafcore.progress import Progress
from leafcore.workspace import Workspace, check_name


class SplitConfig(Config):
    """How pictures are divided."""

    val: float = setting(0.15, "Share of pictures kept for choosing epochs and thresholds.", ge=0, lt=1, advanced=True)
    test: float = setting(0.15, "Share of pictures kept for the final comparison.", ge=0, lt=1, advanced=True)
    seed: int = setting(0, "Seed of the split.", ge=0, advanced=True)

    @model_validator(mode="after")
    def _some_train(self) -> "SplitConfig":
        if self.val + self.test >= 1:
            raise ValueError(f"val and test: got {self.val} + {self.test}, expected less than 1 together.")
        return self


class ImportConfig(SplitConfig):
    """Settings of `import_dataset`."""

    source: Path = setting(..., "Folder with a folder per class, or with a train.csv; or the CSV itself.")
    name: str = setting(..., "What the dataset is called here.")
    format: Literal["auto", "folders", "plant-pathology-2021"] = setting("auto", "How the source is laid out.")
    group_regex: str = setting(
        "", "Pictures whose file name matches with the same first bracket belong together.", advanced=True
    )
    license: str = setting("none stated", "Licence of the pictures; travels with every export.", advanced=True)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return _checked_name(value)

    @field_validator("group_regex")
    @classmethod
    def _regex(cls, value: str) -> str:
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"group_regex: got {value!r}, which is no regular expression ({error}).") from None
        if value and groups < 1:
            raise ValueError(f"group_regex: got {value!r}, expected one bracket around the part that names the group.")
        return value


class RenderConfig(SplitConfig):
    """Settings of `render_dataset`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"count": 180, "size_px": 96},
        "draft": {"count": 700, "size_px": 128},
    }

    name: str = setting("sample-leaves", "What the dataset is called here.")
    count: int = setting(700, "About how many pictures to draw.", ge=20, le=100_000)
    size_px: int = setting(128, "Side of a picture.", unit="px", ge=32, le=1024, multiple_of=16)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return _checked_name(value)


def _checked_name(value: str) -> str:
    try:
        return check_name(value, "dataset")
    except ConfigError as error:
        raise ValueError(str(error)) from None


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
    progress.phase("listing")
    listing = read(config.source, config.format)
    records, unreadable = _scan(listing, progress)
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
        format=detect(config.source.expanduser()) if config.format == "auto" else config.format,
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
    return _write(config, workspace, progress, config.name, records, card)


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
    records, skipped = _scan(Listing(root, entries), progress)
    card = Card(
        root=str(root),
        source="rendered",
        format="rendered",
        license="CC0-1.0: drawn by Leaf Workbench",
        created=time.time(),
        settings={"val": config.val, "test": config.test, "seed": config.seed},
        skipped=tuple(skipped),
    )
    return _write(config, workspace, progress, config.name, records, card)


def _write(
    config: SplitConfig,
    workspace: Workspace,
    progress: Progress,
    name: str,
    records: pd.DataFrame,
    card: Card,
) -> ImportResult:
    """Split, warn, save, and say what was done."""
    progress.phase("splitting")
    records["group"] = merge_alike(records)
    records["split"] = assign_splits(records, val=config.val, test=config.test, seed=config.seed)
    warnings = tuple(_warnings(records, card.skipped))
    for warning in warnings:
        progress.warn(warning)
    dataset = save(workspace, name, records, card.model_copy(update={"warnings": warnings}))
    return _result(dataset, card.skipped, warnings)


def _scan(listing: Listing, progress: Progress) -> tuple[pd.DataFrame, list[Skipped]]:
    """Decode and hash every picture of a listing, on all cores."""
    progress.phase("reading")
    rows: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(lambda entry: _scan_file(listing.root, entry), listing.entries)
        for done, row in enumerate(found, start=1):
            if isinstance(row, Skipped):
                skipped.append(row)
            else:
                rows.append(row)
            progress.report(done, len(listing.entries))
            if progress.should_stop:
                pool.shutdown(cancel_futures=True)
                raise Stopped
    return pd.DataFrame(rows), skipped


def _scan_file(root: Path, entry: Entry) -> dict[str, object] | Skipped:
    path = root / entry.image
    try:
        size = open_rgb(path).size
        content = path.read_bytes()
    except (DatasetError, OSError) as error:
        return Skipped(image=entry.image, reason=str(error).removeprefix(f"{path}: "))
    return {
        "image": entry.image,
        "labels": entry.labels,
        "group": entry.group or entry.image,
        "sha256": entry.sha256 or hashlib.sha256(content).hexdigest(),
        "width": size[0],
        "height": size[1],
        "bytes": len(content),
        "mask": entry.mask,
    }


def _warnings(records: pd.DataFrame, skipped: Sequence[Skipped]) -> Iterator[str]:
    if skipped:
        named = _named([f"{file.image}: {file.reason.removesuffix('.')}" for file in skipped], shown=3)
        yield f"{len(skipped)} {'file was' if len(skipped) == 1 else 'files were'} skipped: {named}."
    for labels, members in records.groupby("labels"):
        if members["group"].nunique() == 1:
            images = "image" if len(members) == 1 else "images of one group"
            yield f"{labels} has {len(members)} {images}: train only, so nothing can be claimed about it."
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
