"""The synthetic pictures that a comparison may learn from: not the children of pictures that judge."""

import json
from dataclasses import dataclass, replace

from leafcore.data.manifest import Dataset
from leafcore.data.seen import FILTERS, Seen, admit_unknown, load_seen, roles_of
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Children:
    """What a comparison takes of a synthetic set.

    Attributes:
        pictures: The set, without those whose source judges.
        seen: What the models and sources behind them have seen.
        left_out: How many pictures were left out.
        fingerprint: Of the set with these, see `SyntheticSet.fingerprint`.
    """

    pictures: SyntheticSet
    seen: Seen
    left_out: int
    fingerprint: str


def open_children(workspace: Workspace, run_id: str, dataset: Dataset) -> Children:
    """Return the pictures of a synthetic set whose sources are not in validation or test of a dataset.

    A source moves there with its group when a dataset is split again; what was made of it would then be learned from
    while it judges. Its generator may have seen it too, which the leak check tells.

    Args:
        workspace: Where the set is.
        run_id: The run that made it.
        dataset: Whose splits judge.

    Raises:
        NotFoundError: There is no such run, or it made no synthetic pictures.
        DatasetError: Some have no labels, or none is left.
    """
    whole = _labelled(open_synthetic_set(workspace, run_id))
    records = dataset.records
    judging = set(records.loc[records["split"] != "train", "sha256"]) - set(dataset.select(split="train")["sha256"])
    is_out = whole.manifest["source_sha256"].isin(judging).to_numpy(bool)
    if is_out.all():
        raise DatasetError(
            f"synthetic: the sources of all {len(is_out)} pictures of {run_id} are in validation or test of "
            f"{dataset.ref}; make pictures from its train split."
        )
    gone = set(whole.manifest.loc[is_out, "source_sha256"])
    pictures = replace(whole, manifest=whole.manifest[~is_out].reset_index(drop=True))
    seen = seen_by(pictures)
    if gone and "source" in seen:
        seen = {**seen, "source": [image for image in seen["source"] if image not in gone]}
    return Children(pictures, seen, int(is_out.sum()), whole.fingerprint)


def seen_by(pictures: SyntheticSet) -> Seen:
    """Return what stands behind a synthetic set, by role.

    Unknown where nobody wrote down the sources, or a role that a model of its recipe, or one that rejected pictures,
    must have.
    """
    steps = [step for chain in pictures.manifest["chain"].unique() for step in json.loads(chain)]
    roles = {role for step in steps for role in roles_of(step["recipe"])}
    others = [*(["source"] if pictures.has_sources else []), *(["teacher"] if pictures.has_teacher else [])]
    failed = {check for checks in pictures.rejected().get("failed", ()) for check in json.loads(checks)}
    others += [role for check, role in FILTERS.items() if check in failed]
    return admit_unknown(load_seen(pictures.folder), [*sorted(roles), *others], pictures.id)


def _labelled(pictures: SyntheticSet) -> SyntheticSet:
    """Refuse a set of which nobody knows what it shows."""
    if not pictures.has_labels:
        raise DatasetError(
            f"synthetic: {pictures.id} holds pictures without labels, for an unconditional model made them; "
            "pseudo-label them first, or choose a set of one label, or of a class-conditional model."
        )
    return pictures
