"""The arms of a comparison: the same test split, the same steps, other training pictures."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from leafcore.data.classes import Classes
from leafcore.data.manifest import Dataset, Split, load
from leafcore.data.pixels import image_pixels
from leafcore.data.seen import Seen, admit_unknown, load_seen, merge, roles_of
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set
from leafcore.data.transforms import load_size
from leafcore.errors import DatasetError
from leafcore.evaluate.configs import Arm, EvaluateConfig
from leafcore.progress import Progress
from leafcore.train.classifier import LabelledImages
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Material:
    """Everything a comparison is made of.

    Attributes:
        dataset: The real pictures.
        classes: What the classifiers tell apart, in the order of the targets' columns.
        train: What each arm learns from.
        val: What its best epoch is chosen on.
        test: What it is judged on.
        test_records: The test split's records, in the order of `test`.
        seen: What the models and sources behind the synthetic pictures have seen.
        synthetic: How many synthetic pictures there are.
    """

    dataset: Dataset
    classes: Classes
    train: dict[Arm, LabelledImages]
    val: LabelledImages
    test: LabelledImages
    test_records: pd.DataFrame
    seen: Seen
    synthetic: int


def load_material(config: EvaluateConfig, workspace: Workspace, progress: Progress) -> Material:
    """Decode what the arms train on and are judged by.

    Raises:
        DatasetError: A split is empty, a run holds no synthetic pictures, some without labels, or some that the label
            policy leaves out.
        NotFoundError: A dataset or run is unknown.
    """
    dataset = load(workspace, config.dataset)
    added = [_labelled(open_synthetic_set(workspace, run_id)) for run_id in config.synthetic]
    synthetic_sets = [str(labels) for pictures in added for labels in pictures.manifest["labels"]]
    classes = dataset.classes(synthetic_sets)
    load_px = load_size(config.size_px)

    def real(split: Split, size_px: int) -> tuple[LabelledImages, pd.DataFrame]:
        records = dataset.select(split=split)
        if records.empty:
            raise DatasetError(f"dataset: {dataset.ref} has no {split} picture; import it again with a larger share.")
        pixels = image_pixels(workspace, dataset.paths(records), size_px, progress)
        return LabelledImages([pixels], classes.encode(list(records["labels"]))), records

    train, _ = real("train", load_px)
    val, _ = real("val", config.size_px)
    test, test_records = real("test", config.size_px)
    files = [path for pictures in added for path in pictures.paths()]
    extra = image_pixels(workspace, files, load_px, progress)
    more = LabelledImages([*train.images, extra], np.concatenate([train.targets, classes.encode(synthetic_sets)]))
    return Material(
        dataset=dataset,
        classes=classes,
        train={"real": train, "real_plus_synthetic": more},
        val=val,
        test=test,
        test_records=test_records,
        seen=merge(*(seen_by(pictures) for pictures in added)),
        synthetic=len(files),
    )


def _labelled(pictures: SyntheticSet) -> SyntheticSet:
    """Refuse a set of which nobody knows what it shows."""
    if not pictures.has_labels:
        raise DatasetError(
            f"synthetic: {pictures.id} holds pictures without labels, for an unconditional model made them; "
            "pseudo-label them first, or choose a set of one label, or of a class-conditional model."
        )
    return pictures


def seen_by(pictures: SyntheticSet) -> Seen:
    """Return what stands behind a synthetic set, by role.

    Unknown where nobody wrote down the sources, or a role that a model of its recipe must have.
    """
    steps = [step for chain in pictures.manifest["chain"].unique() for step in json.loads(chain)]
    roles = {role for step in steps for role in roles_of(step["recipe"])}
    others = [*(["source"] if pictures.has_sources else []), *(["teacher"] if pictures.has_teacher else [])]
    return admit_unknown(load_seen(pictures.folder), [*sorted(roles), *others], pictures.id)
