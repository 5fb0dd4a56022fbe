"""Looking up what probes and reports name; see `checks.py`."""

from typing import Any

from leafcore.chains import masks_of
from leafcore.data.manifest import load
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import ConfigError
from leafcore.path_checks import Checked
from leafcore.pins import is_pending
from leafcore.runs import open_run
from leafcore.workspace import Workspace


def check_probe_masks(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose the masks of a probe now: those that are named, the dataset's exact ones, or its newest set."""
    dataset = load(workspace, config.dataset)
    if value:
        if not is_pending(workspace, value):
            open_mask_set(workspace, value).masked(dataset, dataset.records)
        return value, [value]
    chosen = masks_of(workspace, dataset)
    if not chosen and not (dataset.records["mask"] != "").any():
        raise ConfigError(
            f"masks: nobody knows where the leaves of {dataset.ref} are; save a mask set on the Masks page first, or "
            f"by `python -m leafcore masks --dataset {dataset.name}`."
        )
    return chosen, [chosen] if chosen else []


def check_comparison(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look up the comparison that is to be reported."""
    del config
    run = open_run(workspace, value)
    if run.kind != "evaluate":
        raise ConfigError(f"run: {run.id} is a {run.kind} run, expected an evaluate run.")
    if not is_pending(workspace, value) and not run.result():
        raise ConfigError(f"run: {run.id} is {run.status().state} and has compared nothing; resume it first.")
    return run.id, [run.id]
