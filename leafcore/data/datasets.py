"""Making datasets: import pictures where they lie, or draw our own."""

import hashlib
import shutil
import time
from itertools import compress
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from leafcore.data.archives import begin, unpack
from leafcore.data.classes import LEFT_OUT, LabelPolicy, admitted
from leafcore.data.configs import GroupRules, ImportConfig, RenderConfig, SplitConfig
from leafcore.data.formats import detect, read
from leafcore.data.kaggle import fetch, kaggle_source
from leafcore.data.labels import label_set
from leafcore.data.listing import Entry, Listing
from leafcore.data.manifest import Card, Dataset, Skipped, save
from leafcore.data.mapping import Columns
from leafcore.data.notices import notices
from leafcore.data.rules import Rules, settings_of
from leafcore.data.scan import scan
from leafcore.data.source_splits import keep_splits, moved_notice
from leafcore.data.tables import read_mapped
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.images import encode_png
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
    rules = Rules(config)
    source, layout = _opened(config, workspace, progress), str(config.format)
    progress.phase("listing")
    if config.image_column:
        columns = Columns(config.image_column, config.label_column, config.group_column, config.split_column)
        listing = read_mapped(source, columns)
        layout = "table"
    else:
        layout = detect(source) if layout == "auto" else layout
        listing = read(source, layout)
    listing = _admitted(listing, config.label_policy)
    records, unreadable = scan(listing, workspace, progress)
    skipped = (*listing.skipped, *unreadable)
    if records.empty:
        raise DatasetError(
            f"{config.source}: none of its {len(skipped)} files can be read; first: {skipped[0].image}: "
            f"{skipped[0].reason}"
        )
    card = Card(
        root=str(listing.root),
        source=str(config.source),
        format=layout,
        license=config.license,
        created=time.time(),
        settings={"val": config.val, "test": config.test, "seed": config.seed, **settings_of(config)},
        label_policy=config.label_policy,
        skipped=skipped,
    )
    return _write(config, workspace, progress, config.name, records, card, rules)


def _admitted(listing: Listing, policy: LabelPolicy) -> Listing:
    """Leave pictures of several labels out where the policy says so; they are named among the skipped."""
    kept = admitted((entry.labels for entry in listing.entries), policy)
    left_out = [
        Skipped(image=entry.image, reason=LEFT_OUT) for entry in compress(listing.entries, [not one for one in kept])
    ]
    return Listing(listing.root, list(compress(listing.entries, kept)), [*listing.skipped, *left_out])


def _opened(config: ImportConfig, workspace: Workspace, progress: Progress) -> Path:
    """Return where the source's files lie: the source itself, or what its ZIP or Kaggle holds, in the workspace."""
    on_kaggle = kaggle_source(config.source)
    if on_kaggle:
        return begin(fetch(on_kaggle, workspace, progress))
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
    records, skipped = scan(Listing(root, entries), workspace, progress)
    card = Card(
        root=str(root),
        source="rendered",
        format="rendered",
        license="CC0-1.0: drawn by Leaf Workbench",
        created=time.time(),
        settings={"val": config.val, "test": config.test, "seed": config.seed},
        skipped=tuple(skipped),
    )
    return _write(config, workspace, progress, config.name, records, card, Rules(GroupRules(near_duplicates=False)))


def _write(
    config: SplitConfig,
    workspace: Workspace,
    progress: Progress,
    name: str,
    records: pd.DataFrame,
    card: Card,
    rules: Rules,
) -> ImportResult:
    """Group, split, warn, save, and say what was done."""
    grouping = rules.group(records, Path(card.root), progress)
    progress.phase("splitting")
    records["group"] = grouping.groups
    records["split"] = keep_splits(records, val=config.val, test=config.test, seed=config.seed)
    known = notices(records, skipped=card.skipped, alike=grouping.alike, is_tested=config.test > 0)
    warnings = (*grouping.notices(records["image"]), *moved_notice(records), *known)
    for warning in warnings:
        progress.warn(warning)
    dataset = save(workspace, name, records, card.model_copy(update={"warnings": warnings, "alike": grouping.alike}))
    return _result(dataset, card.skipped, warnings)


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
