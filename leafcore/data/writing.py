"""The verb that writes a dataset version out, in a layout that other programs read."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, model_validator

from leafcore.config import Config, setting
from leafcore.data.layouts import GRID, LAYOUTS, Piece, Plan, Wanted
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import open_mask_set
from leafcore.data.nonleaf import nonleaf_folder
from leafcore.errors import ConfigError, DatasetError
from leafcore.files import require_space
from leafcore.images import encode_png, open_rgb
from leafcore.progress import Progress
from leafcore.workspace import Workspace

Layout = Literal["folders", "plant-pathology-2021", "plant-pathology-2020", "cassava", "domains", "lflseg"]
assert set(get_args(Layout)) == set(LAYOUTS)
SCENE_PX = 256  # of drawn pictures without a leaf


class WriteConfig(Config):
    """Settings of `write_dataset`."""

    dataset: str = setting(..., "Which dataset, or name@version.", ref="dataset")
    layout: Layout = setting("plant-pathology-2021", "How the files are laid out.")
    to: Path = setting(..., "A folder that does not exist yet, or is empty.", ref="target")
    a: str = setting("", "Of two domains: the label set of A.", ref="domain")
    b: str = setting("", "Of two domains: the label set of B.", ref="domain")
    masks: str = setting(
        "", "Of two domains: the mask set, a masks run; else the dataset's exact masks.", ref="mask_set"
    )
    nonleaf: str = setting(
        "", "Of lflseg: a folder of pictures without a leaf, or 'rendered' for scenes of our own.", ref="nonleaf"
    )
    seed: int = setting(0, "Of lflseg: chooses which leaves are cut into parts.", ge=0, advanced=True)

    @model_validator(mode="after")
    def _fitting(self) -> "WriteConfig":
        if (self.layout == "domains") != bool(self.a and self.b) or (self.masks and self.layout != "domains"):
            raise ValueError("a and b: layout domains needs both; a, b and masks go with no other layout.")
        if self.a and set(self.a.split()) == set(self.b.split()):
            raise ValueError(f"a and b: got {self.a!r} for both, expected two label sets.")
        if (self.layout == "lflseg") != bool(self.nonleaf):
            raise ValueError("nonleaf: layout lflseg needs it; it goes with no other layout.")
        return self


class WriteResult(BaseModel):
    """What was written.

    Attributes:
        folder: Where.
        layout: How it is laid out.
        images: How many of the dataset's pictures are there.
        masks: How many masks are.
        files: How many files there are in all.
        bytes: Their size.
    """

    folder: str
    layout: str
    images: int
    masks: int
    files: int
    bytes: int


def write_dataset(config: WriteConfig, workspace: Workspace, progress: Progress) -> WriteResult:
    """Write a dataset version as files that other programs, and an import, read.

    Pictures are copied byte for byte. All is written beside the target under another name and then put in place, so
    there is never half of it.

    Raises:
        ConfigError: The target is not empty, or lies among the dataset's own pictures.
        DatasetError: The layout cannot hold the dataset, or a picture is gone or has changed since the import.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; nothing is left behind.
    """
    dataset, target = load(workspace, config.dataset), config.to.expanduser().resolve()
    require_target(dataset, target)
    progress.phase("listing")
    masks = _masks(config, workspace, dataset)
    nonleaf = nonleaf_folder(config.nonleaf, workspace, SCENE_PX, progress) if config.nonleaf else None
    plan = LAYOUTS[config.layout](Wanted(dataset, target, config.a, config.b, masks, nonleaf, config.seed))
    if plan.images < len(dataset.records):
        progress.warn(f"{len(dataset.records) - plan.images} pictures of other label sets are left out.")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of one that was killed
    partial.mkdir(parents=True)
    try:
        require_space(partial, _size(plan))
        _write(plan, partial, progress)
        if target.exists():
            target.rmdir()  # it is empty
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    files = [path for path in target.rglob("*") if path.is_file()]
    return WriteResult(
        folder=str(target),
        layout=config.layout,
        images=plan.images,
        masks=plan.masks,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
    )


def require_target(dataset: Dataset, target: Path) -> None:
    """Refuse a target that something would be lost or mixed up in.

    Raises:
        ConfigError: It is a file, holds something, or lies among the dataset's pictures.
    """
    if target.is_relative_to(dataset.root):
        raise ConfigError(f"to: {target} lies among the pictures of {dataset.ref}; choose a folder elsewhere.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"to: {target} is there and not empty; choose a new folder.")


def _masks(config: WriteConfig, workspace: Workspace, dataset: Dataset) -> dict[str, Path]:
    """Return the mask of each picture that has one: of a mask set if one is named, else the exact one."""
    if config.masks:
        mask_set = open_mask_set(workspace, config.masks)
        records = mask_set.masked(dataset, dataset.records)
        return dict(zip(records["image"], mask_set.paths(records), strict=True))
    records = dataset.records[dataset.records["mask"] != ""]
    return dict(zip(records["image"], dataset.paths(records, "mask"), strict=True))


def _size(plan: Plan) -> int:
    """Return about how many bytes a plan will take."""
    try:
        return sum(piece.source.stat().st_size for piece in plan.pieces)
    except FileNotFoundError as error:
        raise DatasetError(f"{error.filename}: there is no such file any more; import the dataset again.") from None


def _write(plan: Plan, folder: Path, progress: Progress) -> None:
    progress.phase("writing")
    for done, piece in enumerate(plan.pieces, start=1):
        path = folder / piece.to
        path.parent.mkdir(parents=True, exist_ok=True)
        if piece.cell is None:
            _copy(piece, path)
        else:
            _cut(piece.source, piece.cell, path)
        progress.report(done, len(plan.pieces))
        progress.raise_if_stopped()
    for name, text in plan.texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _copy(piece: Piece, path: Path) -> None:
    shutil.copyfile(piece.source, path)
    if piece.sha256:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != piece.sha256:
                raise DatasetError(f"{piece.source}: has changed since the import; import the dataset again.")


def _cut(source: Path, cell: int, path: Path) -> None:
    """Write one of nine cells of a picture, without loss."""
    import numpy as np

    image = open_rgb(source)
    width, height = image.width // GRID, image.height // GRID
    if not width or not height:
        raise DatasetError(f"{source}: too small to be cut into {GRID} x {GRID} parts.")
    row, column = divmod(cell, GRID)
    box = (column * width, row * height, (column + 1) * width, (row + 1) * height)
    path.write_bytes(encode_png(np.asarray(image.crop(box))))
