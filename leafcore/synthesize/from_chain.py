"""Synthesis through a chain: photographs in, each translated step by step."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from leafcore.chain_steps import LABEL_RULES, Step
from leafcore.chains import chain_labels, open_chain, require_leaves, sizing_method
from leafcore.data.duplicates import perceptual_hash
from leafcore.data.labels import label_set
from leafcore.data.ledger import Ledger
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import mask_files
from leafcore.data.seen import Seen, load_seen, merge, save_seen
from leafcore.data.synthetic_sets import Provenance, Verified
from leafcore.environment import environment
from leafcore.errors import DatasetError
from leafcore.files import require_space
from leafcore.generate import Chain, Leaves
from leafcore.images import load_square, sheet, to_signed, to_uint8
from leafcore.measure.witness import NO_JUDGE, Witness, open_witness_of_chain
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.synthesize.configs import AUTO, SynthesizeConfig
from leafcore.synthesize.heeded import require_heeded_by_chain
from leafcore.synthesize.parts import Share
from leafcore.synthesize.reals import learned_from
from leafcore.synthesize.result import SynthesizeResult
from leafcore.synthesize.sources import choose_sources
from leafcore.synthesize.translated import Origins, Twins
from leafcore.synthesize.verdicts import Verification
from leafcore.synthesize.verification import Verifier, naming, open_verifier, verifying_translations
from leafcore.synthesize.written import TRANSLATING, Writer, step_of
from leafcore.train.device import fitting_batch, resolve_device, uses_bf16
from leafcore.wish import wish_of
from leafcore.workspace import Workspace

SHOWN = 6  # sources in the run's picture


@dataclass
class Work:
    """What a run works with.

    Attributes:
        config: What is asked.
        dataset: Whose pictures are translated.
        sources: Their records.
        chain: What translates them.
        leaves: Their masks.
        template: What the recipes of all pictures have in common.
        witness: Names the pictures.
        verifier: Accepts or rejects them; None if all are kept.
        ledger: Where their rows go.
        progress: Who watches.
        share: Which of the run's pictures these are.
        skipped: Sources that could not be read, and why.
    """

    config: SynthesizeConfig
    dataset: Dataset
    sources: pd.DataFrame
    chain: Chain
    leaves: Leaves
    template: dict[str, Any]
    witness: Witness
    verifier: Verifier | None
    ledger: Ledger
    progress: Progress
    share: Share
    skipped: dict[str, str] = field(default_factory=dict)


def synthesize_from_chain(
    config: SynthesizeConfig, workspace: Workspace, progress: Progress, share: Share
) -> SynthesizeResult:
    """Translate train pictures through a chain; each is written with its recipe inside and a row in the manifest.

    What fails verification is kept apart, with the reason. A resumed run makes only what is missing. A stop keeps what
    exists, with its manifest.

    Raises:
        InputError: A name is unknown or holds other weights than were asked for, the chain does not fit together, or
            there are too few sources.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    progress.phase("loading")
    work = _prepare(config, workspace, progress, share)
    progress.phase(TRANSLATING)
    require_space(progress.folder, config.count * work.chain.size_px**2 * 3)
    try:
        _translate_all(work)
    finally:
        work.ledger.write_tables()
    return _result(work)


def _prepare(config: SynthesizeConfig, workspace: Workspace, progress: Progress, share: Share) -> Work:
    """Open chain, sources and judges, and write down what the pictures come from."""
    dataset = load(workspace, config.dataset)
    steps = open_chain(workspace, config.chain)
    sources = choose_sources(dataset, config.source, config.count, config.seed, config.sources_from, share.drawn)
    files = mask_files(workspace, dataset, list(sources["image"]), config.masks)
    require_leaves(steps, files, dataset)
    device = resolve_device(config.device)
    require_heeded_by_chain(config, steps)
    chain = Chain(
        steps, device, workspace, wish_of(config), config.size_px, config.sizing, config.precision, config.base
    )
    for model in chain.drawing:
        model.warn_of_tokens(progress)
    first = steps[0]
    if first.source not in {"", label_set(config.source)}:
        progress.warn(f"{first.name} was trained on {first.source} pictures and is given {config.source} pictures.")
    seen = merge(*(step.checkpoint.seen() for step in steps), {"source": list(sources["sha256"])})
    save_seen(progress.folder, merge(load_seen(progress.folder), seen))  # what came before a stop stays seen
    leaves = Leaves(files, chain.size_px)
    wants_masks = any(step.masked for step in steps)
    if wants_masks and not all(files.values()):
        progress.warn("Some sources have no mask: translators that change the leaf only change these all over.")
    template = _template(config, dataset, steps, chain.size_px, progress, share)
    template |= chain.recipe()
    template["masks"] = (config.masks or "exact") if wants_masks else "none"
    witness, verifier = _open_judges(
        config, workspace, dataset, steps, seen, template["labels"], leaves, device, progress
    )
    ledger = Ledger(progress.folder)
    return Work(config, dataset, sources, chain, leaves, template, witness, verifier, ledger, progress, share)


