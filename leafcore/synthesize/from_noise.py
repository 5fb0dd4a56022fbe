"""Synthesis from noise: pictures without a source, each from a seed of its own."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.seen import load_seen, merge, save_seen
from leafcore.data.synthetic_sets import Ledger, Provenance
from leafcore.files import require_space
from leafcore.images import load_square, mosaic
from leafcore.latent import NoiseModel
from leafcore.measure.interpretation import Interpretation
from leafcore.measure.witness import open_witness
from leafcore.noise import NoiseFacts, picture_seed
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.written import SynthesizeResult, step_of, write_picture
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

SHOWN = 16  # in the run's picture


def synthesize_from_noise(config: SynthesizeConfig, workspace: Workspace, progress: Progress) -> SynthesizeResult:
    """Make pictures from noise; write each with its recipe inside and a row in the manifest, then let a judge name all.

    A resumed run makes only what is missing. A stop keeps what exists, with its manifest.

    Raises:
        InputError: A name is unknown, the checkpoint makes nothing from noise, or not the label set asked for.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    progress.phase("loading")
    checkpoint = open_checkpoint(workspace, config.checkpoint)
    device = resolve_device(config.device)
    model = NoiseModel(checkpoint, device)
    label = model.facts.require_label(config.label)
    save_seen(progress.folder, merge(load_seen(progress.folder), checkpoint.seen()))
    template = _template(config, checkpoint, model.facts, progress)
    ledger = Ledger(progress.folder)
    require_space(progress.folder, (config.count - len(ledger.rows)) * model.facts.size_px**2 * 3)
    progress.phase("making pictures")
    try:
        _make_all(config, model, label, template, ledger, progress)
    finally:
        ledger.write_tables()
    made = Counter(str(row["labels"]) for row in ledger.rows)
    return SynthesizeResult(
        count=len(ledger.rows),
        labels=next(iter(made)) if len(made) == 1 else "",
        size_px=model.facts.size_px,
        made=dict(made),
        interpretation=_interpret(config, workspace, checkpoint, device, model.facts, ledger, progress),
    )


def _template(
    config: SynthesizeConfig, checkpoint: Checkpoint, facts: NoiseFacts, progress: Progress
) -> dict[str, Any]:
    """Return what the provenance of all pictures of this run has in common."""
    rule = "the class that the generator was asked for" if facts.classes else "what the generator learned from"
    return {
        "label_rule": rule if facts.makes else "none: the generator makes what it likes",
        "source": "",
        "source_sha256": "",
        "source_labels": "",
        "split": "train",
        "dataset": config.dataset or facts.dataset,
        "chain": (step_of(checkpoint),),
        "size_px": facts.size_px,
        "truncation": config.truncation,
        "run": progress.folder.name,
        "config_hash": config.digest(),
        "code_version": code_version(),
        "source_license": "",
        "weights_license": checkpoint.card.license,
    }


def _make_all(
    config: SynthesizeConfig,
    model: NoiseModel,
    label: str,
    template: dict[str, Any],
    ledger: Ledger,
    progress: Progress,
) -> None:
    """Make the pictures that are not there yet."""
    seeds = [picture_seed(config.seed, index) for index in range(config.count)]
    files = [f"{index:06d}-{seed:08x}.png" for index, seed in enumerate(seeds)]
    there = ledger.files
    todo = [index for index in range(config.count) if files[index] not in there]
    done = config.count - len(todo)
    for start in range(0, len(todo), config.batch_size):
        indices = todo[start : start + config.batch_size]
        pictures = model.sample(config.seed, indices, label, config.truncation, config.batch_size)
        for index, labels, picture in zip(indices, model.facts.labels_of(indices, label), pictures, strict=True):
            row = Provenance(
                file=files[index],
                labels=labels,
                group=f"synthetic-{progress.folder.name}-{index}",
                seed=seeds[index],
                **template,
            )
            write_picture(row, picture, ledger, progress)
        if start < SHOWN:
            progress.sample(mosaic(list(pictures[:SHOWN])))
        done += len(indices)
        progress.report(done, config.count)
        progress.raise_if_stopped()


def _interpret(
    config: SynthesizeConfig,
    workspace: Workspace,
    checkpoint: Checkpoint,
    device: torch.device,
    facts: NoiseFacts,
    ledger: Ledger,
    progress: Progress,
) -> Interpretation:
    """Let the judge name all pictures of the set, also those from before a stop."""
    progress.phase("naming pictures")
    witness = open_witness(workspace, checkpoint, config.judge, facts.size_px, device)
    rows = ledger.rows

    def batches() -> Iterator[np.ndarray]:
        for start in range(0, len(rows), config.batch_size):
            progress.raise_if_stopped()
            part = rows[start : start + config.batch_size]
            yield np.stack([load_square(progress.folder / "images" / row["file"], facts.size_px) for row in part])
            progress.report(start + len(part), len(rows))

    found = witness.interpret(witness.name_all(batches()), [str(row["labels"]) for row in rows])
    if found.warning:
        progress.warn(found.warning)
    return found
