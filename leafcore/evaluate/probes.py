"""The verb that looks for shortcuts: how well is a class told by what is no leaf?

Noyan 2022, "Uncovering bias in the PlantVillage dataset", arXiv 2206.04374: eight pixels of the background tell 38
classes with 49 % accuracy. Classifiers are trained alike on whole pictures and on parts of them, and judged on
validation pictures by their last weights, which nothing was chosen by: so the test split stays closed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from leafcore.data.classes import Classes
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import mask_files, open_mask_set
from leafcore.data.pixels import image_pixels, mask_pixels
from leafcore.errors import DatasetError
from leafcore.evaluate.arm_scores import estimate
from leafcore.evaluate.contestant import Contestant
from leafcore.evaluate.probe_configs import VIEWS, ProbesConfig, View
from leafcore.evaluate.probe_result import FILE, Probes, ViewScore
from leafcore.evaluate.probe_views import ViewedImages, Viewing, kept, mean_color
from leafcore.evaluate.training import CellProgress
from leafcore.files import write_atomic, write_json
from leafcore.images import sheet
from leafcore.measure.bootstrap import CountBootstrap, GroupBootstrap, by_group, confusion_counts
from leafcore.measure.scores import macro_f1, predicted_labels
from leafcore.measure.stats import LEAST_GROUPS_IN_ALL
from leafcore.measure.thresholds import choose_thresholds
from leafcore.progress import Progress
from leafcore.train.classifier import LabelledImages
from leafcore.train.configs import ClassifierConfig
from leafcore.train.device import resolve_device
from leafcore.train.loop import fit
from leafcore.workspace import Workspace

SHOWN = 4  # pictures of the sample sheet


@dataclass(frozen=True)
class Part:
    """A split, with its masks.

    Attributes:
        images: (N, S, S, 3) uint8.
        masks: (N, S, S, 1) uint8, 1 on the leaf.
        targets: (N, classes) float32.
        groups: (N,) what each picture belongs to.
    """

    images: np.ndarray
    masks: np.ndarray
    targets: np.ndarray
    groups: np.ndarray

    def seen(self, viewing: Viewing) -> LabelledImages:
        """Return what a view leaves of the pictures."""
        return ViewedImages([self.images], self.targets, self.masks, viewing)


def probes(config: ProbesConfig, workspace: Workspace, progress: Progress) -> Probes:
    """Train a classifier per view and seed, and judge each on validation pictures seen the same way.

    A resumed run keeps the classifiers that are finished and goes on within the one that was not.

    Raises:
        DatasetError: No picture of a split has a mask.
        NotFoundError: The dataset or the mask set is unknown.
        DiskFull: A save did not fit.
        Stopped: Somebody asked to stop; what is finished stays.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    classes = dataset.classes()
    train, val = (_load_part(config, workspace, dataset, classes, split, progress) for split in ("train", "val"))
    fill = mean_color(train.images)
    viewings = {view: Viewing(view, config.border, config.margin, fill) for view in VIEWS}
    progress.sample(_sheet(val, viewings))
    order = [(view, config.seed + index) for index in range(config.seeds) for view in VIEWS]
    told: dict[View, list[np.ndarray]] = {view: [] for view in VIEWS}
    for number, (view, seed) in enumerate(order):
        progress.phase(f"{view}, seed {seed}")
        watch = CellProgress(progress, f"{view}-{seed}", number * config.steps, len(order) * config.steps)
        sets = (train.seen(viewings[view]), val.seen(viewings[view]))
        told[view].append(_probe(config, sets, classes, seed, watch))
    found = Probes(
        dataset=dataset.ref,
        images=len(val.targets),
        groups=len(np.unique(val.groups)),
        train_images=len(train.targets),
        masks=config.masks,
        mask_iou=open_mask_set(workspace, config.masks).card.mask_iou if config.masks else None,
        steps=config.steps,
        chance=guessed_macro_f1(val.targets, exclusive=classes.exclusive),
        majority=majority_share(classes.decode(train.targets), classes.decode(val.targets)),
        views=_scores(val, told, viewings, classes, config.seed),
    )
    write_json(progress.folder / FILE, found.model_dump(mode="json"))
    return found


def _load_part(
    config: ProbesConfig, workspace: Workspace, dataset: Dataset, classes: Classes, split: str, progress: Progress
) -> Part:
    """Decode a split's pictures that have a mask."""
    records = dataset.records[dataset.records["split"] == split]
    files = mask_files(workspace, dataset, list(records["image"]), config.masks)
    records = records[[files[image] is not None for image in records["image"]]]
    if records.empty:
        raise DatasetError(
            f"masks: no {split} picture of {dataset.ref} has one; make masks for it on the Masks page, or split again."
        )
    masks = [path for image in records["image"] if (path := files[image]) is not None]
    return Part(
        image_pixels(workspace, dataset.paths(records), config.size_px, progress),
        mask_pixels(workspace, masks, config.size_px, progress),
        classes.encode(list(records["labels"])),
        records["group"].to_numpy(str),
    )


