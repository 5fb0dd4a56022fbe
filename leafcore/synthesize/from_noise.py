"""Synthesis without a chain: from noise, from a prompt, from a prompt over photographs; each by a seed of its own."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.duplicates import perceptual_hash
from leafcore.data.labels import union
from leafcore.data.ledger import Ledger
from leafcore.data.manifest import load
from leafcore.data.mask_sets import mask_files, require_masked
from leafcore.data.seen import load_seen, merge, save_seen
from leafcore.data.synthetic_sets import Provenance, Verified
from leafcore.denoising import denoising_of
from leafcore.environment import environment
from leafcore.errors import DatasetError
from leafcore.files import require_space
from leafcore.generate import Leaves
from leafcore.images import load_square, mosaic
from leafcore.latent import NoiseModel
from leafcore.measure.witness import Witness, open_witness
from leafcore.noise import noise_facts, picture_seed
from leafcore.progress import Progress
from leafcore.prompts import PromptFacts, prompt_facts
from leafcore.runs import code_version
from leafcore.synthesize.configs import WHOLE, WHOLE_OF_PROMPT, SynthesizeConfig
from leafcore.synthesize.heeded import require_heeded_by_noise, require_heeded_by_prompt
from leafcore.synthesize.parts import Share
from leafcore.synthesize.reals import learned_from
from leafcore.synthesize.result import SynthesizeResult
from leafcore.synthesize.sources import Sources, choose_sources
from leafcore.synthesize.translated import Origins, Twins
from leafcore.synthesize.verdicts import Verification
from leafcore.synthesize.verification import Verifier, open_verifier, verifying_translations
from leafcore.synthesize.written import MAKING, Writer, step_of
from leafcore.train.device import fitting_batch, resolve_device
from leafcore.wish import wish_of
from leafcore.workspace import Workspace

if TYPE_CHECKING:
    from leafcore.drawing import PromptModel

SHOWN = 16  # in the run's picture


@dataclass
class Work:
    """What a run works with.

    Attributes:
        config: What is asked.
        model: What makes the pictures.
        label: The label set that was asked for; empty for what the model makes.
        witness: Names the pictures.
        verifier: Accepts or rejects them; None if all are kept.
        sources: What is drawn over; None for nothing.
        template: What the recipes of all pictures have in common.
        ledger: Where their rows go.
        twins: Finds pictures that look like an earlier one, if they are drawn over sources.
        progress: Who watches.
        share: Which of the run's pictures these are.
        called: What the witness calls each picture that was made.
        made_as: The label set that each was made as.
        skipped: Sources that could not be read, and why.
    """

    config: SynthesizeConfig
    model: "NoiseModel | PromptModel"
    label: str
    witness: Witness
    verifier: Verifier | None
    sources: Sources | None
    template: dict[str, Any]
    ledger: Ledger
    twins: Twins
    progress: Progress
    share: Share
    called: list[str] = field(default_factory=list)
    made_as: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def synthesize_from_noise(
    config: SynthesizeConfig, workspace: Workspace, progress: Progress, share: Share
) -> SynthesizeResult:
    """Make pictures from noise or a prompt, each with its recipe inside and a row in the manifest; let a judge name it.

    What fails verification is kept apart, with the reason. A resumed run makes only what is missing. A stop keeps what
    exists, with its manifest.

    Raises:
        InputError: A name is unknown, the checkpoint makes nothing from noise, or not the label set asked for.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    progress.phase("loading")
    checkpoints = [open_checkpoint(workspace, ref) for ref in (config.checkpoint, *config.also)]
    device = resolve_device(config.device)
    model = _open_model(config, checkpoints, workspace, device, progress)
    work = _prepare(config, checkpoints, model, workspace, device, progress, share)
    missing = config.count - len(share.rows(work.ledger.rows, config.count))
    require_space(progress.folder, missing * model.facts.size_px**2 * 3)
    progress.phase(MAKING)
    try:
        _make_all(work)
    finally:
        work.ledger.write_tables()
    return _result(work)


def _open_model(
    config: SynthesizeConfig,
    checkpoints: Sequence[Checkpoint],
    workspace: Workspace,
    device: torch.device,
    progress: Progress,
) -> "NoiseModel | PromptModel":
    """Load what makes the pictures."""
    checkpoint = checkpoints[0]
    if not checkpoint.is_prompt_model:
        facts = noise_facts(checkpoint)
        require_heeded_by_noise(config, facts)
        return NoiseModel(checkpoint, device, denoising_of(facts, config, config.truncation))
    from leafcore.drawing import PromptModel  # diffusers takes seconds to load, and GANs need none of it

    require_heeded_by_prompt(config, prompt_facts(checkpoint))
    model = PromptModel(checkpoints, wish_of(config), workspace, device, progress, base=config.base)
    model.warn_of_tokens(progress)
    return model


