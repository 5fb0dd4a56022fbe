"""What a `score` run works with: the pictures it translates, and what their fakes are held against."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.labels import label_set
from leafcore.data.manifest import Dataset, domain, load
from leafcore.data.mask_sets import MaskSet, open_mask_set
from leafcore.data.seen import UNKNOWN
from leafcore.measure.distances import KID_FROM, nearest_of_reals
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.judge import Judge
from leafcore.nets.backbones import BUNDLED, INCEPTION, has_weights
from leafcore.pick.configs import AUTO, NO_JUDGE, ScoreConfig
from leafcore.pick.judges import newest_judge
from leafcore.pick.scores import Score
from leafcore.pick.translate import Pictures, decode
from leafcore.pick.yardstick import Seen, Yardstick, distrust, share, too_few
from leafcore.progress import Progress
from leafcore.runs import Run
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Material:
    """What every epoch is scored with.

    Attributes:
        dataset: `name@version`.
        sources: The validation pictures that every epoch translates.
        yardstick: What the fakes are held against.
        extract: The backbone of the distances.
        features: What it is called.
        reals: Which real target pictures the distances are to.
        judge: Names the fakes; None where there is none that can be believed.
        judge_name: What it is called; empty for none.
        judged_right: By label set, how often it names real validation pictures rightly.
        untranslated: The scores of the sources as they are.
        depends_on: A hash of all that the scores of a fake depend on.
    """

    dataset: str
    sources: Pictures
    yardstick: Yardstick
    extract: FeatureExtractor
    features: str
    reals: str
    judge: Judge | None
    judge_name: str
    judged_right: dict[str, Score]
    untranslated: dict[str, Score]
    depends_on: str


@dataclass(frozen=True)
class _Trial:
    """A judge after it named real pictures: itself if it can be believed, else why not."""

    judge: Judge | None = None
    name: str = ""
    right: dict[str, Score] | None = None
    called: tuple[str, ...] = ()
    objection: str = ""


def load_material(
    config: ScoreConfig, workspace: Workspace, run: Run, weights: Checkpoint, device: torch.device, progress: Progress
) -> Material:
    """Decode the sources, look at the real pictures, and try the judge.

    Raises:
        InputError: Something named does not exist or does not fit, or a split is empty.
        Stopped: Somebody asked to stop.
    """
    settings = run.record.settings
    dataset = load(workspace, settings["dataset"])
    labels = (label_set(settings["a"]), label_set(settings["b"]))
    source, target = labels if config.direction == "ab" else labels[::-1]
    masks = open_mask_set(workspace, settings["masks"]) if settings.get("masks") else None
    size_px = int(weights.card.description["size_px"])
    sources = decode(dataset, _drawn(config, dataset, source, masks), masks, size_px, progress)
    backbone = choose_backbone(config)
    extract = FeatureExtractor(workspace, backbone, pretrained=config.pretrained, device=device, through_px=size_px)

    progress.phase("looking at real pictures")
    known, features = reference_features(extract, dataset, dataset.select(labels=target), config, progress)
    in_train, in_val = (known["split"] == "train").to_numpy(), (known["split"] == "val").to_numpy()
    enough = in_val.sum() >= KID_FROM
    held = in_val if enough else in_val | in_train
    group = known["group"].to_numpy(str)
    near = nearest_of_reals(features[in_val | in_train], group[in_val | in_train], features[in_train], group[in_train])

    trial = _try(config, workspace, dataset, sources, (source, target), device, progress)
    withheld = too_few(len(sources), int(held.sum())) | _impossible(weights, masks, near, trial, target)
    yardstick = Yardstick(
        target, features[held], features[in_train], near, list(sources.records["group"]), withheld, config.seed
    )
    plain = np.concatenate([extract.of(batch) for batch in _batches(sources.images, config.batch_size)])
    rows = [sources.records["image"].tolist(), known["image"].tolist(), known["split"].tolist()]
    parts = [dataset.ref, settings.get("masks"), size_px, backbone, config.pretrained, trial.name, withheld, *rows]
    return Material(
        dataset=dataset.ref,
        sources=sources,
        yardstick=yardstick,
        extract=extract,
        features=backbone if config.pretrained else f"{backbone}, untrained",
        reals="val" if enough else "train and val",
        judge=trial.judge,
        judge_name=trial.name,
        judged_right=trial.right or {},
        untranslated=yardstick.measure(Seen(plain, trial.called)),
        depends_on=hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
    )


def _impossible(weights: Checkpoint, masks: MaskSet | None, near: float, trial: _Trial, target: str) -> dict[str, str]:
    """Return the measures that cannot be taken however many pictures there are, and why."""
    reasons: dict[str, str] = {}
    if trial.objection:
        reasons["target_rate"] = trial.objection
    if masks is None:
        reasons |= dict.fromkeys(("outside", "inside"), "the run was trained without masks")
    if math.isnan(near):
        reasons["near_copies"] = f"from {KID_FROM} real pictures of {target} in groups of their own"
    if len(weights.card.description["nets"]) < 2:
        reasons["cycle"] = "the weights hold no way back"
    return reasons


def _drawn(config: ScoreConfig, dataset: Dataset, source: str, masks: MaskSet | None) -> pd.DataFrame:
    """Return the validation pictures to translate, in the dataset's order."""
    records = domain(dataset, source, "val")
    if masks is not None:
        records = masks.masked(dataset, records)
    if not config.count or config.count >= len(records):
        return records
    chosen = np.random.default_rng(config.seed).permutation(len(records))[: config.count]
    return records.iloc[np.sort(chosen)]


