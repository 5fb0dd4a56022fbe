"""The verb that turns heat maps into a mask set."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel

from leafcore.data.manifest import SPLITS, Dataset, load
from leafcore.data.mask_sets import MaskCard, Overlap, mask_path, save_card
from leafcore.data.seen import save_seen
from leafcore.errors import DatasetError
from leafcore.files import require_space, write_bytes
from leafcore.images import encode_png, load_mask, load_square, mosaic, overlay_mask
from leafcore.masks.configs import EMPTY, FULL, MasksConfig
from leafcore.masks.lflseg import LFLSegModel, Look, open_lflseg
from leafcore.masks.maps import resize_map, threshold
from leafcore.progress import Progress
from leafcore.threads import in_order
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

SAMPLES = 12  # overlays in the run's picture
OPEN = ("train", "val")  # splits that a threshold may be judged by


class MasksResult(BaseModel):
    """What became of a masks run.

    Attributes:
        images: Masks written.
        mean_area: Mean share of a picture that is leaf, 0 to 1.
        empty: Masks under 2 % of their picture.
        full: Masks over 98 % of their picture.
        mask_iou: Mean intersection over union with the exact masks of train and validation pictures, by which a
            threshold may be chosen; None where the dataset has none.
        overlaps: The same for each split that has exact masks.
        skipped: Pictures that could not be read, and why.
    """

    images: int
    mean_area: float
    empty: int
    full: int
    mask_iou: float | None
    overlaps: dict[str, Overlap]
    skipped: dict[str, str]


@dataclass
class _Tally:
    """What is known of the masks so far."""

    areas: list[float] = field(default_factory=list)
    overlaps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by split
    overlays: list[np.ndarray] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    blank: int = 0  # pictures in which nothing speaks for the class


def make_masks(config: MasksConfig, workspace: Workspace, progress: Progress) -> MasksResult:
    """Write a mask for every picture of a dataset: PNG, 0 or 255, at the picture's own size.

    A resumed run keeps the masks that are there.

    Raises:
        CheckpointError: The model is no LFLSeg model, or another one than was asked for.
        DatasetError: No picture could be read.
        DiskFull: There is no room; the masks so far stay.
        Stopped: Somebody asked to stop; the masks so far stay.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    model = open_lflseg(workspace, config.model, resolve_device(config.device), config.cam())
    save_seen(progress.folder, model.checkpoint.seen())

    progress.phase("making masks")
    require_space(progress.folder, len(dataset.records) * 4096)
    tally = _Tally()
    for done, (record, mask) in enumerate(_masks(config, dataset, model, progress, tally), start=1):
        if mask is not None:
            _count(dataset, record, mask, tally, progress)
        progress.report(done, len(dataset.records))
        progress.raise_if_stopped()
    return _finish(dataset, config, model, progress, tally)


def _masks(
    config: MasksConfig, dataset: Dataset, model: LFLSegModel, progress: Progress, tally: _Tally
) -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
    """Yield each record with its mask, (H, W) bool, made now or before; None if the picture cannot be read."""
    records = dataset.rows()
    there = {record["image"]: mask_path(progress.folder, record["image"]) for record in records}
    missing = [record for record in records if not there[record["image"]].exists()]
    looks = model.look([dataset.root / record["image"] for record in missing], config.batch_size)

    def draw(one: tuple[dict[str, Any], Look]) -> tuple[Look, np.ndarray | None]:
        record, look = one
        if look.cam is None:
            return look, None
        mask = threshold(look.cam, config.delta, record["width"], record["height"])
        write_bytes(there[record["image"]], encode_png(mask.astype(np.uint8) * 255))
        return look, mask

    drawn = in_order(draw, zip(missing, looks, strict=True), ahead=config.batch_size)
    wanted = {record["image"] for record in missing}
    for record in records:
        if record["image"] not in wanted:
            yield record, load_mask(there[record["image"]])
            continue
        look, mask = next(drawn)
        if look.cam is None:
            tally.skipped[record["image"]] = look.problem
        elif not look.cam.any():
            tally.blank += 1
        yield record, mask


def _count(dataset: Dataset, record: dict[str, Any], mask: np.ndarray, tally: _Tally, progress: Progress) -> None:
    tally.areas.append(float(mask.mean()))
    try:
        if record["mask"]:
            exact = load_mask(dataset.root / record["mask"])
            tally.overlaps[record["split"]].append(intersection_over_union(mask, exact))
        if len(tally.overlays) < SAMPLES:
            picture = load_square(dataset.root / record["image"], 128)
            tally.overlays.append(overlay_mask(picture, resize_map(mask, 128, 128) >= 0.5))
    except DatasetError as error:  # an exact mask, or a picture that went after its mask was made: no reason to end
        progress.warn(str(error))


def _finish(
    dataset: Dataset, config: MasksConfig, model: LFLSegModel, progress: Progress, tally: _Tally
) -> MasksResult:
    """Write the card that makes the folder a mask set."""
    if not tally.areas:
        raise DatasetError(
            f"dataset: no picture of {dataset.ref} could be read; first: {next(iter(tally.skipped.values()))}"
        )
    if tally.overlays:
        progress.sample(mosaic(tally.overlays, columns=4))
    if tally.skipped:
        progress.warn(f"{len(tally.skipped)} pictures have no mask, first: {next(iter(tally.skipped.values()))}")
    if tally.blank:
        progress.warn(
            f"In {tally.blank} of {len(tally.areas)} pictures nothing speaks for the class ({config.target}); their "
            "masks are empty."
        )
    areas = np.array(tally.areas)
    overlaps = {
        split: Overlap(mask_iou=round(float(np.mean(tally.overlaps[split])), 4), images=len(tally.overlaps[split]))
        for split in SPLITS
        if split in tally.overlaps
    }
    open_ones = [overlap for split in OPEN for overlap in tally.overlaps.get(split, ())]
    mask_iou = round(float(np.mean(open_ones)), 4) if open_ones else None
    card = MaskCard(
        dataset=dataset.ref,
        delta=config.delta,
        model=model.checkpoint.name,
        model_sha256=model.checkpoint.card.weights_sha256,
        method=config.method,
        layer=config.layer,
        target=config.target,
        images=len(areas),
        mean_area=float(areas.mean()),
        mask_iou=mask_iou,
        overlaps=overlaps,
        skipped=tally.skipped,
    )
    save_card(progress.folder, card)
    return MasksResult(
        images=len(areas),
        mean_area=round(float(areas.mean()), 4),
        empty=int((areas < EMPTY).sum()),
        full=int((areas > FULL).sum()),
        mask_iou=mask_iou,
        overlaps=overlaps,
        skipped=tally.skipped,
    )


def intersection_over_union(mask: np.ndarray, exact: np.ndarray) -> float:
    """Return the overlap of two masks, (H, W) bool: 1 where both are empty."""
    either = np.logical_or(mask, exact).sum()
    return float(np.logical_and(mask, exact).sum() / either) if either else 1.0
