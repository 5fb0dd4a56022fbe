"""Checks of the masks that a config names, and of the corrections that masks are made with."""

from typing import Any

from leafcore.chain_checks import steps_there
from leafcore.chains import masks_for, masks_of, require_leaves
from leafcore.data.manifest import load
from leafcore.data.mask_sets import mask_files, open_mask_set, require_masked
from leafcore.masks.corrections import DRAFT, load_draft, load_snapshot, snapshot
from leafcore.path_checks import Checked
from leafcore.pins import is_pending, pin
from leafcore.synthesize.configs import WHOLE, WHOLE_OF_PROMPT
from leafcore.synthesize.sources import choose_sources
from leafcore.workspace import Workspace


def check_masks(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look up a mask set of the dataset's pictures."""
    if not is_pending(workspace, value):
        dataset = load(workspace, config.dataset)
        open_mask_set(workspace, value).masked(dataset, dataset.records)
    return value, [value]


def check_chain_masks(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose a mask set for what wants one, if none is named, and refuse to draw inside leaves that are not known."""
    if config.checkpoint and (value == WHOLE or not config.source):  # what is made from noise has no leaf
        return value, []
    chosen = value or _choose_masks(workspace, config)
    used = check_masks(workspace, config, chosen)[1] if chosen else []
    if not (chosen and is_pending(workspace, chosen)):
        _require_leaves(workspace, config, chosen)
    return chosen, used


def _choose_masks(workspace: Workspace, config: Any) -> str:
    dataset = load(workspace, config.dataset)
    if config.checkpoint or config.verify != "no":  # what verifies the background needs masks that no step may want
        return masks_of(workspace, dataset)
    there = steps_there(workspace, config)
    is_known = len(there) == len(config.chain)  # what is yet to be trained may want masks
    return masks_for(workspace, dataset, there) if is_known else masks_of(workspace, dataset)


def _require_leaves(workspace: Workspace, config: Any, masks: str) -> None:
    """Refuse when it is asked for what the run would refuse: to draw inside leaves that are not known."""
    there = [] if config.checkpoint else steps_there(workspace, config)
    if not config.checkpoint and not any(step.draws and step.masked for step in there):
        return
    dataset = load(workspace, config.dataset)
    sources = choose_sources(dataset, config.source, config.count, config.seed, config.sources_from)
    files = mask_files(workspace, dataset, list(sources["image"]), masks)
    if config.checkpoint:
        require_masked(files, dataset, WHOLE_OF_PROMPT)
    require_leaves(there, files, dataset)


def check_corrections(workspace: Workspace, config: Any, value: str) -> Checked:
    """Copy the draft as it is now, so that what is corrected later never changes a queued run."""
    if value != DRAFT:
        load_snapshot(workspace, value)
        return value, []
    _, checkpoint, _ = pin(workspace, config.model)
    if checkpoint is None:  # weights that are yet to be trained have drawn nothing that could be corrected
        return snapshot(workspace, {}), []
    return snapshot(workspace, load_draft(workspace, config.dataset, checkpoint.card.weights_sha256)), []
