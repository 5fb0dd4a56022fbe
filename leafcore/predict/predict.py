"""The verb that names pictures: labels with probabilities, as a table, and where the classifier looked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from leafcore.checkpoints import open_checkpoint
from leafcore.data.listing import pictures_below
from leafcore.data.manifest import load
from leafcore.data.tables import read_cassava_names
from leafcore.errors import DatasetError
from leafcore.evaluate.openings import count_opening
from leafcore.files import require_space, write_bytes
from leafcore.images import encode_jpeg, mosaic, open_rgb, resize_square
from leafcore.masks.maps import heat_overlay
from leafcore.measure.predictor import Predictor
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.predict.configs import PredictConfig
from leafcore.predict.looking import heat_map
from leafcore.predict.result import CAMS, TABLE, PredictResult
from leafcore.predict.submission import require_layout, submission
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
        root: The folder that their names start from.
        paths: Their files, in order.
        test_opened: See `PredictResult`.
    """

    root: Path
    paths: list[Path]
    test_opened: int = 0

    def name(self, path: Path) -> str:
        """Return what a table calls a picture: its path below the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class Said:
    """What was said so far.

    Attributes:
        images: What the pictures are called that could be read.
        probabilities: (classes,) each.
        unreadable: The others, and why.
    """

    images: list[str] = field(default_factory=list)
    probabilities: list[np.ndarray] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def predict(config: PredictConfig, workspace: Workspace, progress: Progress) -> PredictResult:
    """Name pictures, write the table, and draw heat maps if they are wanted.

    Raises:
        InputError: A name is unknown, the model is no classifier, or the layout cannot hold what it says.
        DatasetError: There is no picture, or none that can be read.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; there is no table then.
    """
    progress.phase("loading")
    model = TrainedClassifier(open_checkpoint(workspace, config.model), resolve_device(config.device))
    numbers = _numbers(config, workspace)
    require_layout(config.layout, model.classes, numbers)
    source = _source(config, workspace, progress.folder.name)
    progress.phase("looking")
    said = _look(config, model, source, progress)
    if not said.images:
        raise DatasetError(f"No picture of {len(source.paths)} can be read; {next(iter(said.unreadable.values()))}")
    if said.unreadable:
        told = ", ".join(list(said.unreadable)[:TOLD]) + (", …" if len(said.unreadable) > TOLD else "")
        progress.warn(f"Pictures that cannot be read are left out, {len(said.unreadable)} in all: {told}")
    probabilities = np.stack(said.probabilities)
    label_sets = model.classes.decode(model.decide(probabilities))
    table = submission(config.layout, said.images, probabilities, label_sets, model.classes, numbers)
    write_bytes(progress.folder / TABLE, table.to_csv(index=False, lineterminator="\n").encode())
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
        test_opened=source.test_opened,
    )


def _look(config: PredictConfig, model: TrainedClassifier, source: Source, progress: Progress) -> Said:
    said, samples = Said(), list[np.ndarray]()
    predictor = Predictor(model, config.tiles, config.tta)
    for done, found in enumerate(predictor.predict(source.paths, config.batch_size), start=1):
        name = source.name(found.path)
        if found.probabilities is None or found.whole is None:
            said.unreadable[name] = found.problem
        else:
            said.images.append(name)
            said.probabilities.append(found.probabilities)
            if config.cam:
                cam = heat_map(model, found.whole, int(found.probabilities.argmax()))
                _write_overlay(progress.folder, f"{CAMS}/{name}.jpg", found.path, cam)
                if len(samples) < SAMPLES:
                    samples.append(heat_overlay(resize_square(found.whole, SAMPLE_PX), cam))
        progress.report(done, len(source.paths))
        progress.raise_if_stopped()
    if samples:
        progress.sample(mosaic(samples))
    return said


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
        return Source(dataset.root, dataset.paths(records), opened)
    path = Path(config.path)
    paths = pictures_below(path) if path.is_dir() else [path]
    if not paths:
        raise DatasetError(f"path: {path} holds no picture; expected JPEG, PNG, WebP, BMP or TIFF.")
    return Source(path if path.is_dir() else path.parent, paths)


def _numbers(config: PredictConfig, workspace: Workspace) -> Mapping[str, int]:
    """Return Cassava's number of each label, from beside the pictures that the classifier learned from."""
    if config.layout != "cassava":
        return {}
    ref = str(open_checkpoint(workspace, config.model).card.description.get("dataset", ""))
    names = read_cassava_names(load(workspace, ref).root)
    return {label: int(number) for number, label in names.items()}
