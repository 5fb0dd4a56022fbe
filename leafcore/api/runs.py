"""Routes of runs: submit, show, stop, resume, extend, repeat, fix, delete, promote, and the stream of a status."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import anyio
from fastapi import Body, FastAPI, Header, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from leafcore.api.idempotency import submit_keyed
from leafcore.api.view import RunView, view
from leafcore.checkpoints import CheckpointCard, promote
from leafcore.continuing import again, extend, run_fixed
from leafcore.jobs import build_config, submit
from leafcore.lanes import end_at_once
from leafcore.runs import ACTIVE, Run, list_runs, open_run
from leafcore.serving import Shutdown
from leafcore.trash import delete_run, empty_trash, restore_run
from leafcore.workspace import Workspace

EVENT_S = 0.5

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="A word of your choice for this wish. Sent again, it answers the run that was queued first.",
    ),
]


class Submission(BaseModel):
    """A run to queue."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(description="One of the kinds that GET /api/kinds lists.", examples=["synthesize"])
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="The kind's settings; what is not given comes from the preset, then from the defaults.",
        examples=[{"chain": ["healthy-to-rust"], "dataset": "sample-leaves", "count": 24}],
    )
    preset: str | None = Field(default=None, description="Named settings: smoke, draft or paper.")
    title: str = Field(default="", max_length=200, description="What a person reads in lists.")


class Promotion(BaseModel):
    """An epoch to make available to the Studio."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What to call the checkpoint.", examples=["healthy-to-rust"])
    epoch: int | None = Field(default=None, ge=1, description="Which epoch; the last saved one if not given.")
    replace: bool = Field(default=False, description="Whether a checkpoint of that name may be overwritten.")


def add_runs(api: FastAPI, workspace: Workspace, shutdown: Shutdown) -> None:
    """Add the routes that queue runs and follow them; streams end with the server."""

    @api.get("/runs")
    def runs(kind: str | None = None) -> list[RunView]:
        """List runs, newest first."""
        return [view(run) for run in list_runs(workspace, kind)]

    @api.post("/runs", status_code=201, responses={200: {"model": RunView, "description": "Queued before."}})
    def submit_run(submission: Submission, response: Response, key: Key = "") -> RunView:
        """Queue a run; answers 200 if it was queued before, under the same key."""
        kind, title = submission.kind, submission.title
        config = build_config(kind, submission.settings, submission.preset)
        if not key:
            return view(submit(workspace, kind, config, title=title))
        run, is_new = submit_keyed(workspace, key, submission.model_dump_json(), kind, config, title=title)
        if not is_new:
            response.status_code = 200
        return view(run)

    @api.get("/runs/{run_id}")
    def show(run_id: str) -> RunView:
        """Show a run."""
        return view(open_run(workspace, run_id))

    @api.get("/runs/{run_id}/metrics")
    def metrics(run_id: str) -> list[dict[str, float | None]]:
        """Return every report of a run."""
        return [dict(row) for row in open_run(workspace, run_id).metrics()]

    @api.get("/runs/{run_id}/log", response_class=PlainTextResponse)
    def log(run_id: str) -> str:
        """Return the end of a run's log."""
        return open_run(workspace, run_id).log()

    @api.get(
        "/runs/{run_id}/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    def events(run_id: str) -> StreamingResponse:
        """Stream a run's status as server-sent events until the run ends, or the server does."""
        run = open_run(workspace, run_id)
        return StreamingResponse(status_events(run, shutdown), media_type="text/event-stream")


def add_steering(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes that do something with a run."""

    @api.post("/runs/{run_id}/stop")
    def stop(run_id: str, how: Literal["save", "pause", "now"] = "save") -> RunView:
        """Ask a run to save and end; "pause" keeps its place in the queue, "now" ends it without saving."""
        run = open_run(workspace, run_id)
        if how == "now":
            end_at_once(run)
        else:
            run.request_stop("pause" if how == "pause" else "user")
        return view(run)

    @api.post("/runs/{run_id}/extend", status_code=201)
    def extend_run(run_id: str, epochs: int) -> RunView:
        """Queue a run that trains a translation for more epochs."""
        return view(extend(workspace, open_run(workspace, run_id), epochs))

    @api.post("/runs/{run_id}/again", status_code=201)
    def train_again(run_id: str, seeds: Annotated[list[int], Query(min_length=1, max_length=20)]) -> list[RunView]:
        """Queue a training again from the start, once for each of other seeds."""
        return [view(run) for run in again(workspace, open_run(workspace, run_id), seeds)]

    @api.post("/runs/{run_id}/fix", status_code=201)
    def fix(run_id: str) -> RunView:
        """Queue a failed run again with the settings that its failure asks for."""
        return view(run_fixed(workspace, open_run(workspace, run_id)))

    @api.delete("/runs/{run_id}")
    def delete(run_id: str) -> dict[str, str]:
        """Move a run into the trash, unless something was made of it."""
        return {"trash": str(delete_run(workspace, open_run(workspace, run_id)))}

    @api.post("/runs/{run_id}/restore")
    def restore(run_id: str) -> RunView:
        """Take a run out of the trash again."""
        return view(restore_run(workspace, run_id))

    @api.delete("/trash")
    def empty() -> dict[str, int]:
        """Remove the deleted runs for good, and answer how many bytes that was."""
        return {"bytes": empty_trash(workspace)}

    @api.post("/runs/{run_id}/resume")
    def resume(run_id: str) -> RunView:
        """Queue a failed, stopped or interrupted run again; it goes on from what it saved."""
        run = open_run(workspace, run_id)
        run.requeue()
        return view(run)

    @api.post("/runs/{run_id}/promote", status_code=201)
    def promote_epoch(run_id: str, promotion: Annotated[Promotion, Body()]) -> CheckpointCard:
        """Make an epoch available to the Studio."""
        run = open_run(workspace, run_id)
        return promote(workspace, run.id, promotion.name, epoch=promotion.epoch, replace=promotion.replace).card


async def status_events(run: Run, shutdown: Shutdown) -> AsyncIterator[str]:
    """Yield the status whenever it changes, last when the run has ended or the server is about to."""
    last = None
    while True:
        status = await anyio.to_thread.run_sync(run.status)
        if status != last:
            yield f"event: status\ndata: {status.model_dump_json()}\n\n"
            last = status
        if status.state not in ACTIVE or shutdown.has_begun:
            return
        await anyio.sleep(EVENT_S)
