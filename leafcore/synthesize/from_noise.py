"""Synthesis from noise or a prompt: pictures without a source, each from a seed of its own."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.seen import load_seen, merge, save_seen
from leafcore.data.synthetic_sets import Ledger, Provenance
from leafcore.denoising import denoising_of
from leafcore.environment import environment
from leafcore.files import require_space
from leafcore.images import load_square, mosaic
from leafcore.latent import NoiseModel
from leafcore.measure.witness import Witness, open_witness
from leafcore.noise import NoiseFacts, noise_facts, picture_seed
from leafcore.progress import Progress
from leafcore.prompts import PromptFacts
from leafcore.runs import code_version
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.written import SynthesizeResult, step_of, write_picture
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

if TYPE_CHECKING:
    from leafcore.drawing import PromptModel

SHOWN = 16  # in the run's picture


def synthesize_from_noise(config: SynthesizeConfig, workspace: Workspace, progress: Progress) -> SynthesizeResult:
    """Make pictures from noise or a prompt, each with its recipe inside and a row in the manifest; let a judge name it.

    A resumed run makes only what is missing. A stop keeps what exists, with its manifest.

    Raises:
        InputError: A name is unknown, the checkpoint makes nothing from noise, or not the label set asked for.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    progress.phase("loading")
    checkpoint = open_checkpoint(workspace, config.checkpoint)
    device = resolve_device(config.device)
    model = _open_model(config, checkpoint, workspace, device, progress)
    label = model.facts.require_label(config.label)
    save_seen(progress.folder, merge(load_seen(progress.folder), checkpoint.seen()))
    witness = open_witness(workspace, checkpoint, config.judge, model.facts.size_px, device)
    template = _template(config, checkpoint, model, progress)
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


def _open_model(
    config: SynthesizeConfig, checkpoint: Checkpoint, workspace: Workspace, device: torch.device, progress: Progress
) -> "NoiseModel | PromptModel":
    """Load what makes the pictures."""
    if not checkpoint.is_prompt_model:
        return NoiseModel(checkpoint, device, denoising_of(noise_facts(checkpoint), config, config.truncation))
    from leafcore.drawing import PromptModel, Wish  # diffusers takes seconds to load, and GANs need none of it
    from leafcore.train.dreambooth_base import Sampling

    steps, guidance = config.sampling_steps or Sampling.steps, config.guidance or Sampling.guidance
    sampling = Sampling(steps, guidance, config.negative, config.sampler)
    model = PromptModel(checkpoint, Wish(config.prompt, sampling, config.lora_strength), workspace, device, progress)
    if model.facts.token not in model.prompt.split():
        progress.warn(f"The prompt {model.prompt!r} is without {model.facts.token!r}, the word for what was taught.")
    return model


def _template(
    config: SynthesizeConfig, checkpoint: Checkpoint, model: "NoiseModel | PromptModel", progress: Progress
) -> dict[str, Any]:
    """Return what the provenance of all pictures of this run has in common."""
    facts = model.facts
    if isinstance(facts, PromptFacts):
        rule = "what was asked for" if config.label else "what the token was taught with"
    else:
        rule = "the class that the generator was asked for" if facts.classes else "what the generator learned from"
    return {
        "label_rule": rule if facts.makes or config.label else "none: the generator makes what it likes",
        "source": "",
        "source_sha256": "",
        "source_labels": "",
        "split": "train",
        "dataset": config.dataset or facts.dataset,
        "chain": (step_of(checkpoint),),
        "size_px": facts.size_px,
        "truncation": config.truncation,
        **model.recipe(),
        "run": progress.folder.name,
        "config_hash": config.digest(),
        "code_version": code_version(),
        **environment(str(resolve_device(config.device))),
        "source_license": "",
        "weights_license": checkpoint.card.license,
    }


def _make_all(
    config: SynthesizeConfig,
    model: "NoiseModel | PromptModel",
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
    config: SynthesizeConfig,
    facts: NoiseFacts | PromptFacts,
    label: str,
    indices: Sequence[int],
    template: dict[str, Any],
) -> list[Provenance]:
    """Return the recipes of some pictures."""
    rows = []
    for index, labels in zip(indices, facts.labels_of(indices, label), strict=True):
        seed = picture_seed(config.seed, index)
        group = f"synthetic-{template['run']}-{index}"
        rows.append(Provenance(file=f"{index:06d}-{seed:08x}.png", labels=labels, group=group, seed=seed, **template))
    return rows
