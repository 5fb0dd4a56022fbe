"""Layouts in which a table says what a picture shows."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from leafcore.data.labels import label_name, label_set
from leafcore.data.listing import Entry, Listing, leads_outside
from leafcore.data.manifest import Skipped
from leafcore.data.mapping import Columns, locate
from leafcore.data.source_splits import split_names
from leafcore.errors import DatasetError

OPTIONAL = ("group", "split")  # columns that a table of any layout may have
ONE_HOT_2020 = ("healthy", "multiple_diseases", "rust", "scab")
CASSAVA_MAP = "label_num_to_disease_map.json"


def read_plant_pathology_2021(path: Path) -> Listing:
    """Read Plant Pathology 2021's layout: a table `image,labels` (labels separated by spaces) and a folder of pictures.

    A column `group`, if there is one, says which pictures belong together, and a column `split` where the source has
    put them: so for every layout that has a table.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: The table is missing, unreadable, empty, or lacks a column.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, ("image", "labels"))
    return _listing(table_path, table, _folder_of(table_path.parent) + table["image"], table["labels"])


def read_plant_pathology_2020(path: Path) -> Listing:
    """Read Plant Pathology 2020's layout: `image_id` and a column of 0 and 1 per label, pictures in `images/`.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: As `read_plant_pathology_2021`; or a cell is neither 0 nor 1.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, ("image_id", *ONE_HOT_2020))
    labels = [column for column in table.columns if column not in {"image_id", *OPTIONAL}]
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
    return _listing(table_path, table, _folder_of(table_path.parent) + table["image_id"] + ".jpg", names)


def read_cassava(path: Path) -> Listing:
    """Read Cassava's layout: `image_id,label` with numbers, and a JSON file that names them.

    Args:
        path: The table, or the folder that holds `train.csv`.

    Raises:
        DatasetError: As `read_plant_pathology_2021`; or the names are missing or do not cover a number.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, ("image_id", "label"))
    names = read_cassava_names(table_path.parent)
    unknown = sorted(set(table["label"]) - names.keys())
    if unknown:
        raise DatasetError(f"{table_path}: got label {unknown[0]!r}, expected one of {', '.join(sorted(names))}.")
    images = _folder_of(table_path.parent) + table["image_id"]
    return _listing(table_path, table, images, table["label"].map(names))


def read_cassava_names(folder: Path) -> dict[str, str]:
    """Return what each number of Cassava's table means, by the JSON file beside it.

    Raises:
        DatasetError: There is no such file, or it says something else.
    """
    path = folder / CASSAVA_MAP
    try:
        return {str(int(number)): label_name(str(name)) for number, name in json.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no such file; it says which disease each number means.") from None
    except (ValueError, AttributeError):  # no JSON, no object, a key that is no number
        raise DatasetError(f'{path}: expected JSON such as {{"0": "healthy"}}.') from None


def read_mapped(path: Path, columns: Columns) -> Listing:
    """Read any table whose columns the user has named.

    The pictures are looked for below the table's folder and in the folders beside it; an ending that the table leaves
    out is found. Labels are separated by commas, semicolons or plus signs, or by spaces: see `_label_sets`.

    Args:
        path: The table, or a folder that holds one.
        columns: What its columns say.

    Raises:
        DatasetError: As `read_plant_pathology_2021`; or a row's split is none.
    """
    table_path = _table_in(path)
    table = read_frame(table_path, columns.named)
    before, after, _ = locate(table_path.parent, table[columns.image].tolist())
    images = before + table[columns.image] + after
    named = {"group": columns.group, "split": columns.split}
    table = table.assign(**{name: table[column] if column else "" for name, column in named.items()})
    return _listing(table_path, table, images, _label_sets(table[columns.labels]))


def _label_sets(cells: pd.Series) -> list[str]:
    """Return label sets from somebody's cells, where a space may separate labels or be part of one, "leaf rust".

    It separates them if the column has no other separator and each word that it separates is also a cell of its own.
    """
    other = r"[,;+|]"
    if not cells.str.contains(other).any():
        alone = {cell.strip() for cell in cells}
        if all(word in alone for cell in alone for word in cell.split()):
            return cells.tolist()
    return [" ".join(label_name(name) for name in re.split(other, cell) if name.strip()) for cell in cells]


def find_table(path: Path) -> Path | None:
    """Return the table that a source is or holds: itself, its `train.csv` or its only CSV file; None if it has none."""
    if path.is_file():
        return path if path.suffix.lower() == ".csv" else None
    if (path / "train.csv").is_file():
        return path / "train.csv"
    tables = [child for child in path.iterdir() if child.suffix.lower() == ".csv" and not child.name.startswith(".")]
    return tables[0] if len(tables) == 1 else None


def _table_in(path: Path) -> Path:
    if path.is_dir():
        return find_table(path) or path / "train.csv"
    return path


def _folder_of(root: Path) -> str:
    """Return where pictures lie that a known layout names: in a folder of its own, if there is one."""
    return next((f"{name}/" for name in ("train_images", "images") if (root / name).is_dir()), "")


def _listing(path: Path, table: pd.DataFrame, images: Iterable[str], labels: Iterable[str]) -> Listing:
    """Return a table's entries; a row without a label, or one that leads out of the folder, is skipped."""
    entries, skipped = [], []
    groups = table["group"] if "group" in table.columns else [""] * len(table)
    splits = split_names(table["split"], f"{path}, column split") if "split" in table.columns else [""] * len(table)
    for image, names, group, split in zip(images, labels, groups, splits, strict=True):
        shown = label_set(names)
        if not shown:
            skipped.append(Skipped(image=image, reason="no label in the table"))
        elif leads_outside(image):
            skipped.append(Skipped(image=image, reason="leads out of the dataset's folder"))
        else:
            entries.append(Entry(image, shown, group=group, split=split))
    return Listing(path.parent, entries, skipped)


def read_head(path: Path, rows: int | None) -> pd.DataFrame:
    """Read the first rows of a table, all for None, as text.

    Raises:
        DatasetError: It is missing or no table.
    """
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, nrows=rows)
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no such table.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: not a table that can be read ({str(error).strip()}); expected CSV in UTF-8."
        ) from None


def read_frame(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a table of text with one row per picture.

    Args:
        path: A CSV file in UTF-8.
        required: The columns it must have; the first names the picture.

    Raises:
        DatasetError: It is missing, unreadable, empty, lacks a column, or names a picture twice.
    """
    table = read_head(path, rows=None)
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
