"""A run as the API shows it."""

from typing import Any

from pydantic import BaseModel

from leafcore.runs import Record, Run, Status


class RunView(BaseModel):
    """A run as the API shows it."""

    run: str
    path: str
    record: Record
    status: Status
    result: dict[str, Any]


def view(run: Run) -> RunView:
    """Return a run with its record, its status and its result."""
    return RunView(run=run.id, path=str(run.folder), record=run.record, status=run.status(), result=run.result())
