"""Changing a dataset: every change is a new version that knows its parent, so it can be undone and told apart."""

import time
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from leafcore.data.labels import label_set
from leafcore.data.manifest import Dataset, Decision, load, make_current, save
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


def decide(workspace: Workspace, dataset: Dataset, decisions: Sequence[Decision]) -> Dataset:
    """Write a version in which decisions are carried out; splits stay as they are.

    Args:
        workspace: Where the dataset is.
        dataset: The version that was looked at.
        decisions: Each about another picture.

    Returns:
        The new version, now the current one. If only *keep* and *tag* were decided it has the same content, and so the
        same version, and its card says so.

    Raises:
        DatasetError: A picture is not in the dataset, is decided about twice, or gets no label; or no picture is left.
    """
    records = dataset.records.set_index("image", drop=False)
    images = [decision.image for decision in decisions]
    unknown = [image for image in images if image not in records.index]
    if unknown:
        raise DatasetError(f"image: got {unknown[0]!r}, which is not in {dataset.ref}; look again at its pictures.")
    if len(set(images)) < len(images):
        raise DatasetError("image: two decisions are about the same picture; decide once.")
    for decision in decisions:
        if decision.action == "relabel":
            if not label_set(decision.labels):
                raise DatasetError(f"labels: got none for {decision.image}; exclude it, or say what it shows.")
            records.loc[decision.image, "labels"] = label_set(decision.labels)
    kept = records.drop(index=[decision.image for decision in decisions if decision.action == "exclude"])
    if kept.empty:
        raise DatasetError(f"No picture of {dataset.ref} would be left; exclude fewer.")
    card = dataset.card.model_copy(
        update={
            "created": time.time(),
            "parent": dataset.version,
            "decisions": (*dataset.card.decisions, *decisions),
        }
    )
    if all(decision.action in {"keep", "tag"} for decision in decisions):
        card = card.model_copy(update={"parent": dataset.card.parent})
    return save(workspace, dataset.name, kept.reset_index(drop=True), card)


def lineage(workspace: Workspace, dataset: Dataset) -> list[str]:
    """Return the refs of a version and of those it was edited from, newest first."""
    refs, version = [dataset.ref], dataset.card.parent
    while version and f"{dataset.name}@{version}" not in refs:
        refs.append(f"{dataset.name}@{version}")
        version = load(workspace, refs[-1]).card.parent
    return refs


def undo(workspace: Workspace, dataset: Dataset) -> Dataset:
    """Make the version current again that another was edited from; the edited one stays where it is.

    Raises:
        DatasetError: It was imported, not edited.
    """
    if not dataset.card.parent:
        raise DatasetError(f"{dataset.ref} was imported as it is: there is nothing to undo.")
    make_current(workspace, dataset.name, dataset.card.parent)
    return load(workspace, dataset.name)


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
