"""The verb that packs a synthetic set into a ZIP."""

import os
import zipfile
from pathlib import Path

from pydantic import BaseModel

from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import NotFoundError
from leafcore.files import require_space, temporary_for
from leafcore.progress import Progress
from leafcore.synthesize.configs import ExportConfig
from leafcore.workspace import Workspace

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same pictures give the same bytes


class ExportResult(BaseModel):
    """What was packed.

    Attributes:
        zip: Where the ZIP is.
        images: How many pictures it holds.
        bytes: Its size.
    """

    zip: str
    images: int
    bytes: int


def export(config: ExportConfig, workspace: Workspace, progress: Progress) -> ExportResult:
    """Pack images, `labels.csv` and `manifest.csv`, stored: PNG does not shrink twice.

    Raises:
        NotFoundError: There is no such run, it made no synthetic set, or a picture of it is gone.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; nothing is left behind.
    """
    pictures = open_synthetic_set(workspace, config.run)
    files = pictures.paths()
    gone = [file for file in files if not file.exists()]
    if gone:
        raise NotFoundError(
            f"run: {len(gone)} of the {len(files)} pictures of {pictures.id} are gone, first: {gone[0]}; "
            "synthesize them again."
        )
    require_space(progress.folder, sum(file.stat().st_size for file in files))
    target = progress.folder / "export.zip"
    progress.phase("packing")
    _pack(pictures.folder, files, target, progress)
    return ExportResult(zip=str(target), images=len(files), bytes=target.stat().st_size)


def _pack(folder: Path, files: list[Path], target: Path, progress: Progress) -> None:
    temporary = temporary_for(target)
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in ("labels.csv", "manifest.csv"):
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), (folder / name).read_bytes())
            for done, file in enumerate(files, start=1):
                archive.writestr(zipfile.ZipInfo(f"images/{file.name}", _EPOCH), file.read_bytes())
                progress.report(done, len(files))
                progress.raise_if_stopped()
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