def choose_backbone(config: ScoreConfig) -> str:
    """Return what the backbone of the distances is called: Inception unless its weights are not here."""
    if config.backbone != AUTO:
        return config.backbone
    return INCEPTION if has_weights(INCEPTION) else BUNDLED


def reference_features(
    extract: FeatureExtractor, dataset: Dataset, records: pd.DataFrame, config: ScoreConfig, progress: Progress
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the train and validation pictures that can be read, and their features; no test picture is looked at."""
    records = records[records["split"].isin(["train", "val"])]
    seen = extract(dataset.paths(records), records["sha256"].tolist(), progress, batch_size=config.batch_size)
    readable = [row not in seen.unreadable for row in range(len(records))]
    return records[readable], seen.values[readable]


def _try(
    config: ScoreConfig,
    workspace: Workspace,
    dataset: Dataset,
    sources: Pictures,
    labels: tuple[str, str],
    device: torch.device,
    progress: Progress,
) -> _Trial:
    """Let a judge name real validation pictures of both label sets, at the size of the fakes."""
    checkpoint = newest_judge(workspace, dataset.ref, labels) if config.judge == AUTO else None
    if config.judge not in {AUTO, NO_JUDGE}:
        checkpoint = open_checkpoint(workspace, config.judge)
    if checkpoint is None:
        return _Trial(objection=f"there is no judge; train a classifier on {dataset.ref}, or name one")
    name, seen = checkpoint.name, checkpoint.seen()
    if UNKNOWN in seen:
        return _Trial(name=name, objection=f"nobody wrote down which pictures the judge {name} learned from")
    learned = set(seen.get("classifier", ())) & set(sources.records["sha256"])
    if learned:
        return _Trial(name=name, objection=f"the judge {name} learned from {len(learned)} of the pictures translated")
    judge = Judge(checkpoint, device)
    source, target = labels
    called = _named(judge, sources.images, config.batch_size)
    right = {source: share([one == source for one in called])}
    reals = dataset.select(split="val", labels=target)
    if reals.empty:
        return _Trial(
            name=name, objection=f"no validation picture of {target} says how far to believe the judge {name}"
        )
    shown = decode(dataset, reals, None, sources.images.shape[1], progress)
    right[target] = share([one == target for one in _named(judge, shown.images, config.batch_size)])
    objection = distrust(right)
    return _Trial(None if objection else judge, name, right, tuple(called), objection)


def _named(judge: Judge, images: np.ndarray, batch_size: int) -> list[str]:
    return [labels for batch in _batches(images, batch_size) for labels in judge(batch)]


def _batches(images: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (images[start : start + size] for start in range(0, len(images), size))
