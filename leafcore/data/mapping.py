"""Which column of somebody's table says what: guessed from the names of the columns and from what stands in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from leafcore.data.source_splits import split_name
from leafcore.images import SUFFIXES

SAMPLE = 50  # names that are looked for on the disk
MAX_FOLDERS = 100
MOST_LABELS = 200
NAMES = {
    "image": {"image", "images", "img", "file", "filename", "path", "picture", "photo", "id", "name"},
    "labels": {"label", "labels", "class", "classes", "disease", "diseases", "category", "diagnosis", "target"},
    "group": {"group", "leaf", "plant", "tree", "field", "farm", "site", "plot", "session", "source", "series"},
}


@dataclass(frozen=True)
class Columns:
    """Which column of a table says what.

    Attributes:
        image: The picture's file.
        labels: What it shows.
        group: What it belongs together with; empty for none.
        split: Which split the source has put it in; empty for none.
    """

    image: str = ""
    labels: str = ""
    group: str = ""
    split: str = ""

    @property
    def named(self) -> list[str]:
        """The columns that are named, in that order."""
        return [name for name in (getattr(self, field.name) for field in fields(self)) if name]


def guess_columns(table: pd.DataFrame, found: Mapping[str, float]) -> Columns:
    """Guess what the columns of a table say.

    Args:
        table: Text, a row per picture; a few hundred rows are enough.
        found: Per column, the share of its values that name an existing file, 0 to 1.

    Returns:
        The guess; a part that no column looks like is empty.
    """
    open_columns = [str(name) for name in table.columns]

    def take(scores: Mapping[str, float]) -> str:
        best = max(open_columns, key=lambda name: scores.get(name, 0.0), default="")
        if scores.get(best, 0.0) <= 0.0:
            return ""
        open_columns.remove(best)
        return best

    image = take({name: _image_score(name, table[name], found.get(name, 0.0)) for name in open_columns})
    split = take({name: float(_is_split(table[name])) for name in open_columns})
    labels = take({name: _label_score(name, table[name]) for name in open_columns})
    group = take({name: _group_score(name, table[name]) for name in open_columns})
    return Columns(image, labels, group, split)


def _image_score(name: str, values: pd.Series, found: float) -> float:
    """Score files that exist over names that end like pictures, those over a telling name, that over all distinct."""
    ending = values.str.lower().str.endswith(tuple(SUFFIXES)).mean()
    return 8 * found + 4 * float(ending) + 2 * _is_named(name, "image") + 0.5 * float(values.is_unique)


def _is_split(values: pd.Series) -> bool:
    words = {split_name(value) for value in values.unique()}
    return None not in words and len(words - {""}) > 0


def _label_score(name: str, values: pd.Series) -> float:
    """Score a telling name, then words that come back often; numbers that are no names score least."""
    distinct = values[values != ""].nunique()
    if distinct == 0 or distinct > MOST_LABELS:
        return 0.0
    comes_back = 1.0 - distinct / len(values)
    is_number = values.str.fullmatch(r"[-+]?\d*\.?\d+").mean() > 0.5
    is_constant = distinct == 1
    return 2 * _is_named(name, "labels") + comes_back * (0.1 if is_number or is_constant else 1.0)


def _group_score(name: str, values: pd.Series) -> float:
    """Score a column with a telling name by how often its values come back; no measurement, and nothing else."""
    distinct = values.nunique()
    is_measured = values.str.fullmatch(r"[-+]?\d*\.\d+").any()
    return 1.0 - distinct / len(values) if _is_named(name, "group") and distinct > 2 and not is_measured else 0.0


def _is_named(name: str, part: str) -> bool:
    return bool(set(re.split(r"[^a-z]+", name.lower())) & NAMES[part])


def locate(root: Path, names: Sequence[str]) -> tuple[str, str, float]:
    """Look for the files that a table names, beside it or in a folder there, with the ending that it leaves out.

    Args:
        root: The table's folder.
        names: As the table has them; some of them are looked for.

    Returns:
        What goes before and after each name ("photos/", ".jpg"; both may be empty), and the share that is there then.
    """
    sample = [name for name in names[:: max(1, len(names) // SAMPLE)][:SAMPLE] if name]
    folders = sorted(child.name for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))
    best = ("", "", 0.0)
    for ending in ("", ".jpg", *sorted(SUFFIXES - {".jpg"}), ".JPG"):
        for before in ("", *(f"{name}/" for name in folders[:MAX_FOLDERS])):
            hits = sum(_is_file(root / f"{before}{name}{ending}") for name in sample) / max(1, len(sample))
            if hits > best[2]:
                best = (before, ending, hits)
        if best[2] > 0.5:
            break
    return best


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a cell may hold what is no path at all
        return False
