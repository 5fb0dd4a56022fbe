"""The verb that carries a scarcity study out: the DCGAN study's pipeline, from thinning to the comparison."""

from typing import Any

import pandas as pd
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.data import balance
from leafcore.data.configs import ScarceConfig
from leafcore.data.manifest import SPLITS, Dataset, load
from leafcore.data.scarce import thin
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.evaluate.result import MACRO, Comparison
from leafcore.files import read_json, write_bytes, write_json
from leafcore.images import encode_png, sheet
from leafcore.latent import NoiseModel
from leafcore.measure.image_scores import ImageScore, ImageScores, score_images
from leafcore.progress import Progress
from leafcore.scarcity.configs import ScarcityConfig
from leafcore.scarcity.result import STRIP, TITLES, ScarcityResult
from leafcore.scarcity.steps import Steps
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

STRIP_STEPS = 8  # pictures of the way between two seeds
SCORES = "image_scores.json"
ARM = "real_plus_synthetic"  # what is compared with real pictures alone


def scarcity(config: ScarcityConfig, workspace: Workspace, progress: Progress) -> ScarcityResult:
    """Thin a dataset and split it, train a GAN and a teacher on what is left, generate, label, and compare.

    Every step is a run of its own: it can be looked at and used as any other, and one that was done with the same
    settings is not done again. A conditional GAN's pictures have labels, so that no teacher is asked.

    Raises:
        DatasetError: Too little is left to learn from, or no picture passes the teacher.
        LeafError: A step failed.
        Stopped: Somebody asked to stop; a resume goes on within the step that was cut short.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    thinning = ScarceConfig(
        dataset=dataset.ref,
        name=f"{dataset.name[:70]}-max{config.limit}",
        limit=config.limit,
        order="before-split",
        val=config.val,
        test=config.test,
        seed=config.seed,
    )
    require_enough(thin(dataset, thinning), thinning)
    names = [
        name
        for name in TITLES
        if (name != "co_teacher" or config.co_teacher) and (name != "pseudo-label" or config.conditional == "none")
    ]
    steps = Steps(workspace, progress, names, config.scale)
    return _go(config, workspace, steps, thinning, progress)


def require_enough(records: pd.DataFrame, thinning: ScarceConfig) -> None:
    """Refuse to study what nothing can be learned from.

    Args:
        records: What thinning leaves, with its splits.
        thinning: How it was thinned, for the message.

    Raises:
        DatasetError: A split is empty, or a label set has no train picture.
    """
    splits = {split: int((records["split"] == split).sum()) for split in SPLITS}
    where = f"dataset: {thinning.dataset}, at most {thinning.limit} pictures of each label set,"
    if not all(splits.values()):
        counts = ", ".join(f"{count} {split}" for split, count in splits.items())
        raise DatasetError(
            f"{where} leaves {len(records)} pictures ({counts}); a study needs some in each split. "
            "Import more, or raise the limit or the shares of validation and test."
        )
    train = records[records["split"] == "train"]["labels"].value_counts()
    for labels, count in records["labels"].value_counts().items():
        if not train.get(labels, 0):
            raise DatasetError(
                f"{where} has no train picture of {labels} (of {count}); raise the limit, or leave that label set out."
            )


def _go(
    config: ScarcityConfig, workspace: Workspace, steps: Steps, thinning: ScarceConfig, progress: Progress
) -> ScarcityResult:
    """Carry the steps out, one after another."""
    ref = str(steps.carry_out("scarce", "scarce", thinning.model_dump())["dataset"])
    common = {"dataset": ref, "device": config.device}
    learn = {**common, "seed": config.seed}
    looks = {**learn, "size_px": config.size_px}  # no classifier sees more of a real picture than of a generated one
    teacher = _teach(steps, "teacher", looks)
    co_teacher = _teach(steps, "co_teacher", {**looks, "seed": config.seed + 1}) if config.co_teacher else ""
    gan: dict[str, Any] = {**looks, "conditional": config.conditional}
    gan |= {"epochs": config.epochs, "save_every": min(50, config.epochs)} if config.epochs else {}
    trained = steps.carry_out("gan", "dcgan", gan)
    generator = f"{steps.runs['gan'].id}@{trained['best_epoch']}"
    made = steps.carry_out(
        "synthesize", "synthesize", {**learn, "checkpoint": generator, "count": config.count, "judge": teacher}
    )
    dataset = load(workspace, ref)
    images = _look(config, workspace, steps, dataset, generator, progress)
    added, labelled = "synthesize", made
    if config.conditional == "none":
        asked = {"run": steps.runs["synthesize"].id, "teacher": teacher, "co_teacher": co_teacher}
        added = "pseudo-label"
        labelled = steps.carry_out(added, added, {**common, **asked, "min_confidence": config.min_confidence})
    compared = {**looks, "synthetic": (steps.runs[added].id,), "arms": ("real", ARM)}
    found = Comparison.model_validate(steps.carry_out("evaluate", "evaluate", compared))
    counts = balance.counts_by_label_set(dataset)
    return ScarcityResult(
        dataset=ref,
        runs={name: run.id for name, run in steps.runs.items()},
        pictures={str(labels): {split: int(row[split]) for split in SPLITS} for labels, row in counts.iterrows()},
        generated=made["count"],
        interpretation=made["interpretation"],
        accepted=labelled["made"],
        rejected=labelled.get("rejected", {}),
        scores={**{name: _told(score) for name, score in images.scores.items()}, **images.withheld},
        score_counts={"generated": images.fakes, "real": images.real_count},
        score_backbone=images.backbone,
        macro_f1={arm: score.macro_f1 for arm, score in found.arms.items()},
        difference=found.differences[ARM][MACRO],
        test_images=found.test_images,
        verdict=found.verdict,
        withheld=not found.leaks.is_clean,
        strip=str(progress.folder / STRIP),
        improves=found.improves(ARM),
    )


def _teach(steps: Steps, name: str, values: dict[str, Any]) -> str:
    """Train a classifier; return what a config calls its best epoch."""
    trained = steps.carry_out(name, "classifier", values)
    return f"{steps.runs[name].id}@{trained['best_epoch']}"


def _look(
    config: ScarcityConfig, workspace: Workspace, steps: Steps, dataset: Dataset, generator: str, progress: Progress
) -> ImageScores:
    """Score all generated pictures against the real ones that are not held out for the test; draw a strip. Once."""
    kept = progress.folder / SCORES
    if kept.exists():
        return ImageScores.model_validate(read_json(kept))
    watcher, device = steps.part("images"), resolve_device(config.device)
    made = open_synthetic_set(workspace, steps.runs["synthesize"].id)
    real = dataset.records[dataset.records["split"] != "test"]
    scores = score_images(
        workspace,
        (made.paths(), made.manifest["sha256"].tolist()),
        (dataset.paths(real), real["sha256"].tolist()),
        reals_are="train and val",
        size_px=config.size_px,
        device=device,
        progress=watcher,
        seed=config.seed,
    )
    strip = _strip(workspace, generator, config.seed, device)
    write_bytes(progress.folder / STRIP, strip)
    write_json(kept, scores.model_dump(mode="json"))
    return scores


def _strip(workspace: Workspace, generator: str, seed: int, device: torch.device) -> bytes:
    """Return the way from a seed to the next as a PNG, at twice its size."""
    model = NoiseModel(open_checkpoint(workspace, generator), device)
    frames = model.interpolate((seed, seed + 1), STRIP_STEPS)
    return encode_png(sheet([list(frames.repeat(2, 1).repeat(2, 2))]))


def _told(score: ImageScore) -> str:
    return f"{score.value:.3g}" if score.sd is None else f"{score.value:.3g} ± {score.sd:.2g}"
