"""Changing a dataset: every change is a new version that knows its parent, so it can be undone and told apart."""

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import label_set
from leafcore.data.manifest import (
    Dataset,
    Decision,
    ancestors,
    load,
    make_current,
    pin,
    read_card,
    save,
    write_card,
)
from leafcore.data.notices import notices
from leafcore.errors import DatasetError
from leafcore.workspace import Workspace


class VersionDiff(BaseModel):
    """How one version differs from another.

    Attributes:
        added, removed: Pictures that only the later, only the earlier version has.
        relabelled: Pictures with other labels: before and after.
        moved: Pictures in another split: before and after.
        regrouped: How many pictures belong to another group.
    """

    model_config = ConfigDict(frozen=True)

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: dict[str, tuple[str, str]]
    moved: dict[str, tuple[str, str]]
    regrouped: int


# --- deciding ---------------------------------------------------------------------------------------------------------


def decide(workspace: Workspace, dataset: Dataset, decisions: Sequence[Decision]) -> Dataset:
    """Write a version in which decisions are carried out: one batch, which one `undo` takes back.

    Splits and groups change only where a picture is moved; who moves one names all of its group, see `data/fixes.py`.

    Args:
        workspace: Where the dataset is.
        dataset: The version that was looked at.
        decisions: Each about another picture; `when` and `version` are filled in here.

    Returns:
        The new version, now the current one; its card warns of what is still the matter. What only keeps or tags has
        the same content, and so the same version, and its card says so.

    Raises:
        DatasetError: Nothing was decided; a picture is not in the dataset, is decided about twice, gets no label or an
            empty tag; or no picture is left.
    """
    _require_sensible(dataset, decisions)
    decided = {"when": time.time(), "version": dataset.version}
    batch = tuple(decision.model_copy(update=decided) for decision in decisions)
    records = carry_out(dataset.records, batch)
    if records.empty:
        raise DatasetError(f"No picture of {dataset.ref} would be left; exclude fewer.")
    card = dataset.card.model_copy(
        update={
            "created": decided["when"],
            "parent": dataset.version,
            "decisions": (*dataset.card.decisions, *batch),
            "warnings": _warnings(records, dataset),
        }
    )
    return save(workspace, dataset.name, records, card)


def _warnings(records: pd.DataFrame, dataset: Dataset) -> tuple[str, ...]:
    """Return what a person should know of edited records; what the version before said may be mended by now."""
    if not dataset.card.warnings:
        return ()
    named = [image for pair in dataset.card.alike for image in pair]
    left = set(records.loc[records["image"].isin(named), "image"])
    alike = [pair for pair in dataset.card.alike if left.issuperset(pair)]
    return tuple(notices(records, skipped=dataset.card.skipped, alike=alike, is_tested=False))


def _require_sensible(dataset: Dataset, decisions: Sequence[Decision]) -> None:
    if not decisions:
        raise DatasetError(f"decisions: got none about {dataset.ref}, expected at least one.")
    images = pd.Index([decision.image for decision in decisions])
    unknown = images.difference(pd.Index(dataset.records["image"]), sort=False)
    if len(unknown):
        raise DatasetError(f"image: got {unknown[0]!r}, which is not in {dataset.ref}; look again at its pictures.")
    if not images.is_unique:
        raise DatasetError("image: two decisions are about the same picture; decide once.")
    for decision in decisions:
        if decision.action == "relabel" and not label_set(decision.labels):
            raise DatasetError(f"labels: got none for {decision.image}; exclude it, or say what it shows.")
        if decision.action == "tag" and not decision.tag.strip():
            raise DatasetError(f"tag: got an empty one for {decision.image}, expected a word.")


