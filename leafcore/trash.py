"""Deleting a run, with a way back: it goes into the workspace's trash, and out of it again."""

import os
import shutil
from pathlib import Path

from leafcore.checkpoints import list_checkpoints
from leafcore.errors import JobError, NotFoundError
from leafcore.files import size_bytes
from leafcore.lineage import dependants
from leafcore.runs import ACTIVE, Run, announce, list_runs
from leafcore.workspace import Workspace, check_name


def delete_run(workspace: Workspace, run: Run) -> Path:
    """Move a run into the trash.

    Returns:
        Where it lies now.

    Raises:
        JobError: It is queued or at work, or something was made of it that still exists.
    """
    runs = {each.id: each for each in list_runs(workspace)}
    checkpoints = [each for each in list_checkpoints(workspace) if not each.shipped]
    made = [f"{node.what} {node.name}" for node in dependants(run, runs, checkpoints)]
    if made:
        raise JobError(f"Run {run.id} is needed by {', '.join(made)}; delete those first.")
    if (state := run.status().state) in ACTIVE:
        raise JobError(f"Run {run.id} is {state}; stop it first.")
    target = workspace.trash / run.id
    target.parent.mkdir(parents=True, exist_ok=True)
    with run.locked():
        os.replace(run.folder, target)
    announce(workspace.runs)
    return target


def restore_run(workspace: Workspace, run_id: str) -> Run:
    """Take a run back out of the trash.

    Raises:
        NotFoundError: It is not there.
    """
    source = workspace.trash / check_name(run_id, "run")
    if not source.exists():
        raise NotFoundError(f"run: there is no run {run_id!r} in {workspace.trash}.")
    os.replace(source, workspace.run(run_id))
    announce(workspace.runs)
    return Run(workspace.run(run_id))


def in_trash(workspace: Workspace) -> list[Run]:
    """Return the deleted runs, newest first."""
    if not workspace.trash.exists():
        return []
    return [Run(path) for path in sorted(workspace.trash.iterdir(), reverse=True) if (path / "config.json").exists()]


def empty_trash(workspace: Workspace) -> int:
    """Remove what was deleted, for good.

    Returns:
        How many bytes that was.
    """
    freed = size_bytes(workspace.trash)
    shutil.rmtree(workspace.trash, ignore_errors=True)
    return freed
