"""Routes of the queue: its order, when a run may begin, the end of all that wait."""

from typing import Annotated

from fastapi import FastAPI, Query

from leafcore.api.view import RunView, view
from leafcore.queue import Move, cancel_pending, hold_until, move, queue
from leafcore.runs import open_run
from leafcore.workspace import Workspace

Moment = Annotated[float, Query(ge=0, lt=1e11, allow_inf_nan=False)]


def add_queue(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes that steer what waits."""

    @api.get("/queue")
    def waiting() -> list[RunView]:
        """List the runs that wait, in the order in which they run."""
        return [view(run) for run in queue(workspace)]

    @api.post("/queue/{run_id}/{where}")
    def move_run(run_id: str, where: Move) -> list[RunView]:
        """Let a run that waits go next, or change places with its neighbour."""
        move(workspace, open_run(workspace, run_id), where)
        return waiting()

    @api.post("/queue/{run_id}")
    def hold(run_id: str, not_before: Moment | None = None) -> list[RunView]:
        """Let a run that waits begin no earlier than at a moment, in seconds since 1970; at once if none is given."""
        hold_until(open_run(workspace, run_id), not_before)
        return waiting()

    @api.delete("/queue")
    def cancel() -> list[str]:
        """Stop all that wait; what runs goes on."""
        return [run.id for run in cancel_pending(workspace)]
