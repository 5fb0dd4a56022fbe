"""The verb that turns heat maps into a mask set."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel

from leafcore.data.manifest import SPLITS, Dataset, load
from leafcore.data.mask_sets import MaskCard, Overlap, mask_path, save_card
from leafcore.data.seen import save_seen
from leafcore.errors import DatasetError
from leafcore.files import require_space, write_bytes
from leafcore.images import encode_png, load_mask, load_square, mosaic, overlay_mask
from leafcore.masks.configs import EMPTY, FULL, MasksConfig
from leafcore.masks.corrections import DRAFT, Correction, load_draft, load_snapshot, snapshot
from leafcore.masks.lflseg import LFLSegModel, Look, open_lflseg
from leafcore.masks.maps import resize_map
from leafcore.masks.outliers import Outliers, find_outliers
from leafcore.masks.refine import SIDE, Outline, corrected, needs_color
from leafcore.measure.masks import intersection_over_union
from leafcore.progress import Progress
from leafcore.threads import in_order
from leafcore.train.device import resolve_device
from leafcore.train.lflseg_data import CLASSES
from leafcore.workspace import Workspace

CLASS_ENTRY = "class"  # of a mask's file: what LFLSeg took the picture for, so that a resumed run knows
OUTLINE_ENTRY = "outline"  # of a mask's file: what drew it
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
        corrected: Masks that were corrected by hand.
        fallbacks: Masks of the heat map alone, for GrabCut took the leaf for background.
        outliers: Pictures whose masks deserve a look.
    """

    images: int
    mean_area: float
    empty: int
    full: int
    mask_iou: float | None
    overlaps: dict[str, Overlap]
    skipped: dict[str, str]
    corrected: int = 0
    fallbacks: int = 0
    outliers: Outliers = Outliers()


@dataclass
class _Tally:
    """What is known of the masks so far; by picture, where nothing else is said."""

    corrections: dict[str, Correction]
    corrections_hash: str
    areas: dict[str, float] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    open_overlaps: dict[str, float] = field(default_factory=dict)
    overlaps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by split
    overlays: list[np.ndarray] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    fallbacks: int = 0
    blank: int = 0  # pictures in which nothing speaks for the class


def make_masks(config: MasksConfig, workspace: Workspace, progress: Progress) -> MasksResult:
    """Write a mask for every picture of a dataset: PNG, 0 or 255, at the picture's own size.

    A resumed run keeps the masks that are there.

    Raises:
        CheckpointError: The model is no LFLSeg model, or another one than was asked for.
        DatasetError: No picture could be read.
        NotFoundError: The corrections that it was submitted with are gone.
        DiskFull: There is no room; the masks so far stay.
        Stopped: Somebody asked to stop; the masks so far stay.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    model = open_lflseg(workspace, config.model, resolve_device(config.device), config.cam())
    save_seen(progress.folder, model.checkpoint.seen())

    progress.phase("making masks")
    require_space(progress.folder, len(dataset.records) * 4096)
    digest = config.corrections
    if digest == DRAFT:  # the verb was called without being submitted
        digest = snapshot(workspace, load_draft(workspace, dataset.name, model.checkpoint.card.weights_sha256))
    tally = _Tally(load_snapshot(workspace, digest), digest)
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
        try:
            mask, fell_back = _draw(config, record, look, tally.corrections.get(record["image"]))
        except DatasetError as error:  # it went after LFLSeg had seen it
            return replace(look, cam=None, problem=str(error)), None
        facts = {CLASS_ENTRY: CLASSES[int(look.probabilities.argmax())]}
        facts |= {OUTLINE_ENTRY: "heat map"} if fell_back else {}
        write_bytes(there[record["image"]], encode_png(mask.astype(np.uint8) * 255, facts))
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


def _draw(config: MasksConfig, record: dict[str, Any], look: Look, correction: Correction | None) -> Outline:
    """Return a picture's mask; its colors are read only if they count."""
    assert look.cam is not None
    refinement, size = config.refinement(), (record["width"], record["height"])
    strokes = correction.strokes if correction else ()
    picture = load_square(look.path, SIDE) if needs_color(refinement, strokes) else np.zeros((1, 1, 3), np.uint8)
    return corrected(picture, look.cam, config.delta, refinement, correction, size=size)


def _count(dataset: Dataset, record: dict[str, Any], mask: np.ndarray, tally: _Tally, progress: Progress) -> None:
    image = record["image"]
    tally.areas[image] = float(mask.mean())
    with Image.open(mask_path(progress.folder, image)) as file:
        seen_as, drawn_by = file.info.get(CLASS_ENTRY), file.info.get(OUTLINE_ENTRY)
    if seen_as:  # else an older version wrote it
        tally.classes[image] = str(seen_as)
    tally.fallbacks += drawn_by is not None
    try:
        if record["mask"]:
            overlap = intersection_over_union(mask, load_mask(dataset.root / record["mask"]))
            tally.overlaps[record["split"]].append(overlap)
            if record["split"] in OPEN:
                tally.open_overlaps[image] = overlap
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
    areas = np.array(list(tally.areas.values()))
    overlaps = {
        split: Overlap(mask_iou=round(float(np.mean(tally.overlaps[split])), 4), images=len(tally.overlaps[split]))
        for split in SPLITS
        if split in tally.overlaps
    }
    mask_iou = round(float(np.mean(list(tally.open_overlaps.values()))), 4) if tally.open_overlaps else None
    corrected = tuple(sorted(tally.corrections.keys() & tally.areas.keys()))
    card = MaskCard(
        dataset=dataset.ref,
        delta=config.delta,
        model=model.checkpoint.name,
        model_sha256=model.checkpoint.card.weights_sha256,
        method=config.method,
        layer=config.layer,
        target=config.target,
        refinement=config.refinement(),
        corrections=tally.corrections_hash,
        corrected=corrected,
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
        corrected=len(corrected),
        fallbacks=tally.fallbacks,
        outliers=find_outliers(tally.areas, tally.classes, tally.open_overlaps),
    )
