"""The verb that scores the epochs of a training run: every epoch on the same pictures, or on the same noise."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from pydantic import ValidationError

from leafcore.checkpoints import Checkpoint, epochs, open_checkpoint
from leafcore.errors import NotFoundError
from leafcore.files import read_json, write_json
from leafcore.images import sheet
from leafcore.pick.configs import ScoreConfig
from leafcore.pick.from_noise import FromNoise
from leafcore.pick.material import Material, load_material
from leafcore.pick.recommend import recommend
from leafcore.pick.scores import SCORES, EpochScores, ScoreResult
from leafcore.pick.translate import Translator, mean_change
from leafcore.pick.yardstick import Seen
from leafcore.progress import Progress
from leafcore.runs import open_run
from leafcore.train.configs import is_translation
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

SHOWN = 6  # sources in the run's picture
MEASURED_AS = 1  # raised whenever the same weights would get other scores


class Scoring(Protocol):
    """What every epoch of a run is scored with.

    Attributes:
        count: Fakes of every epoch.
        depends_on: A hash of all that the scores of a fake depend on, beside the weights.
    """

    count: int
    depends_on: str

    def score(self, checkpoint: Checkpoint, progress: Progress, report: Callable[[int], None]) -> EpochScores:
        """Make an epoch's fakes and measure them; `report` is told how many are done.

        Raises:
            Stopped: Somebody asked to stop.
        """
        ...

    def result(self, scored: list[EpochScores]) -> ScoreResult:
        """Return what the epochs so far are worth, and which one to use."""
        ...


def score_epochs(config: ScoreConfig, workspace: Workspace, progress: Progress) -> ScoreResult:
    """Score the epochs that are saved now; `scores.json` has those that are done at any moment.

    The scores of an epoch are kept in the cache by everything they depend on, so a resumed run, or one after further
    epochs were trained, makes only what is missing.

    Raises:
        InputError: A name is unknown, an epoch is not saved, or there is no validation picture.
        DiskFull: There is no room; the scores so far stay.
        Stopped: Somebody asked to stop; the scores so far stay.
    """
    progress.phase("loading")
    run = open_run(workspace, config.run)
    wanted = _choose(run.id, epochs(run.folder), config.epochs)
    device = resolve_device(config.device)
    weights = open_checkpoint(workspace, f"{run.id}@{wanted[-1]}")
    scoring: Scoring
    if is_translation(run.kind):
        scoring = Translations(config, load_material(config, workspace, run, weights, device, progress), device)
    else:
        scoring = FromNoise(config, workspace, run, weights, device, progress)
    progress.phase("scoring")
    scored: list[EpochScores] = []
    for number, epoch in enumerate(wanted):
        try:
            checkpoint = open_checkpoint(workspace, f"{run.id}@{epoch}")
        except NotFoundError:
            progress.warn(f"Epoch {epoch} was removed before it could be scored.")
            continue
        place = number * scoring.count, len(wanted) * scoring.count
        scored.append(_kept_or_scored(config, workspace, scoring, checkpoint, place, progress))
        result = scoring.result(scored)
        write_json(progress.folder / SCORES, result.model_dump(mode="json"))
    if not scored:
        raise NotFoundError(f"epochs: run {run.id} has none of {', '.join(map(str, wanted))} any more.")
    return result


def _choose(run_id: str, saved: Sequence[int], asked: Sequence[int]) -> list[int]:
    """Return the epochs to score, in order.

    Raises:
        NotFoundError: One that was asked for is not saved, or none is.
    """
    missing = [str(epoch) for epoch in asked if epoch not in saved]
    if missing or not saved:
        known = ", ".join(map(str, saved)) or "none yet"
        raise NotFoundError(f"epochs: got {', '.join(missing) or 'none'}, saved by run {run_id}: {known}.")
    return sorted(set(asked)) if asked else list(saved)


def _kept_or_scored(
    config: ScoreConfig,
    workspace: Workspace,
    scoring: Scoring,
    checkpoint: Checkpoint,
    place: tuple[int, int],
    progress: Progress,
) -> EpochScores:
    """Return the scores of an epoch, from the cache if it has them; `place` is how far the run is, and its end."""
    parts = [MEASURED_AS, scoring.depends_on, checkpoint.card.weights_sha256, config.direction, config.seed]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
    kept = workspace.cache / "scores" / f"{key}.json"
    before, total = place
    try:
        found = EpochScores.model_validate(read_json(kept))
        progress.report(before + scoring.count, total)
        return found.model_copy(update={"epoch": checkpoint.card.epoch})
    except (FileNotFoundError, ValidationError, ValueError):
        pass
    scores = scoring.score(checkpoint, progress, lambda done: progress.report(before + done, total))
    write_json(kept, scores.model_dump(mode="json"))
    return scores


class Translations:
    """What every epoch of a translation is scored with; see `Scoring`.

    Args:
        config: What is asked.
        material: The sources, and what their translations are held against.
        device: Where to compute.
    """

    def __init__(self, config: ScoreConfig, material: Material, device: torch.device) -> None:
        self._config, self._material, self._device = config, material, device
        self.count, self.depends_on = len(material.sources), material.depends_on

    def score(self, checkpoint: Checkpoint, progress: Progress, report: Callable[[int], None]) -> EpochScores:
        """Translate all sources, and measure what each fake shows; see `Scoring.score`."""
        material, sources = self._material, self._material.sources
        features: list[np.ndarray] = []
        called: list[str] = []
        changes: dict[str, list[np.ndarray]] = {"outside": [], "inside": [], "cycle": []}
        for batch in Translator(checkpoint, self._config.direction, self._device)(sources, self._config.batch_size):
            images, fakes = sources.images[batch.rows], batch.fakes
            features.append(material.extract.of(fakes))
            called += material.judge(fakes) if material.judge else []
            if sources.masks is not None:
                changes["outside"].append(mean_change(fakes, images, ~sources.masks[batch.rows]))
                changes["inside"].append(mean_change(fakes, images, sources.masks[batch.rows]))
            if batch.reconstructions is not None:
                changes["cycle"].append(mean_change(batch.reconstructions, images))
            if batch.rows.start == 0:
                progress.sample(sheet([[images[row], fakes[row]] for row in range(min(SHOWN, len(fakes)))]))
            report(batch.rows.start + len(fakes))
            progress.raise_if_stopped()
        found = {key: np.concatenate(values) for key, values in changes.items() if values}
        seen = Seen(np.concatenate(features), called, found)
        return EpochScores(epoch=checkpoint.card.epoch, scores=material.yardstick.measure(seen))

    def result(self, scored: list[EpochScores]) -> ScoreResult:
        """Return what the epochs so far are worth; see `Scoring.result`."""
        config, material = self._config, self._material
        choice = recommend(scored, material.yardstick.target, material.untranslated)
        return ScoreResult(
            run=config.run,
            direction=config.direction,
            dataset=material.dataset,
            split="val",
            features=material.features,
            reals=material.reals,
            real_count=len(material.yardstick.reals),
            judge=material.judge_name,
            judged_right=material.judged_right,
            sources=self.count,
            seed=config.seed,
            untranslated=material.untranslated,
            epochs=scored,
            withheld=dict(material.yardstick.withheld),
            recommended=choice.epoch,
            reason=choice.reason,
        )