def _probe(
    config: ProbesConfig,
    sets: tuple[LabelledImages, LabelledImages],
    classes: Classes,
    seed: int,
    progress: CellProgress,
) -> np.ndarray:
    """Train one classifier and return what it says of the validation pictures, (N, classes) float32; once only."""
    saved = progress.folder / "val.npz"
    if not saved.exists():
        shared = config.model_dump(include=set(ClassifierConfig.model_fields) - {"seed"})
        settings = ClassifierConfig(**shared, seed=seed, save_every=config.epochs)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            classifier = Contestant(settings, sets, classes, resolve_device(config.device), config.steps, progress)
            fit(classifier, progress)
        probabilities = classifier.predict(sets[1])
        write_atomic(saved, lambda file: np.savez(file, probabilities=probabilities))
        progress.drop_state()
    with np.load(saved) as cell:
        told: np.ndarray = cell["probabilities"]
        return told


def _sheet(val: Part, viewings: dict[View, Viewing]) -> np.ndarray:
    """Return some validation pictures as each view shows them, a row per picture."""
    chosen = np.linspace(0, len(val.targets) - 1, min(SHOWN, len(val.targets))).astype(int)
    columns = [val.seen(viewing).pick(chosen).permute(0, 2, 3, 1).numpy() for viewing in viewings.values()]
    return sheet([[column[row] for column in columns] for row in range(len(chosen))])


# --- scores -----------------------------------------------------------------------------------------------------------


def _scores(
    val: Part, told: dict[View, list[np.ndarray]], viewings: dict[View, Viewing], classes: Classes, seed: int
) -> dict[View, ViewScore]:
    """Score every view's classifiers; the bootstrap draws groups, and training seeds."""
    targets = val.targets.astype(bool)
    names, group = np.unique(val.groups, return_inverse=True)
    groups = len(names)
    draws = GroupBootstrap(groups, len(next(iter(told.values()))), seed)
    truth = confusion_counts(targets, targets, group, groups)[None]
    bootstrap = CountBootstrap(draws, truth, np.asarray(targets.any(axis=0)))
    pictures = np.stack([by_group(np.ones((len(targets), 1)), group, groups)] * len(next(iter(told.values()))))
    masks = torch.from_numpy(val.masks.copy()).permute(0, 3, 1, 2)
    scores: dict[View, ViewScore] = {}
    for view, cells in told.items():
        decided = [decide(targets, one, group, exclusive=classes.exclusive) for one in cells]
        counts = np.stack([confusion_counts(targets, one, group, groups) for one in decided])
        right = np.stack([by_group((one == targets).all(1)[:, None], group, groups) for one in decided])
        scores[view] = ViewScore(
            macro_f1=estimate(bootstrap.scores(counts)["f1"].intervals(bootstrap.known)[-1]),
            accuracy=estimate(draws.ratio(right, pictures).intervals(np.array([groups >= LEAST_GROUPS_IN_ALL]))[0]),
            seeds=tuple(macro_f1(targets, one) for one in decided),
            pixels=float(kept(masks, viewings[view]).float().mean()),
        )
    return scores


def decide(targets: np.ndarray, probabilities: np.ndarray, group: np.ndarray, *, exclusive: bool) -> np.ndarray:
    """Decide which labels probabilities mean, where the pictures that judge are all there is to choose thresholds by.

    Where a picture may show several labels, every other group's thresholds are chosen on the remaining groups: nothing
    is judged by what it helped to choose.

    Args:
        targets: (N, classes) bool.
        probabilities: (N, classes) float in [0, 1].
        group: (N,) int, the group of each picture.
        exclusive: Whether each picture is of exactly one class: then the most probable one is named.

    Returns:
        (N, classes) bool.
    """
    if exclusive:
        return predicted_labels(probabilities, multi_label=False)
    decided = np.zeros(targets.shape, bool)
    for half in (group % 2 == 0, group % 2 == 1):
        thresholds = choose_thresholds(targets[~half], probabilities[~half], exclusive=False)
        decided[half] = predicted_labels(probabilities[half], multi_label=True, thresholds=thresholds)
    return decided


def guessed_macro_f1(targets: np.ndarray, *, exclusive: bool) -> float:
    """Return the macro-F1 that no guess without a look at the pictures beats in the long run.

    Of a class with share p that is named with share q, whatever the picture, F1 is 2 p q / (p + q). Where a picture is
    of exactly one of K classes, the mean over them is highest, 1 / K, when each is named as often as it occurs (q = p);
    where each label is told for itself, when every label is always named (q = 1).

    Args:
        targets: (N, classes), 0 or 1; classes that do not occur are left out, as macro-F1 leaves them out.
        exclusive: Whether each picture is of exactly one class.
    """
    shares = np.asarray(targets).mean(0)
    shares = shares[shares > 0]
    return 1 / len(shares) if exclusive else float((2 * shares / (1 + shares)).mean())


def majority_share(train: list[str], judged: list[str]) -> float:
    """Return the share of pictures that are right if each is called what most train pictures are."""
    most = pd.Series(train).mode().iloc[0]
    return judged.count(most) / len(judged)
