"""Seeing what a source is before it is imported: its layout and how much of what it names. No picture is opened."""

import tempfile
from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from leafcore.data.archives import begin, outline
from leafcore.data.formats import detect, read
from leafcore.data.listing import Listing
from leafcore.data.mapping import Columns, guess_columns, locate
from leafcore.data.tables import find_table, read_head, read_mapped
from leafcore.errors import DatasetError

ROWS = 5  # shown to a person
HEAD = 1000  # rows that a guess looks at


class Table(BaseModel):
    """A table in a source.

    Attributes:
        name: Its file's name.
        columns: Its columns.
        rows: Its first rows.
        guess: What its columns probably say.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    guess: Columns


class Peek(BaseModel):
    """What a source is.

    Attributes:
        format: Its layout, a key of `READERS`; "table" for columns that were named; empty if it is none.
        pictures: How many pictures it names.
        label_sets: How many of each label set, most first.
        splits: How many are in each split that the source has made; empty if it has made none.
        groups: How many groups the source names; 0 if it names none.
        skipped: How many files are passed over.
        problem: Why it cannot be read so; empty if it can.
        table: The table in it, None if there is none.
    """

    model_config = ConfigDict(frozen=True)

    format: str = ""
    pictures: int = 0
    label_sets: dict[str, int] = {}
    splits: dict[str, int] = {}
    groups: int = 0
    skipped: int = 0
    problem: str = ""
    table: Table | None = None


def peek(source: Path, columns: Columns | None = None) -> Peek:
    """Look at a source.

    Args:
        source: A folder, a table or a ZIP.
        columns: What the columns of its table say; None to read it by its layout.

    Raises:
        DatasetError: There is nothing there, or it is a ZIP that cannot be unpacked.
    """
    source = source.expanduser().resolve()
    if source.suffix.lower() != ".zip" or not source.is_file():
        return _peek(source, columns)
    with tempfile.TemporaryDirectory(prefix="leaf-peek-") as folder:
        outline(source, Path(folder))
        found = _peek(begin(Path(folder)), columns)
        return found.model_copy(update={"problem": found.problem.replace(folder, source.name)})


def _peek(path: Path, columns: Columns | None) -> Peek:
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder.")
    table = _table(path)
    try:
        layout = "table" if columns else detect(path)
        listing = read_mapped(path, columns) if columns else read(path, layout)
    except DatasetError as error:
        return Peek(problem=str(error), table=table)
    return _counted(layout, listing, table)


def _counted(layout: str, listing: Listing, table: Table | None) -> Peek:
    entries = listing.entries
    return Peek(
        format=layout,
        pictures=len(entries),
        label_sets=dict(Counter(entry.labels for entry in entries).most_common()),
        splits=dict(Counter(entry.split for entry in entries if entry.split).most_common()),
        groups=len({entry.group for entry in entries if entry.group}),
        skipped=len(listing.skipped),
        table=table,
    )


def _table(path: Path) -> Table | None:
    file = find_table(path)
    if file is None:
        return None
    try:
        head = read_head(file, HEAD)
    except DatasetError:  # its reader says what is wrong with it
        return None
    found = {str(name): locate(file.parent, head[name].tolist())[2] for name in head.columns}
    rows = tuple({str(key): str(value) for key, value in row.items()} for row in head.head(ROWS).to_dict("records"))
    return Table(
        name=file.name,
        columns=tuple(str(name) for name in head.columns),
        rows=rows,
        guess=guess_columns(head, found),
    )