def _prepare(
    config: SynthesizeConfig,
    checkpoints: Sequence[Checkpoint],
    model: "NoiseModel | PromptModel",
    workspace: Workspace,
    device: torch.device,
    progress: Progress,
    share: Share,
) -> Work:
    """Open sources and judges, and write down what the pictures come from."""
    facts = model.facts
    label = facts.require_label(config.label)
    learned = merge(*(checkpoint.seen() for checkpoint in checkpoints))
    sources = _open_sources(config, workspace, facts.size_px, share.drawn) if config.source else None
    drawn_over = {"source": [row["sha256"] for row in sources.rows]} if sources else {}
    save_seen(progress.folder, merge(load_seen(progress.folder), learned, drawn_over))
    witness = open_witness(workspace, checkpoints[0], config.judge, facts.size_px, device)
    verifier = None
    if config.verifies(from_prompt=isinstance(facts, PromptFacts)):
        datasets = learned_from(checkpoints, sources.dataset.ref if sources else "")
        verifier = open_verifier(config, workspace, datasets, learned, witness, facts.size_px, device, progress)
        if sources:
            verifier = verifying_translations(config, verifier, masked=sources.leaves is not None)
        save_seen(progress.folder, merge(load_seen(progress.folder), verifier.seen))
        verifier.tell_withheld(progress)
    template, ledger = _template(config, checkpoints, model, progress, share), Ledger(progress.folder)
    twins = Twins(ledger.rows)
    return Work(config, model, label, witness, verifier, sources, template, ledger, twins, progress, share)


def _open_sources(config: SynthesizeConfig, workspace: Workspace, size_px: int, drawn: int) -> Sources:
    """Choose what is drawn over, and find its masks.

    Raises:
        InputError: There are too few sources, or no masks of them.
    """
    dataset = load(workspace, config.dataset)
    records = choose_sources(dataset, config.source, config.count, config.seed, config.sources_from, drawn)
    leaves = None
    if config.masks != WHOLE:
        files = mask_files(workspace, dataset, list(records["image"]), config.masks)
        require_masked(files, dataset, WHOLE_OF_PROMPT)
        leaves = Leaves(files, size_px)
    return Sources(dataset, dataset.rows(records), leaves, size_px)


def _template(
    config: SynthesizeConfig,
    checkpoints: Sequence[Checkpoint],
    model: "NoiseModel | PromptModel",
    progress: Progress,
    share: Share,
) -> dict[str, Any]:
    """Return what the provenance of all pictures of this run has in common."""
    facts = model.facts
    if isinstance(facts, PromptFacts):
        rule = "what was asked for" if config.label else "what the token was taught with"
        if config.source and not config.label:
            rule = f"union of the source's labels and {rule}, healthy dropped"
    else:
        rule = "the class that the generator was asked for" if facts.classes else "what the generator learned from"
    over = {"masks": config.masks or "exact"} if config.source else {"strength": 0.0}
    return {
        "label_rule": rule if facts.makes or config.label else "none: the generator makes what it likes",
        "source": "",
        "source_sha256": "",
        "source_labels": "",
        "split": config.sources_from,
        "override": config.override,
        "dataset": config.dataset or facts.dataset,
        "chain": tuple(map(step_of, checkpoints)),
        "size_px": facts.size_px,
        "truncation": config.truncation,
        **model.recipe(),
        **over,
        "run": progress.folder.name,
        "config_hash": share.config_hash or config.digest(),
        "code_version": code_version(),
        **environment(str(resolve_device(config.device))),
        "source_license": "",
        "weights_license": "; ".join(sorted({checkpoint.card.license for checkpoint in checkpoints})),
    }


def _make_all(work: Work) -> None:
    """Make the pictures that are not there yet, and let all be named."""
    config, progress = work.config, work.progress
    there, size_px = work.ledger.files, work.model.facts.size_px
    together = config.batch_size or fitting_batch(size_px, resolve_device(config.device))
    shown: list[np.ndarray] = []
    with Writer(work.ledger, progress.folder) as writer:
        for start in range(0, config.count, together):
            indices = range(start, min(start + together, config.count))
            rows = _readable(work, indices)
            if rows:
                files = {index: row.file for index, row in rows.items()}
                if there.issuperset(files.values()):
                    folder = progress.folder / "images"
                    pictures = np.stack([load_square(folder / file, size_px) for file in files.values()])
                else:
                    pictures = _make(work, list(rows))
                _keep(work, rows, pictures, there, writer)
                if len(shown) < SHOWN:
                    shown += list(pictures)
                    progress.sample(mosaic(shown[:SHOWN]))
            progress.report(indices.stop, config.count)
            progress.raise_if_stopped()


