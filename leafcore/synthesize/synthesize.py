"""The verb that makes synthetic pictures."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from leafcore.chains import blends, chain_labels, open_chain, source_of
from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import label_set
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import mask_files
from leafcore.data.seen import load_seen, merge, save_seen
from leafcore.data.synthetic_sets import Ledger, Provenance
from leafcore.environment import environment
from leafcore.errors import DatasetError
from leafcore.files import require_space
from leafcore.generate import Chain, Leaves
from leafcore.images import load_square, sheet, to_signed, to_uint8
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.from_noise import synthesize_from_noise
from leafcore.synthesize.sources import choose_sources
from leafcore.synthesize.written import SynthesizeResult, step_of, write_picture
from leafcore.train.device import resolve_device, uses_bf16
from leafcore.workspace import Workspace

SHOWN = 6  # sources in the run's picture


def synthesize(config: SynthesizeConfig, workspace: Workspace, progress: Progress) -> SynthesizeResult:
    """Translate train pictures through a chain, or make pictures from noise; see `synthesize_from_noise`.

    Each is written with its recipe inside and a row in the manifest.

    A resumed run makes only what is missing. A stop keeps what exists, with its manifest.

    Raises:
        InputError: A name is unknown or holds other weights than were asked for, the chain does not fit together, or
            there are too few sources.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    if config.checkpoint:
        return synthesize_from_noise(config, workspace, progress)
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    checkpoints = open_chain(workspace, config.chain)
    sources = choose_sources(dataset, config.source, config.count, config.seed)
    chain = Chain(checkpoints, resolve_device(config.device), workspace, config.strength, config.precision)
    labels = chain_labels(config.source, checkpoints)
    if source_of(checkpoints[0]) not in {"", label_set(config.source)}:
        progress.warn(
            f"{checkpoints[0].name} was trained on {source_of(checkpoints[0])} pictures and is given {config.source} "
            "pictures."
        )
    seen = merge(*(checkpoint.seen() for checkpoint in checkpoints), {"source": list(sources["sha256"])})
    save_seen(progress.folder, merge(load_seen(progress.folder), seen))  # what came before a stop stays seen
    leaves = Leaves(mask_files(workspace, dataset, list(sources["image"]), config.masks), chain.size_px)
    wants_masks = any(map(blends, checkpoints))
    if wants_masks and not all(leaves.files.values()):
        progress.warn("Some sources have no mask: translators that change the leaf only change these all over.")
    template = _template(config, dataset, checkpoints, chain.size_px, labels, progress)
    template |= chain.recipe()
    template["masks"] = (config.masks or "exact") if wants_masks else "none"

    progress.phase("translating")
    require_space(progress.folder, config.count * chain.size_px**2 * 3)
    ledger = Ledger(progress.folder)
    skipped: dict[str, str] = {}
    try:
        _translate_all(config, dataset, sources, chain, template, leaves, ledger, skipped, progress)
    finally:
        ledger.write_tables()
    if not ledger.rows:
        raise DatasetError(f"source: no picture could be read; first: {next(iter(skipped.values()), 'none')}")
    if skipped:
        progress.warn(f"{len(skipped)} sources could not be read, first: {next(iter(skipped.values()))}")
    count = len(ledger.rows)
    return SynthesizeResult(count=count, labels=labels, size_px=chain.size_px, skipped=skipped, made={labels: count})


def _template(
    config: SynthesizeConfig,
    dataset: Dataset,
    checkpoints: Sequence[Checkpoint],
    size_px: int,
    labels: str,
    progress: Progress,
) -> dict[str, Any]:
    """Return what the provenance of all pictures of this run has in common."""
    return {
        "labels": labels,
        "label_rule": "union of the source's labels and each step's target, healthy dropped",
        "source_labels": config.source,
        "split": "train",
        "dataset": dataset.ref,
        "chain": tuple(map(step_of, checkpoints)),
        "size_px": size_px,
        "precision": "bf16" if uses_bf16(resolve_device(config.device), config.precision) else "fp32",
        "run": progress.folder.name,
        "config_hash": config.digest(),
        "code_version": code_version(),
        **environment(str(resolve_device(config.device))),
        "source_license": dataset.card.license,
        "weights_license": "; ".join(sorted({checkpoint.card.license for checkpoint in checkpoints})),
    }


def _translate_all(
    config: SynthesizeConfig,
    dataset: Dataset,
    sources: pd.DataFrame,
    chain: Chain,
    template: dict[str, Any],
    leaves: Leaves,
    ledger: Ledger,
    skipped: dict[str, str],
    progress: Progress,
) -> None:
    """Translate the sources that have no picture yet."""
    there = ledger.files
    todo = []
    for index, source in enumerate(dataset.rows(sources)):
        row = _provenance(template, source, index, config.seed)
        if row.file not in there:
            todo.append(row)
    done = len(sources) - len(todo)
    for start in range(0, len(todo), config.batch_size):
        rows = todo[start : start + config.batch_size]
        rows, pictures = _decode(dataset, rows, chain.size_px, skipped)
        if rows:
            masks = leaves([row.source for row in rows])
            signed = to_signed(torch.from_numpy(pictures).permute(0, 3, 1, 2))
            steps = [to_uint8(step) for step in chain(signed, masks, [row.seed for row in rows])]
            for row, picture in zip(rows, steps[-1], strict=True):
                write_picture(row, picture, ledger, progress)
            if start < SHOWN:
                shown = [[pictures[i], *(step[i] for step in steps)] for i in range(min(SHOWN, len(rows)))]
                progress.sample(sheet(shown))
        done += min(config.batch_size, len(todo) - start)
        progress.report(done, len(sources))
        progress.raise_if_stopped()


def _provenance(template: dict[str, Any], source: dict[str, Any], index: int, seed: int) -> Provenance:
    stem = hashlib.sha256(f"{source['sha256']}".encode()).hexdigest()[:8]
    return Provenance(
        file=f"{index:06d}-{stem}.png",
        source=source["image"],
        source_sha256=source["sha256"],
        group=source["group"],
        seed=int(np.random.SeedSequence([seed, index]).generate_state(1)[0]),
        **template,
    )


def _decode(
    dataset: Dataset, rows: list[Provenance], size_px: int, skipped: dict[str, str]
) -> tuple[list[Provenance], np.ndarray]:
    """Decode the sources of some rows, leaving out those that cannot be read; (N, S, S, 3) uint8."""
    kept, pictures = [], []
    for row in rows:
        try:
            pictures.append(load_square(dataset.root / row.source, size_px))
            kept.append(row)
        except DatasetError as error:
            skipped[row.source] = str(error)
    return kept, np.stack(pictures) if pictures else np.zeros((0, size_px, size_px, 3), np.uint8)
