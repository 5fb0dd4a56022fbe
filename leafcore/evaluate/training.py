"""Training a cell: one classifier of an arm, from one seed."""

import shutil
from collections.abc import Callable

from leafcore.evaluate.arms import Material
from leafcore.evaluate.cells import Cell, split_hash
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.contestant import Contestant
from leafcore.evaluate.plans import Plan
from leafcore.files import write_json
from leafcore.measure.thresholds import choose_thresholds
from leafcore.progress import Progress
from leafcore.train.checkpointing import write_weights
from leafcore.train.configs import ClassifierConfig
from leafcore.train.device import resolve_device
from leafcore.train.loop import fit


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

    def saved(self, done: int) -> None:
        """Say that the cells before and this one's first `done` steps are safe; all of them, once it is finished."""
        self._outer.saved(self._before + done)

    def rewind(self, done: int) -> None:
        """Forget what the whole recorded after this cell's first `done` steps; what came before is safe."""
        self._outer.rewind(self._before + done)
        self.saved(done)

    @property
    def should_stop(self) -> bool:
        """Whether the whole was asked to stop."""
        return self._outer.should_stop

    def drop_state(self) -> None:
        """Remove what only a resume within the cell would need."""
        (self.folder / "state.pt").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "weights", ignore_errors=True)


def train_cell(
    config: EvaluateConfig,
    material: Material,
    plan: Plan,
    seed: int,
    progress: CellProgress,
    before_test: Callable[[], object],
) -> Cell:
    """Train one classifier and return what it says of the validation and the test split.

    The best weights of an arm's first seed stay, so that one can look where it looks; those of the others go: thirteen
    megabytes a cell help nobody.

    Args:
        config: Of the comparison.
        material: What is learned from, and judges.
        plan: The arm.
        seed: Of the classifier.
        progress: Watches; its folder is the cell's.
        before_test: Called right before the test split is looked at, which counts.
    """
    classifier = Contestant(
        classifier_config(config, plan, seed),
        (material.train[plan.id], material.val),
        material.classes,
        resolve_device(config.device),
        config.steps,
        progress,
    )
    steps = fit(classifier, progress).steps
    classifier.net.load_state_dict(classifier.best.weights)
    said_of_val = classifier.predict(material.val)
    if seed == config.seed:
        description = {**classifier.describe(), "arm": plan.id, "seed": seed}
        write_weights(progress.folder / "best.safetensors", classifier, description)
        write_json(progress.folder / "classifier.json", description)
    before_test()
    return Cell(
        probabilities=classifier.predict(material.test),
        val_probabilities=said_of_val,
        thresholds=choose_thresholds(material.val.targets, said_of_val, exclusive=material.classes.exclusive),
        steps=steps,
        test_hash=split_hash(material.test_records),
    )


def classifier_config(config: EvaluateConfig, plan: Plan, seed: int) -> ClassifierConfig:
    """Return the settings of an arm's classifier: the comparison's, with what the arm differs in."""
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
        **plan.settings,
    )
