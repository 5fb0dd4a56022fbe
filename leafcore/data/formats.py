"""The layouts that datasets come in, each read into the same list of entries. Nothing is decoded or copied here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from leafcore.data.labels import label_name, label_set
from leafcore.data.manifest import Skipped
from leafcore.errors import DatasetError
from leafcore.images import SUFFIXES


@dataclass(frozen=True)
class Entry:
    """One picture that a layout names.

    Attributes:
        image: Its path below the listing's root, with forward slashes.
        labels: Its label set.
        group: Who it belongs together with; empty if the layout does not say.
        mask: The path of an exact mask below the root; empty if there is none.
        sha256: Hash of what was drawn, for a picture that code drew; empty: the file's hash tells pictures apart.
    """

    image: str
    labels: str
    group: str = ""
    mask: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """What a layout holds, before any picture is opened."""

    root: Path
    entries: list[Entry]
    skipped: list[Skipped] = field(default_factory=list)


def read_folders(path: Path) -> Listing:
    """Read one folder per class, as PlantVillage comes: the folder's name is the label.

    Raises:
        DatasetError: There is no folder with a picture in it.
    """
    entries, skipped = [], []
    if not path.is_dir():
        raise DatasetError(f"{path}: expected a folder that holds one folder per class, got a file.")
    for child in sorted(path.iterdir()):
        files = sorted(child.rglob("*")) if child.is_dir() else [child]
        for file in files:
            below = file.relative_to(path)
            if file.is_dir() or any(part.startswith(".") for part in below.parts):
                continue
            is_picture = file.suffix.lower() in SUFFIXES
            if is_picture and file != child:
                entries.append(Entry(below.as_posix(), label_name(child.name)))
            elif is_picture:
                skipped.append(Skipped(image=below.as_posix(), reason="not in a class folder"))
            elif file != child:
                skipped.append(Skipped(image=below.as_posix(), reason=f"not a picture ({file.suffix or 'no ending'})"))
    if not entries:
        raise DatasetError(
            f"{path}: no pictures found; expected one folder per class with {', '.join(sorted(SUFFIXES))} files in it, "
            "or a train.csv with the columns image and labels."
        )
    return Listing(path, entries, skipped)


def read_plant_pathology_2021(path: Path) -> Listing:
    """Read Plant Pathology 2021's layout: a table `image,labels` (labels separated by spaces) and a folder of pictures.

    A column `group`, if there is one, says which pictures belong together.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: The table is missing, unreadable, empty, or lacks a column.
    """
    table_path = path / "train.csv" if path.is_dir() else path
    table = _read_table(table_path, ("image", "labels"))
    root = table_path.parent
    folder = "train_images/" if (root / "train_images").is_dir() else ""
    entries, skipped = [], []
    for row in table.to_dict("records"):
        image, labels = f"{folder}{row['image']}", label_set(row["labels"])
        if not labels:
            skipped.append(Skipped(image=image, reason="no label in the table"))
        elif _leads_outside(row["image"]):
            skipped.append(Skipped(image=image, reason="leads out of the dataset's folder"))
        else:
            entries.append(Entry(image, labels, group=row.get("group", "")))
    return Listing(root, entries, skipped)


def _leads_outside(image: str) -> bool:
    """Whether a path is absolute or climbs, here or on Windows; what is made from a picture is named after its path."""
    return any(".." in kind(image).parts or kind(image).anchor for kind in (PurePosixPath, PureWindowsPath))


def _read_table(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no such table.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: not a table that can be read ({str(error).strip()}); expected CSV in UTF-8."
        ) from None
    if not isinstance(table.index, pd.RangeIndex):  # pandas has taken the first field for a row's name
        raise DatasetError(
            f"{path}: its rows have more fields than its first line; put labels that hold commas in quotes, or "
            "separate them by spaces."
        )
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise DatasetError(
            f"{path}: it has no column {' and none called '.join(missing)}; got {', '.join(table.columns)}, expected "
            f"{' and '.join(required)}. Rename the columns in the first line."
        )
    if table.empty:
        raise DatasetError(f"{path}: the table has no row below its first line.")
    rows_per_image = table["image"].value_counts()
    repeated = rows_per_image[rows_per_image > 1]
    if not repeated.empty:
        others = f" ({len(repeated)} images stand in several)" if len(repeated) > 1 else ""
        raise DatasetError(
            f"{path}: {repeated.index[0]!r} stands in {repeated.iloc[0]} rows{others}; keep one row each."
        )
    return table


READERS: dict[str, Callable[[Path], Listing]] = {
    "folders": read_folders,
    "plant-pathology-2021": read_plant_pathology_2021,
}


def detect(path: Path) -> str:
    """Return the key of `READERS` that a folder or file looks like.

    Raises:
        DatasetError: There is nothing there, or nothing that is known.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder.")
    if path.is_dir():
        return "plant-pathology-2021" if (path / "train.csv").is_file() else "folders"
    if path.suffix.lower() == ".csv":
        return "plant-pathology-2021"
    raise DatasetError(f"{path}: got a {path.suffix or 'plain'} file, expected a folder or a CSV table.")


def read(path: Path, layout: str = "auto") -> Listing:
    """Read a dataset's listing.

    Args:
        path: A folder or a table.
        layout: A key of `READERS`, or "auto".

    Raises:
        DatasetError: See the readers.
    """
    found = detect(path.expanduser())
    return READERS[found if layout == "auto" else layout](path.expanduser().resolve())
