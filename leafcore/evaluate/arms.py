"""The arms of a comparison: the same test split, the same steps, other training pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd

from leafcore.data.classes import Classes
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset, Split, load
from leafcore.data.pixels import image_pixels
from leafcore.data.seen import Seen, merge
from leafcore.data.set_titles import set_titles
from leafcore.data.transforms import load_size
from leafcore.errors import DatasetError
from leafcore.evaluate.amounts import ALL, require_enough, take, wanted
from leafcore.evaluate.children import open_children
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.families import Family, find_families
from leafcore.evaluate.plans import Plan, plan_arms
from leafcore.progress import Progress
from leafcore.train.classifier import LabelledImages
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Share:
    """What an arm takes of the pictures that are there.

    Attributes:
        real: Positions in the real train pictures, rising.
        synthetic: Positions in the synthetic pictures of all sets, one set after another, rising.
        warnings: What the arm is not that its name says.
    """

    real: np.ndarray
    synthetic: np.ndarray
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """Everything a comparison is made of.

    Attributes:
        dataset: The real pictures.
        classes: What the classifiers tell apart, in the order of the targets' columns.
        plans: The arms, the baseline first.
        shares: What each arm learns from, in numbers.
        train: What each arm learns from.
        val: What its best epoch is chosen on.
        test: What it is judged on.
        test_records: The test split's records, in the order of `test`.
        seen: What the models and sources behind each synthetic set have seen.
        synthetic: How many synthetic pictures there are.
        left_out: How many more there would be, had their sources not come to judge; see `children.py`.
        fingerprints: Of each synthetic set's pictures, by run; see `SyntheticSet.fingerprint`.
        families: Which sets come from generators trained alike, where each set has arms of its own.
    """

    dataset: Dataset
    classes: Classes
    plans: tuple[Plan, ...]
    shares: Mapping[str, Share]
    train: Mapping[str, LabelledImages]
    val: LabelledImages
    test: LabelledImages
    test_records: pd.DataFrame
    seen: tuple[Seen, ...]
    synthetic: int
    left_out: int = 0
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    families: tuple[Family, ...] = ()

    def seen_behind(self, sets: Sequence[int]) -> Seen:
        """Return what stands behind some of the synthetic sets, by role."""
        return merge(*(self.seen[index] for index in sets))


class PixelRows:
    """Some rows of an array of pictures, read only when they are asked for: the rest stays on the disk.

    Args:
        pixels: (N, L, L, 3) uint8.
        rows: (M,) int64 positions in it.
    """

    def __init__(self, pixels: np.ndarray, rows: np.ndarray) -> None:
        self._pixels, self._rows = pixels, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | np.ndarray) -> np.ndarray:
        picture: np.ndarray = self._pixels[self._rows[index]]
        return picture


def load_material(config: EvaluateConfig, workspace: Workspace, progress: Progress) -> Material:
    """Decode what the arms train on and are judged by.

    Raises:
        DatasetError: A split is empty, a run holds no synthetic pictures, some without labels, or some that the label
            policy leaves out; there are too few for a dose, or a rule adds none; sources are to be replaced, but there
            are none.
        NotFoundError: A dataset or run is unknown.
    """
    dataset = load(workspace, config.dataset)
    sets = [open_children(workspace, run_id, dataset) for run_id in config.synthetic]
    added = [children.pictures for children in sets]
    left_out = sum(children.left_out for children in sets)
    if left_out:
        progress.warn(
            f"Left out {left_out} synthetic pictures, for their sources are in validation or test of {dataset.ref}."
        )
    plans = plan_arms(config, list(set_titles(workspace, [pictures.id for pictures in added]).values()))
    manifest = pd.concat([pictures.manifest.assign(set=index) for index, pictures in enumerate(added)])
    synthetic_sets = [str(labels) for labels in manifest["labels"]]
    classes = dataset.classes(synthetic_sets)
    load_px = load_size(config.size_px)

    def real(split: Split, size_px: int) -> tuple[LabelledImages, pd.DataFrame]:
        records = dataset.select(split=split)
        if records.empty:
            raise DatasetError(f"dataset: {dataset.ref} has no {split} picture; import it again with a larger share.")
        pixels = image_pixels(workspace, dataset.paths(records), size_px, progress)
        return LabelledImages([pixels], classes.encode(list(records["labels"]))), records

    shares = {plan.id: share_of(plan, dataset.select(split="train"), manifest, config.seed) for plan in plans}
    for warning in (warning for share in shares.values() for warning in share.warnings):
        progress.warn(warning)
    train, _ = real("train", load_px)
    val, _ = real("val", config.size_px)
    test, test_records = real("test", config.size_px)
    extra = image_pixels(workspace, [path for pictures in added for path in pictures.paths()], load_px, progress)
    more = LabelledImages([extra], classes.encode(synthetic_sets))
    return Material(
        dataset=dataset,
        classes=classes,
        plans=plans,
        shares=shares,
        train={arm: _joined(train, more, share) for arm, share in shares.items()},
        val=val,
        test=test,
        test_records=test_records,
        seen=tuple(children.seen for children in sets),
        synthetic=len(manifest),
        left_out=left_out,
        fingerprints={children.pictures.id: children.fingerprint for children in sets},
        families=() if config.pooling == "pooled" else find_families(workspace, added),
    )


def share_of(plan: Plan, train: pd.DataFrame, manifest: pd.DataFrame, seed: int) -> Share:
    """Return what an arm takes of the pictures that are there.

    Args:
        plan: The arm.
        train: The records of the real train pictures.
        manifest: A row per synthetic picture of all sets; `set` says of which.
        seed: Of the order in which synthetic pictures join where not all do.

    Raises:
        DatasetError: There are too few synthetic pictures for a dose, or a dose or rule adds none; none of them has a
            source to be replaced.
    """
    at_hand = np.flatnonzero(manifest["set"].isin(plan.sets).to_numpy(bool))
    warnings: list[str] = []
    if plan.amount != ALL:
        labels = [str(one) for one in manifest["labels"].iloc[at_hand]]
        held = Counter(labels)
        asked = wanted(plan.amount, Counter(str(one) for one in train["labels"]), held)
        require_enough(plan.amount, asked, held)
        warnings += [
            f"{plan.title}: the rule asks for {count} synthetic pictures of {words(one)}, all {held[one]} were taken."
            for one, count in asked.items()
            if count > held[one]
        ]
        at_hand = at_hand[take(labels, asked, seed)]
    real = np.arange(len(train) if plan.real != "none" else 0)
    if plan.real == "no sources":
        real = _without_sources(plan, train, manifest.iloc[at_hand])
        lost = sorted(set(train["labels"]) - set(train["labels"].iloc[real]))
        warnings += [f"{plan.title}: no real train picture of {words(labels)} is left." for labels in lost]
    return Share(real, at_hand, tuple(warnings))


def _without_sources(plan: Plan, train: pd.DataFrame, children: pd.DataFrame) -> np.ndarray:
    """Return the positions of the train pictures that are no child's source."""
    sources = set(children["source_sha256"]) - {""}
    is_source = train["sha256"].isin(sources).to_numpy(bool)
    if not is_source.any():
        raise DatasetError(
            "arms: replaced leaves out the sources of synthetic pictures, but none of these has a source among "
            f"the train pictures ({plan.title}); leave that arm out, or choose translations."
        )
    return np.flatnonzero(~is_source)


def _joined(train: LabelledImages, more: LabelledImages, share: Share) -> LabelledImages:
    """Return an arm's own training pictures."""
    parts = [(part, rows) for part, rows in ((train, share.real), (more, share.synthetic)) if len(rows)]
    images = [
        part.images[0] if len(rows) == len(part) else cast(np.ndarray, PixelRows(part.images[0], rows))
        for part, rows in parts
    ]
    return LabelledImages(images, np.concatenate([part.targets[rows] for part, rows in parts]))
