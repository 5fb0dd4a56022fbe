"""The verb that names pictures: labels with probabilities, as a table, and where the classifier looked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from leafcore.checkpoints import open_checkpoint
from leafcore.data.listing import pictures_below
from leafcore.data.manifest import load
from leafcore.data.tables import read_cassava_names
from leafcore.errors import DatasetError, Stopped
from leafcore.evaluate.openings import count_opening, count_shown
from leafcore.files import require_space, write_bytes
from leafcore.images import encode_jpeg, mosaic, open_rgb, resize_square
from leafcore.masks.maps import heat_overlay
from leafcore.measure.predictor import Predictor
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.predict.configs import PredictConfig
from leafcore.predict.ledger import SaidLedger
from leafcore.predict.looking import heat_map
from leafcore.predict.result import CAMS, TABLE, PredictResult
from leafcore.predict.submission import fallback_of, require_layout, require_names, submission
from leafcore.progress import Progress
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

SIDE_PX = 512  # of a picture under its heat map, at most
SAMPLE_PX = 160
SAMPLES = 16  # heat maps in the run's picture
TOLD = 3  # pictures that cannot be read and are named in the warning


@dataclass(frozen=True)
class Source:
    """Pictures to name.

    Attributes:
        pictures: Their files, in order, by what a table calls them: the path below their folder, with forward slashes.
        test_opened: See `PredictResult`.
    """

    pictures: dict[str, Path]
    test_opened: int = 0

    @classmethod
    def of(cls, root: Path, paths: Sequence[Path], test_opened: int = 0) -> Self:
        """Return pictures, called by their paths below a folder."""
        return cls({path.relative_to(root).as_posix(): path for path in paths}, test_opened)


@dataclass(frozen=True)
class Said:
    """What was said so far, by this run or before it was stopped.

    Attributes:
        source: Of which pictures.
        ledger: Of those that could be read.
        unreadable: The others, and why; looked at again by a resumed run.
    """

    source: Source
    ledger: SaidLedger
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> list[str]:
        """What the pictures are called that something is said of, in order."""
        return [name for name in self.source.pictures if name in self.ledger.said]

    @property
    def to_come(self) -> dict[str, Path]:
        """The other pictures."""
        return {name: path for name, path in self.source.pictures.items() if name not in self.ledger.said}


def predict(config: PredictConfig, workspace: Workspace, progress: Progress) -> PredictResult:
    """Name pictures, write the table, and draw heat maps if they are wanted; a resumed run names the others.

    Raises:
        InputError: A name is unknown, the model is no classifier, or the layout cannot hold what it says.
        DatasetError: There is no picture, or none that can be read.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; the table has the pictures that were looked at by then.
    """
    progress.phase("loading")
    model = TrainedClassifier(open_checkpoint(workspace, config.model), resolve_device(config.device))
    numbers = _numbers(config, workspace)
    require_layout(config.layout, model.classes, numbers)
    source = _source(config, workspace, progress.folder.name)
    require_names(config.layout, list(source.pictures))
    said = Said(source, SaidLedger(progress.folder, len(model.classes.names)))
    progress.phase("looking")
    try:
        _look(config, model, said, progress)
    except Stopped:
        if said.images:
            _write_table(config, model, said, numbers, progress.folder)
        raise
    if not said.images:
        raise DatasetError(f"No picture of {len(source.pictures)} can be read; {next(iter(said.unreadable.values()))}")
    label_sets, fallback = _write_table(config, model, said, numbers, progress.folder)
    if said.unreadable:
        progress.warn(_lost(list(said.unreadable), fallback))
    thresholds = dict(zip(model.classes.names, model.thresholds.tolist(), strict=True))
    return PredictResult(
        images=len(said.images),
        labels=dict(Counter(label_sets).most_common()),
        classes=model.classes.names,
        thresholds={} if model.classes.exclusive else thresholds,
        views=config.views,
        layout=config.layout,
        csv=str(progress.folder / TABLE),
        unreadable=said.unreadable,
        fallback=fallback,
        test_opened=source.test_opened,
    )


def _look(config: PredictConfig, model: TrainedClassifier, said: Said, progress: Progress) -> None:
    """Look at the pictures that nothing is said of yet."""
    samples: list[np.ndarray] = []
    names = {path: name for name, path in said.to_come.items()}
    before, total = len(said.images), len(said.source.pictures)
    predictor = Predictor(model, config.tiles, config.tta)
    for done, found in enumerate(predictor.predict(list(names), config.batch_size), start=before + 1):
        name = names[found.path]
        if found.probabilities is None or found.whole is None:
            said.unreadable[name] = found.problem
        else:
            if config.cam:
                cam = heat_map(model, found.whole, int(found.probabilities.argmax()))
                _write_overlay(progress.folder, f"{CAMS}/{name}.jpg", found.path, cam)
                if len(samples) < SAMPLES:
                    samples.append(heat_overlay(resize_square(found.whole, SAMPLE_PX), cam))
            said.ledger.append(name, found.probabilities)
        progress.report(done, total)
        progress.raise_if_stopped()
    if samples:
        progress.sample(mosaic(samples))


def _write_table(
    config: PredictConfig, model: TrainedClassifier, said: Said, numbers: Mapping[str, int], folder: Path
) -> tuple[list[str], str]:
    """Write the table; return what each picture was named, and what those count as that cannot be read."""
    probabilities = np.stack([said.ledger.said[name] for name in said.images])
    label_sets = model.classes.decode(model.decide(probabilities))
    fallback = "" if config.layout == "own" or not said.unreadable else fallback_of(model.classes, label_sets)
    table = submission(config.layout, said.images, probabilities, label_sets, model.classes, numbers)
    if fallback:
        lost = list(said.unreadable)
        sure = np.repeat(model.classes.encode([fallback]), len(lost), axis=0)
        filled = submission(config.layout, lost, sure, [fallback] * len(lost), model.classes, numbers)
        table = pd.concat([table, filled], ignore_index=True)
    write_bytes(folder / TABLE, table.to_csv(index=False, lineterminator="\n").encode())
    return label_sets, fallback


def _lost(names: list[str], fallback: str) -> str:
    told = ", ".join(names[:TOLD]) + (", …" if len(names) > TOLD else "")
    become = f"count as {fallback}" if fallback else "are left out"
    return f"Pictures that cannot be read {become}, {len(names)} in all: {told}"


def _write_overlay(folder: Path, name: str, photo: Path, cam: np.ndarray) -> None:
    image = open_rgb(photo)
    image.thumbnail((SIDE_PX, SIDE_PX), reducing_gap=2.0)
    content = encode_jpeg(heat_overlay(np.asarray(image), cam))
    require_space(folder, len(content))
    write_bytes(folder / name, content)


def _source(config: PredictConfig, workspace: Workspace, run_id: str) -> Source:
    if config.dataset:
        dataset = load(workspace, config.dataset)
        records = dataset.select(split=config.split)
        if records.empty:
            raise DatasetError(f"split: {dataset.ref} has no {config.split} picture; choose another split.")
        opened = count_opening(workspace, dataset, run_id) if config.split == "test" else 0
        return Source.of(dataset.root, dataset.paths(records), opened)
    path = Path(config.path)
    paths = pictures_below(path) if path.is_dir() else [path]
    if not paths:
        raise DatasetError(f"path: {path} holds no picture; expected JPEG, PNG, WebP, BMP or TIFF.")
    return Source.of(path if path.is_dir() else path.parent, paths, count_shown(workspace, paths, run_id))


def _numbers(config: PredictConfig, workspace: Workspace) -> Mapping[str, int]:
    """Return Cassava's number of each label, from beside the pictures that the classifier learned from."""
    if config.layout != "cassava":
        return {}
    ref = str(open_checkpoint(workspace, config.model).card.description.get("dataset", ""))
    names = read_cassava_names(load(workspace, ref).root)
    return {label: int(number) for number, label in names.items()}
