"""A judge of generated pictures that was tried on real ones first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.manifest import Dataset, load
from leafcore.data.seen import UNKNOWN, Seen
from leafcore.errors import DatasetError, NotFoundError
from leafcore.images import load_square
from leafcore.measure.interpretation import Interpretation, Rate, interpret
from leafcore.measure.judge import Judge
from leafcore.workspace import Workspace

TRIED = 512  # real validation pictures at most
NO_JUDGE = "none"


@dataclass(frozen=True)
class Witness:
    """What says what a generator's pictures show.

    Attributes:
        judge: Names pictures; None where there is none that can be tried.
        name: What it is called; empty for none.
        accuracy: How often it names real validation pictures rightly.
        objection: Why there is none.
        learned: Pictures by label set that the generator learned from, as far as known.
        seen: What the judge itself has seen, by role.
    """

    judge: Judge | None
    name: str
    accuracy: Rate | None
    objection: str
    learned: dict[str, int]
    seen: Seen = field(default_factory=dict)

    def name_all(self, pictures: np.ndarray) -> list[str]:
        """Return the label set of each of (N, S, S, 3) uint8 pictures, one batch; none at all without a judge."""
        return self.judge(pictures) if self.judge else []

    def interpret(self, called: Sequence[str], made_as: Sequence[str]) -> Interpretation:
        """Say what pictures show.

        Args:
            called: As `name_all` returned them.
            made_as: The label set that each was made as; empty where none was asked for.
        """
        if self.accuracy is None:
            return Interpretation(judge=self.name, withheld=self.objection)
        return interpret(called, made_as, self.name, self.accuracy, self.learned)


def open_witness(workspace: Workspace, model: Checkpoint, judge: str, size_px: int, device: torch.device) -> Witness:
    """Try a judge on real pictures of what a generator learned from: validation pictures, at the generator's size.

    Args:
        workspace: Where the dataset is, and the judge.
        model: The generator.
        judge: A classifier, see `open_checkpoint`; "none" for none.
        size_px: The side of the generator's pictures.
        device: Where to compute.

    Raises:
        InputError: There is no such classifier, or it is none.
    """
    ref = str(model.card.description.get("dataset", ""))
    try:
        dataset = load(workspace, ref)
    except NotFoundError:
        return _without(f"the dataset {ref} that {model.name} learned from is not here, so that no judge can be tried")
    learned = _learned(dataset, model)
    return _try(workspace, dataset, judge, learned, size_px, device, learned=learned)


def open_witness_of_chain(
    workspace: Workspace, dataset: Dataset, judge: str, label_sets: Collection[str], size_px: int, device: torch.device
) -> Witness:
    """Try a judge on real validation pictures of what is told apart, as many of each label set.

    Args:
        workspace: Where the judge is.
        dataset: Of the sources.
        judge: A classifier, see `open_checkpoint`; "none" for none.
        label_sets: Of the sources, and of what is made of them.
        size_px: The side of the translations.
        device: Where to compute.

    Raises:
        InputError: There is no such classifier, or it is none.
    """
    return _try(workspace, dataset, judge, label_sets, size_px, device, alike=True)


def _try(
    workspace: Workspace,
    dataset: Dataset,
    judge: str,
    label_sets: Collection[str],
    size_px: int,
    device: torch.device,
    *,
    learned: dict[str, int] | None = None,
    alike: bool = False,
) -> Witness:
    """Try a judge on validation pictures of some label sets, of all if there are none; `alike`: as many of each."""
    ref = dataset.ref
    if judge == NO_JUDGE:
        return _without(f"there is no judge; train a classifier on {ref}, or name one", learned=learned)
    checkpoint = open_checkpoint(workspace, judge)
    held_out = dataset.select(split="val")
    seen = checkpoint.seen()
    if UNKNOWN in seen:
        why = f"nobody wrote down which pictures the judge {checkpoint.name} learned from"
        return _without(why, checkpoint.name, learned)
    held_out = held_out[~held_out["sha256"].isin(seen.get("classifier", ()))]
    held_out = held_out.iloc[np.random.default_rng(0).permutation(len(held_out))]
    if label_sets:  # how it does on others says nothing here
        held_out = held_out[held_out["labels"].isin(label_sets)]
    if alike and not held_out.empty:  # one that says healthy of everything is right about nearly all leaves
        fewest = min((held_out["labels"] == labels).sum() for labels in label_sets)
        held_out = held_out.groupby("labels").head(fewest)
    if held_out.empty:
        of = f"each of {', '.join(sorted(label_sets))}" if alike else ref
        why = f"there is no validation picture of {of} that the judge {checkpoint.name} has not learned from"
        return _without(why, checkpoint.name, learned)
    named = Judge(checkpoint, device)
    accuracy = _accuracy(named, dataset, held_out.head(TRIED).sort_index()["image"].tolist(), size_px)
    if accuracy is None:
        return _without(f"no validation picture of {ref} can be read", checkpoint.name, learned)
    return Witness(named, checkpoint.name, accuracy, "", learned or {}, seen)


def _without(objection: str, name: str = "", learned: dict[str, int] | None = None) -> Witness:
    return Witness(None, name, None, objection, learned or {})


def _learned(dataset: Dataset, model: Checkpoint) -> dict[str, int]:
    """Return how many of a dataset's pictures of each label set a generator has learned from."""
    files = dataset.records["sha256"].isin(model.seen().get("generator", ()))
    counts = dataset.records.loc[files, "labels"].value_counts()
    return {str(labels): int(count) for labels, count in counts.items()}


def _accuracy(judge: Judge, dataset: Dataset, images: Sequence[str], size_px: int, batch_size: int = 32) -> Rate | None:
    """Return how often a judge names pictures rightly; None if none of them can be read."""
    true = dataset.records.set_index("image")["labels"]
    hits = trials = 0
    for start in range(0, len(images), batch_size):
        squares, labels = [], []
        for image in images[start : start + batch_size]:
            try:
                squares.append(load_square(dataset.root / image, size_px))
            except DatasetError:
                continue  # gone or damaged since the import
            labels.append(str(true[image]))
        if squares:
            hits += sum(one == other for one, other in zip(judge(squares), labels, strict=True))
            trials += len(squares)
    return Rate.of(hits, trials) if trials else None