def carry_out(records: pd.DataFrame, decisions: Sequence[Decision]) -> pd.DataFrame:
    """Return records as decided, each column changed in one go; nothing is written."""
    by_action: dict[str, list[Decision]] = {}
    for decision in decisions:
        by_action.setdefault(decision.action, []).append(decision)
    moved = by_action.get("move", [])
    changes = {
        "labels": {one.image: label_set(one.labels) for one in by_action.get("relabel", [])},
        "split": {one.image: one.split for one in moved if one.split},
        "group": {one.image: one.group for one in moved if one.group},
    }
    changed = {
        column: records["image"].map(pd.Series(new, dtype="string")).fillna(records[column])
        for column, new in changes.items()
        if new
    }
    excluded = [one.image for one in by_action.get("exclude", [])]
    return records.assign(**changed)[~records["image"].isin(excluded)]


# --- going back -------------------------------------------------------------------------------------------------------


def lineage(workspace: Workspace, dataset: Dataset) -> list[str]:
    """Return the refs of a version and of those it was edited from, newest first."""
    return [f"{dataset.name}@{version}" for version, _ in ancestors(workspace, dataset.name, dataset.version)]


def last_decision(workspace: Workspace, dataset: Dataset) -> Decision | None:
    """Return a decision of the last edit; None if that was none, or another edit, such as a new split."""
    batch = _last_batch(dataset)
    return batch[-1] if batch and not _is_inherited(workspace, dataset, batch) else None


def can_undo(dataset: Dataset) -> bool:
    """Whether there is an edit of this version, or of what its card says, to take back."""
    return bool(dataset.card.parent or _last_batch(dataset))


def undo(workspace: Workspace, dataset: Dataset) -> Dataset:
    """Take the last edit back: go to the version before it, or strike decisions that changed no content off the card.

    The version that is left stays where it is.

    Raises:
        DatasetError: It was imported, not edited.
        NotFoundError: The version before it is gone.
    """
    batch, decisions = _last_batch(dataset), dataset.card.decisions
    if batch and not _is_inherited(workspace, dataset, batch):
        back, left = batch[0].version, decisions[: -len(batch)]
    elif dataset.card.parent:
        back, left = dataset.card.parent, None
    else:
        raise DatasetError(f"{dataset.ref} was imported as it is: there is nothing to undo.")
    pin(workspace, f"{dataset.name}@{back}")
    card = read_card(workspace, dataset.name, back)
    if left is not None and card.decisions != left:
        write_card(workspace, dataset.name, back, card.model_copy(update={"decisions": left}))
    make_current(workspace, dataset.name, back)
    return load(workspace, dataset.name)


def _last_batch(dataset: Dataset) -> tuple[Decision, ...]:
    """Return what was decided last, at once; nothing if an old card does not say when and about which version."""
    decisions = dataset.card.decisions
    if not decisions or not decisions[-1].version:
        return ()
    return tuple(decision for decision in decisions if decision.when == decisions[-1].when)


def _is_inherited(workspace: Workspace, dataset: Dataset, batch: Sequence[Decision]) -> bool:
    """Whether the version before knows of a batch already, so that the last edit was another: a new split, say."""
    if batch[0].version == dataset.card.parent:  # which made this version, unless it leaves content as it is
        return all(decision.action in {"keep", "tag"} for decision in batch)
    before = next(ancestors(workspace, dataset.name, dataset.card.parent), None)
    return before is not None and batch[-1] in before[1].decisions


def diff(before: Dataset, after: Dataset) -> VersionDiff:
    """Compare two versions of a dataset."""
    one, other = (dataset.records.set_index("image") for dataset in (before, after))
    both = one.index.intersection(other.index)
    old, new = one.loc[both], other.loc[both]

    def changed(column: str) -> dict[str, tuple[str, str]]:
        differs = np.asarray(old[column] != new[column], dtype=bool)
        pairs = zip(both[differs], old[column][differs], new[column][differs], strict=True)
        return {str(image): (str(was), str(now)) for image, was, now in pairs}

    return VersionDiff(
        added=tuple(sorted(other.index.difference(one.index))),
        removed=tuple(sorted(one.index.difference(other.index))),
        relabelled=changed("labels"),
        moved=changed("split"),
        regrouped=len(changed("group")),
    )
