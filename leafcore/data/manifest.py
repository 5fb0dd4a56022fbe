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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from leafcore.data.classes import Classes, LabelPolicy
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
    "taken": "string",  # day the picture was taken, such as 2021-05-31; empty if the file does not say
    "camera": "string",  # that took it, such as Canon EOS 5D; empty if the file does not say
}
LATER = ("phash", "traits", "taken", "camera")  # columns that older versions lack


class Skipped(BaseModel):
    """A file that is not in the dataset, and why."""

    model_config = ConfigDict(frozen=True)

    image: str
    reason: str


class Decision(BaseModel):
    """What a person decided about a picture.

    Attributes:
        image: Its path below the root.
        action: Take it out, give it other labels, leave it as it is although something spoke against it, move it to
            another split or group, or tag it.
        labels: The new label set, where it is relabelled.
        why: What was found, such as "identical to rust/7.jpg".
        tag: The tag, where it is tagged.
        split: The new split, where it is moved; empty if it stays in its own.
        group: The new group, where it is moved; empty if it stays in its own.
        when: Seconds since 1970; the same for all that was decided at once, and is undone at once. 0 in old cards.
        version: The version that was looked at; empty in old cards.
    """

    model_config = ConfigDict(frozen=True)

    image: str
    action: Literal["exclude", "relabel", "keep", "move", "tag"]
    labels: str = ""
    why: str = ""
    tag: str = ""
    split: Literal["", "train", "val", "test"] = ""
    group: str = ""
    when: float = 0.0
    version: str = ""


class Card(BaseModel):
    """How a version came to be.

    Attributes:
        label_policy: How classifiers treat pictures of several labels; part of the version.
        parent: The version that it was edited from; empty for an import.
        decisions: What was decided about single pictures, in this version and those before it.
        alike: Pairs of pictures that showed the same photograph in two files when they were imported.
    """

    model_config = ConfigDict(frozen=True)

    root: str
    source: str
    format: str
    license: str
    created: float
    settings: dict[str, bool | str | int | float | None] = {}
    label_policy: LabelPolicy = "multi-label"
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    parent: str = ""
    decisions: tuple[Decision, ...] = ()
    alike: tuple[tuple[str, str], ...] = ()


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

    def classes(self, more: Iterable[str] = ()) -> Classes:
        """Return what a classifier of these pictures tells apart.

        Args:
            more: Label sets of synthetic pictures that join.

        Raises:
            DatasetError: One of those has several labels, and this version keeps pictures of one only.
        """
        return Classes.of(self.card.label_policy, [*self.label_sets, *more])

    @cached_property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """The pictures of each tag, sorted."""
        there = set(self.records["image"])
        tagged = [one for one in self.card.decisions if one.action == "tag" and one.image in there]
        return {
            tag: tuple(sorted({one.image for one in tagged if one.tag == tag}))
            for tag in sorted({one.tag for one in tagged})
        }

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


def version_of(records: pd.DataFrame, policy: LabelPolicy = "multi-label") -> str:
    """Return the first 12 hex digits of the SHA-256 over each picture, where it belongs, and the policy."""
    digest = hashlib.sha256(b"" if policy == "multi-label" else policy.encode())
    columns = [records[name].astype(str).tolist() for name in ("image", "labels", "group", "split", "sha256")]
    for row in zip(*columns, strict=True):
        digest.update("\t".join(row).encode() + b"\n")
    return digest.hexdigest()[:12]


def save(workspace: Workspace, name: str, records: pd.DataFrame, card: Card) -> Dataset:
    """Write a version and make it the current one.

    The same content has the same version: its table is written once (and again if it lacks a later column), its card
    anew, for the pictures may have moved. An edit that leads back to an earlier content keeps that version's parent, so
    that no version descends from itself.

    Args:
        workspace: Where it goes.
        name: The dataset's name.
        records: The pictures; sorted by path and typed as in `COLUMNS` before hashing.
        card: How it came to be.
    """
    folder = workspace.dataset(check_name(name, "dataset"))
    records = _with_later_columns(records).sort_values("image", ignore_index=True)[list(COLUMNS)].astype(COLUMNS)
    version = version_of(records, card.label_policy)
    table = folder / f"{version}.parquet"
    if card.parent:
        earlier = {ref: older.parent for ref, older in ancestors(workspace, name, card.parent)}
        card = card.model_copy(update={"parent": earlier.get(version, card.parent)})
    write_card(workspace, name, version, card)
    if not table.exists() or not set(COLUMNS) <= set(pq.read_schema(table).names):
        write_atomic(table, lambda file: records.to_parquet(file, index=False))
    make_current(workspace, name, version)
    return Dataset(name, version, records, card)


def read_card(workspace: Workspace, name: str, version: str) -> Card:
    """Read how a version came to be.

    Raises:
        FileNotFoundError: There is no such version.
    """
    return Card.model_validate(read_json(workspace.dataset(name) / f"{version}.json"))


def write_card(workspace: Workspace, name: str, version: str, card: Card) -> None:
    """Write how a version came to be."""
    write_json(workspace.dataset(name) / f"{version}.json", card.model_dump(mode="json"))


def ancestors(workspace: Workspace, name: str, version: str) -> Iterator[tuple[str, Card]]:
    """Yield a version and those it was edited from, newest first, each with its card; it ends where one is gone."""
    met: set[str] = set()
    while version and version not in met:
        met.add(version)
        try:
            card = read_card(workspace, name, version)
        except FileNotFoundError:
            return
        yield version, card
        version = card.parent


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
    card = read_card(workspace, name, version)
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
