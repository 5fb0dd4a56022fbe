"""Which epochs' weights a run keeps: the last, the best, every k-th, and whatever somebody has chosen or is reading."""

from contextlib import suppress
from pathlib import Path

from leafcore.checkpoints import epochs, list_checkpoints
from leafcore.runs import ACTIVE, list_runs
from leafcore.train.checkpointing import weights_path
from leafcore.workspace import Workspace


def prune(folder: Path, keep_every: int, best: int, pinned: set[int] | None) -> list[int]:
    """Remove the weights that need not stay; samples, scores and the state always do.

    Args:
        folder: The run's.
        keep_every: Every so many epochs' weights stay, at least 1.
        best: The epoch to use so far, 0 if there is none.
        pinned: Further epochs that stay; None: all do, for somebody reads them.

    Returns:
        The epochs whose weights were removed.
    """
    saved = epochs(folder)
    if pinned is None or not saved:
        return []
    kept = {saved[-1], best, *pinned}
    gone = [epoch for epoch in saved if epoch not in kept and epoch % keep_every]
    for epoch in gone:
        with suppress(PermissionError):  # on Windows, somebody has it open: the next time, then
            weights_path(folder, epoch).unlink(missing_ok=True)
    return gone


def pinned_epochs(workspace: Workspace, run_id: str) -> set[int] | None:
    """Return the epochs of a run that a checkpoint was made of or that its scores recommend; None if it is in use.

    A promoted checkpoint is a copy; the epoch it was made of stays all the same, so that it can still be looked at and
    compared. While a queued or running run uses this one, nobody can say which epoch it will open.
    """
    named = {checkpoint.card.epoch for checkpoint in list_checkpoints(workspace) if checkpoint.card.run == run_id}
    for run in list_runs(workspace):
        if run_id not in run.record.uses:
            continue
        state = run.status().state
        if state in ACTIVE:
            return None
        if run.kind == "score" and state == "done" and (chosen := run.result().get("recommended")):
            named.add(chosen)
    return named
