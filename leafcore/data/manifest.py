"""A dataset: a table of pictures that stay where they are, in immutable versions.

```
datasets/<name>/
  <version>.parquet     the manifest: one row, a record, per picture
  <version>.json        the card: where it came from, what was skipped, how it was split
  current               the version that a bare name means
```

A version is the hash of its content, so the same content has the same version on every machine.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import label_set, require_known, split_labels
from leafcore.errors import DatasetError, NotFoundError
from leafcore.files import read_json, write_atomic, write_bytes, write_json
from leafcore.workspace import Workspace, check_name

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

COLUMNS = {
    "image": "string",  # path below the dataset's root, with forward slashes; unique
    "labels": "string",  # label set, see data/labels.py
    "group": "string",  # pictures of one leaf, plant or duplicate cluster share it
    "split": "string",  # train, val or test; the same for a whole group
    "sha256": "string",  # of the file; of the drawing's recipe where our own code drew it
    "width": "int32",  # px
    "height": "int32",  # px
    "bytes": "int64",  # of the file
    "mask": "string",  # path of an exact mask below the root; empty if there is none
    "phash": "string",  # perceptual hash, 16 hex digits; empty if it was not taken, see data/duplicates.py
    "traits": "string",  # what is odd about the file, in words with spaces between: see data/traits.py
}
LATER = ("phash", "traits")  # columns that older versions lack


class Skipped(BaseModel):
    """A file that is not in the dataset, and why."""

    model_config = ConfigDict(frozen=True)

    image: str
    reason: str


class Decision(BaseModel):
    """What a person decided about a picture.

    Attributes:
        image: Its path below the root.
        action: Take it out, give it other labels, leave it as it is although something spoke against it, or tag it.
        labels: The new label set, where it is relabelled.
        why: What was found, such as "identical to rust/7.jpg".
        tag: The tag, where it is tagged.
    """

    model_config = ConfigDict(frozen=True)

    image: str
    action: Literal["exclude", "relabel", "keep", "tag"]
    labels: str = ""
    why: str = ""
    tag: str = ""


class Card(BaseModel):
    """How a version came to be.

    Attributes:
        parent: The version that it was edited from; empty for an import.
        decisions: What was decided about single pictures, in this version and those before it.
    """

    model_config = ConfigDict(frozen=True)

    root: str
    source: str
    format: str
    license: str
    created: float
    settings: dict[str, str | int | float | None] = {}
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    parent: str = ""
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One version of a dataset.

    Attributes:
        name: Its name in the workspace.
        version: The hash of its content, 12 hex digits.
        records: One row per picture, columns as in `COLUMNS`.
        card: How it came to be.
    """

    name: str
    version: str
    records: pd.DataFrame
    card: Card

    @property
    def ref(self) -> str:
        """`name@version`: what configs record."""
        return f"{self.name}@{self.version}"

    @property
    def root(self) -> Path:
        """The folder that the records' paths start from."""
        return Path(self.card.root)

    @cached_property
    def label_sets(self) -> dict[str, int]:
        """How many pictures have exactly these labels, most first."""
        counts = self.records["labels"].value_counts()
        return {str(name): int(count) for name, count in counts.items()}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The single labels that occur, sorted."""
        return tuple(sorted({label for labels in self.label_sets for label in split_labels(labels)}))

    @property
    def is_multi_label(self) -> bool:
        """Whether any picture has more than one label."""
        return any(" " in labels for labels in self.label_sets)

    def select(self, *, split: Split | None = None, labels: str | None = None) -> pd.DataFrame:
        """Return the records of a split, of exactly one label set, or of both.

        Raises:
            DatasetError: No picture has exactly these labels.
        """
        records = self.records
        if labels is not None:
            wanted = require_known(labels, self.label_sets, self.ref)
            records = records[records["labels"] == wanted]
        if split is not None:
            records = records[records["split"] == split]
        return records

    def rows(self, records: pd.DataFrame | None = None) -> list[dict[str, Any]]:
        """Return records (all of them if None) as plain dicts, one per picture."""
        table = self.records if records is None else records
        return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]

    def paths(self, records: pd.DataFrame, column: str = "image") -> list[Path]:
        """Return where the pictures (or `column="mask"`: the exact masks) of some records are."""
        return [self.root / name for name in records[column]]


def version_of(records: pd.DataFrame) -> str:
    """Return the first 12 hex digits of the SHA-256 over what each picture is and where it belongs."""
    digest = hashlib.sha256()
    columns = [records[name].astype(str).tolist() for name in ("image", "labels", "group", "split", "sha256")]
    for row in zip(*columns, strict=True):
        digest.update("\t".join(row).encode() + b"\n")
    return digest.hexdigest()[:12]


def save(workspace: Workspace, name: str, records: pd.DataFrame, card: Card) -> Dataset:
    """Write a version and make it the current one.

    The same content has the same version: its table is written once, its card anew, for the pictures may have moved.

    Args:
        workspace: Where it goes.
        name: The dataset's name.
        records: The pictures; sorted by path and typed as in `COLUMNS` before hashing.
        card: How it came to be.
    """
    folder = workspace.dataset(check_name(name, "dataset"))
    records = _with_later_columns(records).sort_values("image", ignore_index=True)[list(COLUMNS)].astype(COLUMNS)
    version = version_of(records)
    table = folder / f"{version}.parquet"
    write_json(folder / f"{version}.json", card.model_dump(mode="json"))
    if not table.exists():
        write_atomic(table, lambda file: records.to_parquet(file, index=False))
    make_current(workspace, name, version)
    return Dataset(name, version, records, card)


def make_current(workspace: Workspace, name: str, version: str) -> None:
    """Make a version the one that a bare name means."""
    write_bytes(workspace.dataset(name) / "current", version.encode())


def load(workspace: Workspace, ref: str) -> Dataset:
    """Read a dataset.

    Args:
        workspace: Where to look.
        ref: `name` for the current version, or `name@version`.

    Raises:
        NotFoundError: There is no such dataset or version.
    """
    name, version = pin(workspace, ref).split("@")
    folder = workspace.dataset(name)
    card = Card.model_validate(read_json(folder / f"{version}.json"))
    return Dataset(name, version, _with_later_columns(pd.read_parquet(folder / f"{version}.parquet")), card)


def _with_later_columns(records: pd.DataFrame) -> pd.DataFrame:
    missing = {name: pd.Series("", index=records.index, dtype="string") for name in LATER if name not in records}
    return records.assign(**missing) if missing else records


def pin(workspace: Workspace, ref: str) -> str:
    """Return `name@version` for a name, so that what a run means never changes.

    Raises:
        NotFoundError: There is no such dataset or version.
    """
    name, _, version = ref.partition("@")
    folder = workspace.dataset(name)
    if not version:
        try:
            version = (folder / "current").read_text().strip()
        except FileNotFoundError:
            known = ", ".join(list_datasets(workspace)) or "none yet"
            raise NotFoundError(
                f"dataset: got {name!r}, known in {workspace.root}: {known}. "
                "`python -m leafcore import PATH --name NAME` adds one."
            ) from None
    if not (folder / f"{check_name(version, 'version')}.parquet").exists():
        raise NotFoundError(
            f"dataset: {name!r} has no version {version!r}; known: {', '.join(versions(workspace, name)) or 'none'}."
        )
    return f"{name}@{version}"


def list_datasets(workspace: Workspace) -> list[str]:
    """Return the names of all datasets."""
    return sorted(path.parent.name for path in workspace.datasets.glob("*/current"))


def versions(workspace: Workspace, name: str) -> list[str]:
    """Return the versions of a dataset, oldest first."""
    tables = sorted(workspace.dataset(name).glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    return [path.stem for path in tables]


def domain(dataset: Dataset, labels: str, split: Split) -> pd.DataFrame:
    """Return the records of a domain in a split.

    Raises:
        DatasetError: No picture has these labels, or none of them is in that split.
    """
    records = dataset.select(split=split, labels=labels)
    if records.empty:
        raise DatasetError(
            f"label: {label_set(labels)!r} has no {split} image in {dataset.ref}; "
            "import more pictures of it or split again."
        )
    return records