def _open_judges(
    config: SynthesizeConfig,
    workspace: Workspace,
    dataset: Dataset,
    steps: Sequence[Step],
    seen: Seen,
    labels: str,
    leaves: Leaves,
    device: torch.device,
    progress: Progress,
) -> tuple[Witness, Verifier | None]:
    """Try what names and verifies the translations; nothing does if nobody wants it."""
    judge = NO_JUDGE if config.verify == "no" or config.judge == AUTO else config.judge
    told_apart = {label_set(config.source), labels}
    witness = open_witness_of_chain(workspace, dataset, judge, told_apart, leaves.size_px, device)
    if config.verify == "no":
        return witness, None
    by_everything = config.verifies(from_prompt=any(step.draws for step in steps))
    judges = naming(witness)
    if by_everything:
        datasets = learned_from((step.checkpoint for step in steps), dataset.ref)
        judges = open_verifier(config, workspace, datasets, seen, witness, leaves.size_px, device, progress)
    else:
        judges.tell_strangers(dataset, progress)
    verifier = verifying_translations(config, judges, masked=any(leaves.files.values()))
    save_seen(progress.folder, merge(load_seen(progress.folder), verifier.seen))
    if by_everything:
        verifier.tell_withheld(progress)
    return witness, verifier


def _template(
    config: SynthesizeConfig, dataset: Dataset, steps: Sequence[Step], size_px: int, progress: Progress, share: Share
) -> dict[str, Any]:
    """Return what the provenance of all pictures of this run has in common."""
    return {
        "labels": chain_labels(config.source, steps, config.label_rule, config.custom_label),
        "label_rule": LABEL_RULES[config.label_rule],
        "source_labels": config.source,
        "split": config.sources_from,
        "override": config.override,
        "dataset": dataset.ref,
        "chain": tuple(
            step_of(
                step.checkpoint,
                back=step.how.back,
                strength=step.how.strength,
                where="leaf" if step.masked else "all",
            )
            for step in steps
        ),
        "size_px": size_px,
        "method": sizing_method(steps, size_px, config.sizing),
        "precision": "bf16" if uses_bf16(resolve_device(config.device), config.precision) else "fp32",
        "run": progress.folder.name,
        "config_hash": share.config_hash or config.digest(),
        "code_version": code_version(),
        **environment(str(resolve_device(config.device))),
        "source_license": dataset.card.license,
        "weights_license": "; ".join(sorted({step.card.license for step in steps})),
    }


def _translate_all(work: Work) -> None:
    """Translate the sources that have no picture yet."""
    config, progress = work.config, work.progress
    there, twins = work.ledger.files, Twins(work.ledger.rows)
    rows = [
        _provenance(work, source, index)
        for index, source in enumerate(work.dataset.rows(work.sources), work.share.first)
    ]
    todo = [row for row in rows if row.file not in there]
    together = config.batch_size or fitting_batch(work.chain.size_px, resolve_device(config.device))
    shown: list[list[np.ndarray]] = []
    with Writer(work.ledger, progress.folder) as writer:
        for start in range(0, len(todo), together):
            batch, sources = _decode(work, todo[start : start + together])
            if batch:
                batch = [row.model_copy(update={"batch": len(batch)}) for row in batch]
                masks = work.leaves([row.source for row in batch])
                signed = to_signed(torch.from_numpy(sources).permute(0, 3, 1, 2))
                steps = [to_uint8(step) for step in work.chain(signed, masks, [row.seed for row in batch])]
                _keep(work, batch, sources, masks, steps, twins, writer)
                if len(shown) < SHOWN:
                    shown += [[sources[i], *(step[i] for step in steps)] for i in range(len(batch))]
                    progress.sample(sheet(shown[:SHOWN]))
            progress.report(len(rows) - len(todo) + min(start + together, len(todo)), len(rows))
            progress.raise_if_stopped()


