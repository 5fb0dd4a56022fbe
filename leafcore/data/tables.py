"""Layouts in which a table says what a picture shows."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from leafcore.data.labels import label_name, label_set
from leafcore.data.listing import Entry, Listing, leads_outside
from leafcore.data.manifest import Skipped
from leafcore.errors import DatasetError

ONE_HOT_2020 = ("healthy", "multiple_diseases", "rust", "scab")
CASSAVA_MAP = "label_num_to_disease_map.json"


def read_plant_pathology_2021(path: Path) -> Listing:
    """Read Plant Pathology 2021's layout: a table `image,labels` (labels separated by spaces) and a folder of pictures.

    A column `group`, if there is one, says which pictures belong together.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: The table is missing, unreadable, empty, or lacks a column.
    """
    table = read_frame(_table_in(path), ("image", "labels"))
    return _listing(_table_in(path).parent, table, table["image"], table["labels"])


def read_plant_pathology_2020(path: Path) -> Listing:
    """Read Plant Pathology 2020's layout: `image_id` and a column of 0 and 1 per label, pictures in `images/`.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: As `read_plant_pathology_2021`; or a cell is neither 0 nor 1.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, ("image_id", *ONE_HOT_2020))
    labels = [column for column in table.columns if column not in {"image_id", "group"}]
    ones = table[labels].isin(["1", "1.0", "0", "0.0"])
    if not ones.all(axis=None):
        row = int((~ones.all(axis=1)).to_numpy().argmax())
        column = labels[int((~ones.iloc[row]).to_numpy().argmax())]
        raise DatasetError(
            f"{table_path}: got {table[column].iloc[row]!r} in row {row + 2}, column {column}; expected 0 or 1."
        )
    shown = table[labels].isin(["1", "1.0"])
    names = [
        " ".join(label_name(label) for label, is_there in zip(labels, row, strict=True) if is_there)
        for row in shown.to_numpy()
    ]
    return _listing(table_path.parent, table, table["image_id"] + ".jpg", names)


def read_cassava(path: Path) -> Listing:
    """Read Cassava's layout: `image_id,label` with numbers, and a JSON file that names them.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: As `read_plant_pathology_2021`; or the names are missing or do not cover a number.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, ("image_id", "label"))
    names_path = table_path.parent / CASSAVA_MAP
    try:
        names = {number: label_name(str(name)) for number, name in json.loads(names_path.read_text("utf-8")).items()}
    except FileNotFoundError:
        raise DatasetError(f"{names_path}: there is no such file; it says which disease each number means.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError):
        raise DatasetError(f'{names_path}: expected JSON such as {{"0": "healthy"}}.') from None
    unknown = sorted(set(table["label"]) - names.keys())
    if unknown:
        raise DatasetError(f"{table_path}: got label {unknown[0]!r}, expected one of {', '.join(sorted(names))}.")
    return _listing(table_path.parent, table, table["image_id"], table["label"].map(names))


def read_mapped(path: Path, image: str, labels: str, group: str = "") -> Listing:
    """Read any table whose columns the user has named.

    Args:
        path: The table.
        image: The column of file names, below the table's folder or a folder of pictures beside it.
        labels: The column of labels, separated by spaces, commas or plus signs.
        group: The column that says which pictures belong together; empty for none.

    Raises:
        DatasetError: As `read_plant_pathology_2021`.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, (image, labels, *([group] if group else [])))
    if group:
        table = table.assign(group=table[group])
    return _listing(table_path.parent, table, table[image], table[labels])


def _table_in(path: Path) -> Path:
    return path / "train.csv" if path.is_dir() else path


def _listing(root: Path, table: pd.DataFrame, images: Iterable[str], labels: Iterable[str]) -> Listing:
    """Return a table's entries; a row without a label, or one that leads out of the folder, is skipped."""
    folder = next((f"{name}/" for name in ("train_images", "images") if (root / name).is_dir()), "")
    entries, skipped = [], []
    groups = table["group"] if "group" in table.columns else [""] * len(table)
    for image, names, group in zip(images, labels, groups, strict=True):
        shown = label_set(names)
        if not shown:
            skipped.append(Skipped(image=f"{folder}{image}", reason="no label in the table"))
        elif leads_outside(image):
            skipped.append(Skipped(image=f"{folder}{image}", reason="leads out of the dataset's folder"))
        else:
            entries.append(Entry(f"{folder}{image}", shown, group=group))
    return Listing(root, entries, skipped)


def read_frame(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a table of text with one row per picture.

    Args:
        path: A CSV file in UTF-8.
        required: The columns it must have; the first names the picture.

    Raises:
        DatasetError: It is missing, unreadable, empty, lacks a column, or names a picture twice.
    """
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
    rows_per_image = table[required[0]].value_counts()
    repeated = rows_per_image[rows_per_image > 1]
    if not repeated.empty:
        others = f" ({len(repeated)} images stand in several)" if len(repeated) > 1 else ""
        raise DatasetError(
            f"{path}: {repeated.index[0]!r} stands in {repeated.iloc[0]} rows{others}; keep one row each."
        )
    return table
