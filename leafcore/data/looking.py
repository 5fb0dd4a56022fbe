"""What people look at beside a synthetic picture: a small one of it, and the photograph that it was made of."""

from pathlib import Path

from leafcore.data.manifest import load
from leafcore.data.scan import keep_thumbnail
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.errors import NotFoundError
from leafcore.images import encode_png, load_square, open_rgb
from leafcore.workspace import Workspace


def thumbnail_of_picture(workspace: Workspace, run_id: str, file: Path) -> bytes:
    """Return a small JPEG of a synthetic picture, kept in the workspace's cache.

    Raises:
        DatasetError: The picture is damaged.
    """
    kept = workspace.cache / "thumbnails" / run_id / f"{file.stem}.jpg"
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        return keep_thumbnail(kept, open_rgb(file))


def source_of_picture(workspace: Workspace, pictures: SyntheticSet, file: str) -> bytes:
    """Return the photograph that a synthetic picture was made of, squashed to its size, as PNG.

    Raises:
        NotFoundError: There is no such picture, it was made of none, or its dataset is not here.
        DatasetError: The photograph is gone or damaged.
    """
    rows = pictures.manifest[pictures.manifest["file"] == file]
    if rows.empty or not rows.iloc[0]["source"]:
        raise NotFoundError(f"source: {pictures.id} has no {file} that was made of a photograph.")
    row = rows.iloc[0]
    path = load(workspace, str(row["dataset"])).root / str(row["source"])
    return encode_png(load_square(path, int(row["size_px"])))
