"""The layouts that datasets come in, by name, and how each is told from the others. Nothing is decoded or copied."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from leafcore.data.folders import looks_like_domains, read_domains, read_folders
from leafcore.data.listing import Listing
from leafcore.data.tables import (
    CASSAVA_MAP,
    find_table,
    read_cassava,
    read_plant_pathology_2020,
    read_plant_pathology_2021,
)
from leafcore.errors import DatasetError

Format = Literal["auto", "folders", "domains", "plant-pathology-2021", "plant-pathology-2020", "cassava"]

READERS: dict[str, Callable[[Path], Listing]] = {
    "folders": read_folders,
    "domains": read_domains,
    "plant-pathology-2021": read_plant_pathology_2021,
    "plant-pathology-2020": read_plant_pathology_2020,
    "cassava": read_cassava,
}
assert {"auto", *READERS} == set(get_args(Format))


def detect(path: Path) -> str:
    """Return the key of `READERS` that a folder or file looks like.

    Raises:
        DatasetError: There is nothing there, or nothing that is known.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder.")
    if path.is_dir():
        if (path / "train.csv").is_file():
            return _detect_table(path / "train.csv")
        if looks_like_domains(path):
            return "domains"
        table = find_table(path)
        return (_known_layout(table) if table else "") or "folders"
    if path.suffix.lower() == ".csv":
        return _detect_table(path)
    raise DatasetError(f"{path}: got a {path.suffix or 'plain'} file, expected a folder, a CSV table, or a ZIP.")


def _detect_table(path: Path) -> str:
    """Tell a table's layout by its first line; what is wrong with it, its reader says."""
    return _known_layout(path) or "plant-pathology-2021"


def _known_layout(path: Path) -> str:
    """Return the layout that a table's first line names, empty if none."""
    try:
        columns = set(pd.read_csv(path, dtype=str, nrows=0, skipinitialspace=True).columns)
    except (OSError, ValueError):
        return ""
    if {"image_id", "label"} <= columns or (path.parent / CASSAVA_MAP).exists():
        return "cassava"
    if "image_id" in columns:
        return "plant-pathology-2020"
    return "plant-pathology-2021" if {"image", "labels"} <= columns else ""


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
