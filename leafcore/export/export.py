"""The verb that packs a synthetic set, alone or among the real pictures, into a ZIP."""

from typing import Any, BinaryIO

from pydantic import BaseModel

from leafcore.errors import DatasetError
from leafcore.export.cards import data_card, licenses_text
from leafcore.export.configs import Content, ExportConfig, FormatName
from leafcore.export.contents import Contents, contents_of
from leafcore.export.formats import FORMATS
from leafcore.export.manifest import columns_of, table
from leafcore.export.material import Item, Material, gather
from leafcore.export.packing import Packer
from leafcore.files import require_space, write_atomic
from leafcore.progress import Progress
from leafcore.workspace import Workspace

TABLE_BYTES = 4096  # of a picture, in all tables and the ZIP's directory together; most take half


class ExportResult(BaseModel):
    """What was packed.

    Attributes:
        zip: Where the ZIP is.
        format: How it is laid out.
        content: Whether real pictures are among them.
        images: How many pictures it holds.
        synthetic: How many of these are synthetic.
        real: How many are real.
        bytes: Its size.
        left_out: Synthetic pictures that review left out.
        review: What people had said of the set, see `Review.digest`.
    """

    zip: str
    format: FormatName
    content: Content
    images: int
    synthetic: int
    real: int
    bytes: int
    left_out: int = 0
    review: str = ""


def export(config: ExportConfig, workspace: Workspace, progress: Progress) -> ExportResult:
    """Pack pictures in the layout of a format, with manifest, labels, data card, licences and checksums.

    The ZIP is stored, not compressed, and written as a stream. It appears whole or not at all.

    Raises:
        NotFoundError: There is no such run, it made no synthetic set, or a picture of it is gone.
        DatasetError: The format cannot hold it, or a picture is gone or has changed since it was made or imported.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; nothing is left behind.
    """
    progress.phase("listing")
    material = gather(config, workspace)
    contents = contents_of(config, material)
    for warning in contents.warnings:
        progress.warn(warning)
    require_space(progress.folder, contents.bytes + TABLE_BYTES * contents.images)
    target = progress.folder / "export.zip"
    progress.phase("packing")
    write_atomic(target, lambda file: _pack(file, contents, material, progress))
    return ExportResult(
        zip=str(target),
        format=config.format,
        content=config.content,
        images=contents.images,
        synthetic=contents.synthetic,
        real=contents.real,
        bytes=target.stat().st_size,
        left_out=contents.left_out,
        review=contents.review,
    )


def _pack(file: BinaryIO, contents: Contents, material: Material, progress: Progress) -> None:
    """Write the pictures first: what a picture hashes to is known when it has been copied."""
    layout, items = FORMATS[contents.format], material.items
    rows: list[dict[str, Any]] = []
    with Packer(file) as packer:
        for done, item in enumerate(items, start=1):
            path = layout.place(item)
            rows.append({**item.row, "file": path, "sha256": _copy(packer, path, item)})
            progress.report(done, len(items))
            progress.raise_if_stopped()
        for path, text in layout.tables(items):
            packer.write(path, text)
        packer.write("manifest.csv", table(columns_of(rows), rows))
        packer.write("labels.csv", table(["image", "labels"], ({"image": row["file"], **row} for row in rows)))
        packer.write("DATA_CARD.md", [data_card(contents, material)])
        packer.write("LICENSES.md", [licenses_text(contents)])


def _copy(packer: Packer, path: str, item: Item) -> str:
    again = "synthesize the set again" if item.is_synthetic else "import the dataset again"
    try:
        sha256 = packer.copy(path, item.path)
    except FileNotFoundError:
        raise DatasetError(f"{item.path}: there is no such file any more; {again}.") from None
    if item.sha256 and sha256 != item.sha256:
        raise DatasetError(f"{item.path}: has changed since its row was written; {again}.")
    return sha256