def _keep(
    work: Work,
    rows: Sequence[Provenance],
    sources: np.ndarray,
    masks: torch.Tensor,
    steps: Sequence[np.ndarray],
    twins: Twins,
    writer: Writer,
) -> None:
    """Let translations be named and verified, and write them, with what was made on the way if that is wanted."""
    *on_the_way, pictures = steps
    if not work.config.keep_steps:
        on_the_way = []
    rows = [_naming_steps(row, len(on_the_way)) for row in rows]
    hashes = [perceptual_hash(Image.fromarray(picture)) for picture in pictures]
    if work.verifier:
        alike = [twins.find(row.file, phash) for row, phash in zip(rows, hashes, strict=True)]
        origins = Origins(sources, masks[:, 0].numpy() > 0.5, [row.group for row in rows], alike)
        called = work.witness.name_all(pictures)
        verdicts = work.verifier(pictures, called, [row.labels for row in rows], origins)
        rows = [Verified(**row.model_dump(), **verdict.recipe()) for row, verdict in zip(rows, verdicts, strict=True)]
    for index, row in enumerate(rows):
        writer.write(row, pictures[index], hashes[index], [step[index] for step in on_the_way])


def _naming_steps(row: Provenance, count: int) -> Provenance:
    """Return a recipe whose first steps name the files of what they made."""
    stem = Path(row.file).stem
    named = [step.model_copy(update={"file": f"{stem}.{n}.png"}) for n, step in enumerate(row.chain[:count], start=1)]
    return row.model_copy(update={"chain": (*named, *row.chain[count:])})


def _result(work: Work) -> SynthesizeResult:
    """Sum up what was made."""
    rows, progress = work.share.rows(work.ledger.rows, work.config.count), work.progress
    if work.skipped:
        progress.warn(f"{len(work.skipped)} sources could not be read, first: {next(iter(work.skipped.values()))}")
    interpretation = verification = None
    if work.verifier:
        made_as = [str(row["labels"]) for row in rows]
        interpretation = work.witness.interpret([str(row.get("called", "")) for row in rows], made_as)
        verification = Verification.of(rows, work.verifier.checks.values())
    count, labels = sum(not row.get("failed") for row in rows), str(work.template["labels"])
    return SynthesizeResult(
        count=count,
        labels=labels,
        size_px=work.chain.size_px,
        skipped=work.skipped,
        made={labels: count} if count else {},
        interpretation=interpretation,
        verification=verification,
    )


def _provenance(work: Work, source: dict[str, Any], index: int) -> Provenance:
    told = work.template
    if work.leaves.files[source["image"]] is None:  # then a step that changes the leaf only changed it all over
        chain = tuple(step.model_copy(update={"where": "all"}) for step in told["chain"])
        told = {**told, "masks": "none", "chain": chain}
    stem = hashlib.sha256(f"{source['sha256']}".encode()).hexdigest()[:8]
    return Provenance(
        file=f"{index:06d}-{stem}.png",
        source=source["image"],
        source_sha256=source["sha256"],
        group=source["group"],
        seed=picture_seed(work.config.seed, index),
        **told,
    )


def _decode(work: Work, rows: Sequence[Provenance]) -> tuple[list[Provenance], np.ndarray]:
    """Decode the sources of some rows, leaving out those that cannot be read; (N, S, S, 3) uint8."""
    kept, pictures, size_px = [], [], work.chain.size_px
    for row in rows:
        try:
            pictures.append(load_square(work.dataset.root / row.source, size_px))
            kept.append(row)
        except DatasetError as error:
            work.skipped[row.source] = str(error)
    return kept, np.stack(pictures) if pictures else np.zeros((0, size_px, size_px, 3), np.uint8)
