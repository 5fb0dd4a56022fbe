"""Mask sets: what a `masks` run made. Training takes the run's id, never a bare delta."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from leafcore.data.manifest import Dataset, load
from leafcore.errors import CheckpointError, DatasetError, NotFoundError
from leafcore.files import read_json, write_json
from leafcore.runs import list_runs, open_run
from leafcore.workspace import Workspace

CARD = "mask_set.json"


class Overlap(BaseModel):
    """How well the masks of a split fit the exact ones: mean intersection over union, of so many pictures."""

    model_config = ConfigDict(frozen=True)

    mask_iou: float
    images: int


class Refinement(BaseModel):
    """What is done to a mask after the threshold; see `masks/refine.py`.

    Attributes:
        method: "none" keeps the thresholded heat map; "grabcut" lets it find the leaf's own outline.
        largest: Whether only the piece that the heat map speaks for most is kept.
        fill: Whether holes are filled.
        smooth_px: Side of the median filter that smooths the outline, on a square of 256 px; 0 for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["none", "grabcut"] = "none"
    largest: bool = False
    fill: bool = False
    smooth_px: int = Field(0, ge=0, le=63)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is done."""
        return self == PLAIN


PLAIN = Refinement()
REFINED = Refinement(method="grabcut", largest=True, fill=True, smooth_px=7)


class MaskCard(BaseModel):
    """How a mask set was made.

    Attributes:
        dataset: `name@version` of the pictures.
        delta: The threshold on the heat map.
        model: Which LFLSeg weights drew the heat maps: a checkpoint's name, or `run@epoch`.
        model_sha256: Their hash.
        refinement: What was done after the threshold.
        corrections: The hash of the corrections by hand, see `masks/corrections.py`; "none" if there were none.
        corrected: The pictures whose masks were corrected by hand.
        method: How the heat maps were drawn, see `masks/configs.py`.
        layer: Where in the network; empty for its last maps.
        target: The class they speak for.
        images: How many masks there are.
        mean_area: The mean share of a picture that is leaf, 0 to 1.
        mask_iou: Mean intersection over union with exact masks, where the dataset has them: train and validation.
        overlaps: The same by split, with the number of pictures.
        skipped: Pictures without a mask, and why.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    dataset: str
    delta: float
    model: str
    model_sha256: str
    refinement: Refinement = PLAIN
    corrections: str = "none"
    corrected: tuple[str, ...] = ()
    method: str = "gradcam"
    layer: str = ""
    target: str = "full leaf"
    images: int = 0
    mean_area: float = 0.0
    mask_iou: float | None = None
    overlaps: dict[str, Overlap] = {}
    skipped: dict[str, str] = {}


@dataclass(frozen=True)
class MaskSet:
    """A folder of masks for the pictures of a dataset version, and so for every version of the same pictures.

    Attributes:
        id: The run that made it.
        folder: The run's folder.
        card: How it was made.
        workspace: Where the dataset is that it was made for.
    """

    id: str
    folder: Path
    card: MaskCard
    workspace: Workspace

    def covers(self, dataset: Dataset, records: pd.DataFrame) -> bool:
        """Whether records are of pictures that it was made for: a dataset split or thinned anew keeps its masks."""
        if dataset.ref == self.card.dataset:
            return True
        try:
            known = _digests(self.workspace.root, self.card.dataset)
        except NotFoundError:
            return False
        return bool((known.reindex(records["image"]).to_numpy() == records["sha256"].to_numpy()).all())

    def masked(self, dataset: Dataset, records: pd.DataFrame) -> pd.DataFrame:
        """Return the records that have a mask: all but those whose picture could not be read.

        Raises:
            CheckpointError: The masks are of other pictures.
        """
        if not self.covers(dataset, records):
            raise CheckpointError(
                f"masks: run {self.id} holds masks of {self.card.dataset}, expected masks of {dataset.ref}. "
                f"Make masks for it: python -m leafcore masks --dataset {dataset.name} --model {self.card.model}"
            )
        return records[~records["image"].isin(list(self.card.skipped))]

    def paths(self, records: pd.DataFrame) -> list[Path]:
        """Return the mask of each record."""
        return [mask_path(self.folder, image) for image in records["image"]]


@lru_cache(maxsize=16)  # a version never changes, and lists of mask sets ask at every redraw
def _digests(root: Path, ref: str) -> "pd.Series[str]":
    """Return the SHA-256 of a version's pictures, by their paths."""
    records = load(Workspace(root), ref).records
    return pd.Series(records["sha256"].to_numpy(), index=records["image"])


def newest_mask_set(workspace: Workspace, dataset: Dataset) -> str:
    """Return the id of the newest finished mask set of a version's pictures, empty if there is none."""
    finished = (run.id for run in list_runs(workspace, "masks") if (run.folder / CARD).exists())
    return next(
        (run_id for run_id in finished if open_mask_set(workspace, run_id).covers(dataset, dataset.records)), ""
    )


def mask_files(
    workspace: Workspace, dataset: Dataset, images: Sequence[str], run_id: str = ""
) -> dict[str, Path | None]:
    """Return the mask of each picture: of a mask set, or the exact one that came with the dataset; None for none.

    Args:
        workspace: Where the mask set is.
        dataset: Whose pictures they are.
        images: Their paths in the manifest.
        run_id: The mask set; empty takes the dataset's own masks.

    Raises:
        NotFoundError: There is no such mask set.
        CheckpointError: It is of other pictures.
    """
    records = dataset.records[dataset.records["image"].isin(list(images))]
    if run_id:
        masks = open_mask_set(workspace, run_id)
        records = masks.masked(dataset, records)
        files = dict(zip(records["image"], masks.paths(records), strict=True))
    else:
        records = records[records["mask"] != ""]
        files = dict(zip(records["image"], dataset.paths(records, column="mask"), strict=True))
    return {image: files.get(image) for image in images}


def require_masked(files: Mapping[str, Path | None], dataset: Dataset, otherwise: str) -> None:
    """Refuse to draw over leaves that are not known: without a mask the whole photograph would be redrawn.

    Args:
        files: Of `mask_files`.
        dataset: Whose pictures they are.
        otherwise: What to say if that is wanted.

    Raises:
        DatasetError: Some have no mask.
    """
    without = [image for image, file in files.items() if file is None]
    if without:
        raise DatasetError(
            f"masks: {len(without)} of {len(files)} sources have no mask, first: {without[0]}; make masks of "
            f"{dataset.ref}, or say {otherwise}, and the whole picture is drawn over."
        )


def mask_path(folder: Path, image: str) -> Path:
    """Return where the mask of an image goes in a masks run's folder."""
    return folder / "masks" / f"{image}.png"


def save_card(folder: Path, card: MaskCard) -> None:
    """Write a mask set's card into its run's folder; its presence says that the set is complete."""
    write_json(folder / CARD, card.model_dump(mode="json"))


def open_mask_set(workspace: Workspace, run_id: str) -> MaskSet:
    """Return the mask set that a run made.

    Raises:
        NotFoundError: There is no such run, or it has not made a mask set.
    """
    run = open_run(workspace, run_id)
    try:
        card = MaskCard.model_validate(read_json(run.folder / CARD))
    except FileNotFoundError:
        raise NotFoundError(
            f"masks: run {run_id} is a {run.kind} run in state {run.status().state} and holds no complete mask set; "
            "expected the id of a finished masks run."
        ) from None
    return MaskSet(run.id, run.folder, card, workspace)