def _readable(work: Work, indices: Sequence[int]) -> dict[int, Provenance]:
    """Return the recipes of some pictures by their numbers; those whose source cannot be read are skipped."""
    rows = dict(zip(indices, _rows(work, indices), strict=True))
    if work.sources:
        for index in indices:
            try:
                work.sources.picture(index)
            except DatasetError as error:
                work.skipped[rows.pop(index).source] = str(error)
    return rows


def _rows(work: Work, indices: Sequence[int]) -> list[Provenance]:
    """Return the recipes of some pictures."""
    rows = []
    for index, labels in zip(indices, work.model.facts.labels_of(indices, work.label), strict=True):
        seed = picture_seed(work.config.seed, index)
        own: dict[str, Any] = {"group": f"synthetic-{work.template['run']}-{work.share.first + index}"}
        if work.sources:
            own = work.sources.recipe(index)
            if labels and not work.label:
                labels = union(str(own["source_labels"]), [labels])
        file = f"{work.share.first + index:06d}-{seed:08x}.png"
        rows.append(Provenance(file=file, labels=labels, seed=seed, **{**work.template, **own}))
    return rows


def _make(work: Work, indices: Sequence[int]) -> np.ndarray:
    """Make pictures, (N, S, S, 3) uint8."""
    config, model = work.config, work.model
    if work.sources is None:
        return model.sample(config.seed, indices, work.label, config.truncation, len(indices))
    if isinstance(model, NoiseModel):
        raise TypeError("a noise model draws over nothing; settings that ask for it are refused")
    sources = np.stack([work.sources.picture(index) for index in indices])
    seeds = [picture_seed(config.seed, index) for index in indices]
    return model.redraw(seeds, sources, work.sources.leaf(indices))


def _keep(work: Work, made: dict[int, Provenance], pictures: np.ndarray, there: set[str], writer: Writer) -> None:
    """Let pictures be named and verified, and write those that are new."""
    rows = list(made.values())
    called, wanted = work.witness.name_all(pictures), [row.labels for row in rows]
    work.called += called
    work.made_as += wanted
    if there.issuperset(row.file for row in rows):
        return
    rows = [row.model_copy(update={"batch": len(rows)}) for row in rows]
    hashes = [perceptual_hash(Image.fromarray(picture)) for picture in pictures]
    if work.verifier:
        verdicts = work.verifier(pictures, called, wanted, _origins(work, made, hashes))
        rows = [Verified(**row.model_dump(), **verdict.recipe()) for row, verdict in zip(rows, verdicts, strict=True)]
    for row, picture, phash in zip(rows, pictures, hashes, strict=True):
        if row.file not in there:
            writer.write(row, picture, phash)


def _origins(work: Work, made: dict[int, Provenance], hashes: Sequence[str]) -> Origins | None:
    """Return what pictures were drawn over; None if it was nothing."""
    if work.sources is None:
        return None
    rows, sources = made.values(), np.stack([work.sources.picture(index) for index in made])
    leaves = work.sources.leaf(list(made))
    twins = [work.twins.find(row.file, phash) for row, phash in zip(rows, hashes, strict=True)]
    everywhere = np.ones(sources.shape[:3], bool)
    return Origins(sources, everywhere if leaves is None else leaves, [row.group for row in rows], twins)


def _result(work: Work) -> SynthesizeResult:
    """Sum up what was made."""
    progress = work.progress
    rows = work.share.rows(work.ledger.rows, work.config.count)
    accepted = [row for row in rows if not row.get("failed")]
    interpretation = work.witness.interpret(work.called, work.made_as)
    if interpretation.warning:
        progress.warn(interpretation.warning)
    if work.skipped:
        progress.warn(f"{len(work.skipped)} sources could not be read, first: {next(iter(work.skipped.values()))}")
    verification = Verification.of(rows, work.verifier.checks.values()) if work.verifier else None
    made = Counter(str(row["labels"]) for row in accepted)
    return SynthesizeResult(
        count=len(accepted),
        labels=next(iter(made)) if len(made) == 1 else "",
        size_px=work.model.facts.size_px,
        skipped=work.skipped,
        made=dict(made),
        interpretation=interpretation,
        verification=verification,
    )
