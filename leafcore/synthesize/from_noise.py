"""Synthesis from noise: pictures without a source, each from a seed of its own."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.seen import load_seen, merge, save_seen
from leafcore.data.synthetic_sets import Ledger, Provenance
from leafcore.denoising import Denoising, denoising_of
from leafcore.environment import environment
from leafcore.files import require_space
from leafcore.images import load_square, mosaic
from leafcore.latent import NoiseModel
from leafcore.measure.witness import Witness, open_witness
from leafcore.noise import NoiseFacts, noise_facts, picture_seed
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.written import SynthesizeResult, step_of, write_picture
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

SHOWN = 16  # in the run's picture


def synthesize_from_noise(config: SynthesizeConfig, workspace: Workspace, progress: Progress) -> SynthesizeResult:
    """Make pictures from noise; write each with its recipe inside and a row in the manifest, let a judge name it.

    A resumed run makes only what is missing. A stop keeps what exists, with its manifest.

    Raises:
        InputError: A name is unknown, the checkpoint makes nothing from noise, or not the label set asked for.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    progress.phase("loading")
    checkpoint = open_checkpoint(workspace, config.checkpoint)
    device = resolve_device(config.device)
    how = denoising_of(noise_facts(checkpoint), config, config.truncation)
    model = NoiseModel(checkpoint, device, how)
    label = model.facts.require_label(config.label)
    save_seen(progress.folder, merge(load_seen(progress.folder), checkpoint.seen()))
    witness = open_witness(workspace, checkpoint, config.judge, model.facts.size_px, device)
    template = _template(config, checkpoint, model.facts, how, progress)
    ledger = Ledger(progress.folder)
    require_space(progress.folder, (config.count - len(ledger.rows)) * model.facts.size_px**2 * 3)
    progress.phase("making pictures")
    try:
        called = _make_all(config, model, label, template, ledger, witness, progress)
    finally:
        ledger.write_tables()
    labels = model.facts.labels_of(range(config.count), label)
    interpretation = witness.interpret(called, labels)
    if interpretation.warning:
        progress.warn(interpretation.warning)
    made = Counter(labels)
    return SynthesizeResult(
        count=config.count,
        labels=labels[0] if len(made) == 1 else "",
        size_px=model.facts.size_px,
        made=dict(made),
        interpretation=interpretation,
    )


def _template(
    config: SynthesizeConfig, checkpoint: Checkpoint, facts: NoiseFacts, how: Denoising, progress: Progress
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
        **how.recipe(),
        "run": progress.folder.name,
        "config_hash": config.digest(),
        "code_version": code_version(),
        **environment(str(resolve_device(config.device))),
        "source_license": "",
        "weights_license": checkpoint.card.license,
    }


def _make_all(
    config: SynthesizeConfig,
    model: NoiseModel,
    label: str,
    template: dict[str, Any],
    ledger: Ledger,
    witness: Witness,
    progress: Progress,
) -> list[str]:
    """Make the pictures that are not there yet, and return what the witness calls each of all."""
    called: list[str] = []
    there = ledger.files
    for start in range(0, config.count, config.batch_size):
        indices = range(start, min(start + config.batch_size, config.count))
        rows = _rows(config, model.facts, label, indices, template)
        if all(row.file in there for row in rows):
            pictures = np.stack([load_square(progress.folder / "images" / row.file, row.size_px) for row in rows])
        else:
            pictures = model.sample(config.seed, indices, label, config.truncation, config.batch_size)
        for row, picture in zip(rows, pictures, strict=True):
            if row.file not in there:
                write_picture(row, picture, ledger, progress)
        called += witness.name_all(pictures)
        if start == 0:
            progress.sample(mosaic(list(pictures[:SHOWN])))
        progress.report(indices.stop, config.count)
        progress.raise_if_stopped()
    return called


def _rows(
    config: SynthesizeConfig, facts: NoiseFacts, label: str, indices: Sequence[int], template: dict[str, Any]
) -> list[Provenance]:
    """Return the recipes of some pictures."""
    rows = []
    for index, labels in zip(indices, facts.labels_of(indices, label), strict=True):
        seed = picture_seed(config.seed, index)
        group = f"synthetic-{template['run']}-{index}"
        rows.append(Provenance(file=f"{index:06d}-{seed:08x}.png", labels=labels, group=group, seed=seed, **template))
    return rows
