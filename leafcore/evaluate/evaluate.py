"""The verb that compares classifiers: arms x seeds, each cell trained alike, all judged on one test split."""

import shutil
from pathlib import Path

import numpy as np
import torch

from leafcore.data import leaks
from leafcore.evaluate.arms import Material, load_material
from leafcore.evaluate.comparison import Cell, compare
from leafcore.evaluate.configs import ARMS, Arm, EvaluateConfig
from leafcore.evaluate.contestant import Contestant
from leafcore.evaluate.openings import count_opening
from leafcore.evaluate.result import Comparison
from leafcore.files import write_atomic, write_json
from leafcore.progress import Progress
from leafcore.train.configs import ClassifierConfig
from leafcore.train.device import resolve_device
from leafcore.train.loop import fit
from leafcore.workspace import Workspace


def evaluate(config: EvaluateConfig, workspace: Workspace, progress: Progress) -> Comparison:
    """Train a classifier per arm and seed for the same number of steps, and compare them on the test split.

    A resumed run keeps the cells that are finished and goes on within the one that was not.

    Raises:
        InputError: A name is unknown, or a split is empty.
        DiskFull: A save did not fit.
        Stopped: Somebody asked to stop; the cells so far stay.
    """
    progress.phase("loading")
    material = load_material(config, workspace, progress)
    report = leaks.check(material.dataset, material.seen)
    if not report.is_clean:
        progress.warn(f"The verdict will be withheld: {report.explain()}.")
    opened = count_opening(workspace, material.dataset, progress.folder.name)
    order = [(arm, config.seed + index) for index in range(config.seeds) for arm in ARMS]
    cells: dict[Arm, list[Cell]] = {arm: [] for arm in ARMS}
    for number, (arm, seed) in enumerate(order):
        progress.phase(f"{arm.replace('_', ' ')}, seed {seed}")
        watch = CellProgress(progress, f"{arm}-{seed}", number * config.steps, len(order) * config.steps)
        cells[arm].append(train_cell(config, material, arm, seed, watch))
    progress.phase("comparing")
    comparison = compare(material, cells, report, opened, config.seed)
    write_json(progress.folder / "comparison.json", comparison.model_dump(mode="json"))
    return comparison


class CellProgress(Progress):
    """Shows the training of one cell as a part of the whole comparison.

    Args:
        outer: The comparison's progress.
        name: The cell's name; its folder is `cells/<name>`.
        before: Steps of the cells before it.
        total: Steps of all cells.
    """

    def __init__(self, outer: Progress, name: str, before: int, total: int) -> None:
        super().__init__(outer.folder / "cells" / name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._outer, self._name, self._before, self._total = outer, name, before, total

    def report(self, done: int, total: int, **scalars: float) -> None:
        """Report steps of the whole; only validation scores are recorded, under the cell's name."""
        del total
        scores = {f"{self._name} {key}": value for key, value in scalars.items() if key.startswith("val_")}
        self._outer.report(self._before + done, self._total, **scores)

    def rewind(self, done: int) -> None:
        """Forget what the whole recorded after this cell's first `done` steps."""
        self._outer.rewind(self._before + done)

    @property
    def should_stop(self) -> bool:
        """Whether the whole was asked to stop."""
        return self._outer.should_stop


def train_cell(config: EvaluateConfig, material: Material, arm: Arm, seed: int, progress: CellProgress) -> Cell:
    """Train one classifier and return what it says of the test split; once only.

    The weights go once that is written: thirteen megabytes a cell help nobody.
    """
    saved = progress.folder / "test.npz"
    if not saved.exists():
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            classifier = Contestant(
                _classifier_config(config, seed),
                (material.train[arm], material.val),
                material.classes,
                resolve_device(config.device),
                config.steps,
                progress,
            )
            steps = fit(classifier, progress).steps
        classifier.net.load_state_dict(classifier.best.weights)
        probabilities = classifier.predict(material.test)
        write_atomic(saved, lambda file: np.savez(file, probabilities=probabilities, steps=steps))
        _drop_weights(progress.folder)
    with np.load(saved) as cell:
        return Cell(cell["probabilities"], int(cell["steps"]))


def _classifier_config(config: EvaluateConfig, seed: int) -> ClassifierConfig:
    return ClassifierConfig(
        dataset=config.dataset,
        backbone=config.backbone,
        pretrained=config.pretrained,
        epochs=config.epochs,
        batch_size=config.batch_size,
        size_px=config.size_px,
        learning_rate=config.learning_rate,
        seed=seed,
        device=config.device,
        precision=config.precision,
        save_every=config.epochs,
    )


def _drop_weights(folder: Path) -> None:
    (folder / "state.pt").unlink(missing_ok=True)
    shutil.rmtree(folder / "weights", ignore_errors=True)
