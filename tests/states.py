"""Runs in any state, made without carrying anything out."""

from leafcore.jobs import build_config
from leafcore.runs import Run, create_run
from leafcore.workspace import Workspace


def new_run(workspace: Workspace, name: str = "leaves", **values) -> Run:
    """Queue the drawing of a dataset."""
    return create_run(workspace, "render", build_config("render", {"name": name}), **values)


def write_state(run: Run, state: str, **changes) -> None:
    """Write how a run stands, whoever holds it."""
    run.write_status(run.status_written().model_copy(update={"state": state, **changes}))
