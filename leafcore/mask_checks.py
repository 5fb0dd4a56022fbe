"""Checks of the masks that a config names, and of the corrections that masks are made with."""

from typing import Any

from leafcore.chain_checks import steps_there
from leafcore.chains import masks_for, masks_of
from leafcore.data.manifest import load
from leafcore.data.mask_sets import open_mask_set
from leafcore.masks.corrections import DRAFT, load_draft, load_snapshot, snapshot
from leafcore.path_checks import Checked
from leafcore.pins import is_pending, pin
from leafcore.synthesize.configs import WHOLE
from leafcore.workspace import Workspace


def check_masks(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look up a mask set of the dataset's pictures."""
    if not is_pending(workspace, value):
        dataset = load(workspace, config.dataset)
        open_mask_set(workspace, value).masked(dataset, dataset.records)
    return value, [value]


def check_chain_masks(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose a mask set for translators that want one, if none is named."""
    if value == WHOLE and config.checkpoint:
        return value, []
    if value:
        return check_masks(workspace, config, value)
    if config.checkpoint:  # what is made from noise has no leaf that is known
        chosen = masks_of(workspace, load(workspace, config.dataset)) if config.source else ""
        return chosen, [chosen] if chosen else []
    there = steps_there(workspace, config)
    dataset = load(workspace, config.dataset)  # what verifies the background needs masks that no step may want
    chosen = masks_for(workspace, dataset, there) if config.verify == "no" else masks_of(workspace, dataset)
    return chosen, [chosen] if chosen else []


def check_corrections(workspace: Workspace, config: Any, value: str) -> Checked:
    """Copy the draft as it is now, so that what is corrected later never changes a queued run."""
    if value != DRAFT:
        load_snapshot(workspace, value)
        return value, []
    _, checkpoint, _ = pin(workspace, config.model)
    if checkpoint is None:  # weights that are yet to be trained have drawn nothing that could be corrected
        return snapshot(workspace, {}), []
    return snapshot(workspace, load_draft(workspace, config.dataset, checkpoint.card.weights_sha256)), []
