"""The REST API: a thin face of the verbs, mounted at `/api` beside the pages.

Streamlit's own protections do not cover mounted routes, so every request's Host and Origin are checked here. A failure
answers `{"error": {"code": ..., "message": ...}}` with the words that the command line and the pages use.
"""

import os
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import anyio
from fastapi import Body, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from leafcore import __version__
from leafcore.checkpoints import CheckpointCard, list_checkpoints, promote
from leafcore.continuing import extend, run_fixed
from leafcore.data import balance
from leafcore.data.manifest import list_datasets, load, versions
from leafcore.data.targets import parse_target
from leafcore.data.uploads import Upload, receive
from leafcore.errors import ConfigError, LeafError, NotFoundError, as_leaf_error
from leafcore.jobs import KINDS, build_config, submit
from leafcore.lanes import end_at_once
from leafcore.plan import BalancePlan, plan_dataset
from leafcore.queue import Move, cancel_pending, hold_until, move, queue
from leafcore.runs import ACTIVE, Record, Run, Status, list_runs, open_run
from leafcore.serving import Shutdown
from leafcore.trash import delete_run, restore_run
from leafcore.workspace import Workspace

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
EVENT_S = 0.5


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


class RunView(BaseModel):
    """A run as the API shows it."""

    run: str
    path: str
    record: Record
    status: Status
    result: dict[str, Any]


class GuardMiddleware:
    """Refuses requests that a browser was tricked into: for another host's name, or from another site's page.

    Args:
        app: What is guarded.
        hosts: The names under which this server may be addressed.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, or pass the request on."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = headers.get(b"host", b"").decode("latin-1")
            origin = headers.get(b"origin", b"").decode("latin-1")
            reason = self._objection(host, origin)
            if reason:
                await _error("forbidden", reason, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _objection(self, host: str, origin: str) -> str:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # "[", for one
            name = ""
        if name not in self._hosts:
            return f"Host: got {host!r}, expected {', '.join(sorted(self._hosts))}. Set LEAF_ALLOWED_HOSTS to allow it."
        if origin and origin.partition("://")[2] != host:
            return f"Origin: got {origin!r}, expected this server's own pages."
        return ""


def build_api(workspace: Workspace, *, hosts: Collection[str] = (), shutdown: Shutdown | None = None) -> FastAPI:
    """Return the API over a workspace.

    Args:
        workspace: What it shows and writes to.
        hosts: Names under which the server may be addressed, beside this machine's and `$LEAF_ALLOWED_HOSTS`.
        shutdown: Begins when the server is asked to end; streams end with it.
    """
    api = FastAPI(title="Leaf Workbench", version=__version__, description=__doc__.splitlines()[0])
    allowed = {name.strip() for name in os.environ.get("LEAF_ALLOWED_HOSTS", "").split(",") if name.strip()}
    api.add_middleware(GuardMiddleware, hosts=LOCAL_HOSTS | allowed | set(hosts))
    api.add_exception_handler(LeafError, _leaf_error)
    api.add_exception_handler(RequestValidationError, _validation_error)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(OSError, _os_error)
    _add_reading(api, workspace)
    _add_runs(api, workspace, shutdown or Shutdown())
    _add_queue(api, workspace)
    _add_files(api, workspace)
    _add_uploads(api, workspace)
    return api


def _error(code: str, message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


async def _leaf_error(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, LeafError)
    return _error(error.code, str(error), error.http_status)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the router refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else "http"
    return _error(code, f"{request.method} {request.url.path}: {error.detail}.", error.status_code)


async def _os_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a full disk or one that may not be written; anything else is a fault of ours."""
    known = as_leaf_error(error)
    if known is None:
        raise error
    return await _leaf_error(request, known)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _error("config", f"{where}: {first['msg']}", 422)


# --- reading ----------------------------------------------------------------------------------------------------------


def _add_reading(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/health")
    def health() -> dict[str, str]:
        """Say that the server is up."""
        return {"status": "ok", "version": __version__}

    @api.get("/datasets")
    def datasets() -> list[str]:
        """List datasets."""
        return list_datasets(workspace)

    @api.get("/datasets/{name}")
    def dataset(name: str) -> dict[str, Any]:
        """Show a dataset's balance, its card and its versions."""
        found = load(workspace, name)
        card = found.card.model_dump(mode="json", exclude={"root", "source"})
        return {**balance.summary(found), "card": card, "versions": versions(workspace, found.name)}

    @api.get("/datasets/{name}/plan")
    def plan(name: str, target: str = "median", cap: int | None = None) -> BalancePlan:
        """Plan what to make so that every label set has the largest's, the median's, the study's or N train pictures.

        With a cap, every label set gets as many, and sources leave train as their translations join.
        """
        return plan_dataset(workspace, load(workspace, name), parse_target(target), cap)

    @api.get("/checkpoints")
    def checkpoints() -> list[CheckpointCard]:
        """List promoted and shipped checkpoints."""
        return [checkpoint.card for checkpoint in list_checkpoints(workspace)]

    @api.get("/kinds")
    def kinds() -> dict[str, Any]:
        """Describe every kind of run: its title, its presets, and the JSON schema of its settings."""
        return {
            name: {"title": kind.title, "presets": dict(kind.config.PRESETS), "schema": kind.config.model_json_schema()}
            for name, kind in KINDS.items()
        }


# --- runs -------------------------------------------------------------------------------------------------------------


def _add_runs(api: FastAPI, workspace: Workspace, shutdown: Shutdown) -> None:
    @api.get("/runs")
    def runs(kind: str | None = None) -> list[RunView]:
        """List runs, newest first."""
        return [_view(run) for run in list_runs(workspace, kind)]

    @api.post("/runs", status_code=201)
    def submit_run(submission: Submission) -> RunView:
        """Queue a run."""
        config = build_config(submission.kind, submission.settings, submission.preset)
        return _view(submit(workspace, submission.kind, config, title=submission.title))

    @api.get("/runs/{run_id}")
    def show(run_id: str) -> RunView:
        """Show a run."""
        return _view(open_run(workspace, run_id))

    @api.post("/runs/{run_id}/stop")
    def stop(run_id: str, how: Literal["save", "pause", "now"] = "save") -> RunView:
        """Ask a run to save and end; "pause" keeps its place in the queue, "now" ends it without saving."""
        run = open_run(workspace, run_id)
        if how == "now":
            end_at_once(run)
        else:
            run.request_stop("pause" if how == "pause" else "user")
        return _view(run)

    @api.post("/runs/{run_id}/extend", status_code=201)
    def extend_run(run_id: str, epochs: int) -> RunView:
        """Queue a run that trains a translation for more epochs."""
        return _view(extend(workspace, open_run(workspace, run_id), epochs))

    @api.post("/runs/{run_id}/fix", status_code=201)
    def fix(run_id: str) -> RunView:
        """Queue a failed run again with the settings that its failure asks for."""
        return _view(run_fixed(workspace, open_run(workspace, run_id)))

    @api.delete("/runs/{run_id}")
    def delete(run_id: str) -> dict[str, str]:
        """Move a run into the trash, unless something was made of it."""
        return {"trash": str(delete_run(workspace, open_run(workspace, run_id)))}

    @api.post("/runs/{run_id}/restore")
    def restore(run_id: str) -> RunView:
        """Take a run out of the trash again."""
        return _view(restore_run(workspace, run_id))

    @api.post("/runs/{run_id}/resume")
    def resume(run_id: str) -> RunView:
        """Queue a failed, stopped or interrupted run again; it goes on from what it saved."""
        run = open_run(workspace, run_id)
        run.requeue()
        return _view(run)

    @api.post("/runs/{run_id}/promote", status_code=201)
    def promote_epoch(run_id: str, promotion: Annotated[Promotion, Body()]) -> CheckpointCard:
        """Make an epoch available to the Studio."""
        run = open_run(workspace, run_id)
        return promote(workspace, run.id, promotion.name, epoch=promotion.epoch, replace=promotion.replace).card

    @api.get("/runs/{run_id}/metrics")
    def metrics(run_id: str) -> list[dict[str, float | None]]:
        """Return every report of a run."""
        return [dict(row) for row in open_run(workspace, run_id).metrics()]

    @api.get("/runs/{run_id}/log", response_class=PlainTextResponse)
    def log(run_id: str) -> str:
        """Return the end of a run's log."""
        return open_run(workspace, run_id).log()

    @api.get("/runs/{run_id}/events")
    def events(run_id: str) -> StreamingResponse:
        """Stream a run's status as server-sent events until the run ends, or the server does."""
        run = open_run(workspace, run_id)
        return StreamingResponse(_status_events(run, shutdown), media_type="text/event-stream")


def _add_queue(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/queue")
    def waiting() -> list[RunView]:
        """List the runs that wait, in the order in which they run."""
        return [_view(run) for run in queue(workspace)]

    @api.post("/queue/{run_id}/{where}")
    def move_run(run_id: str, where: Move) -> list[RunView]:
        """Let a run that waits go next, or change places with its neighbour."""
        move(workspace, open_run(workspace, run_id), where)
        return waiting()

    @api.post("/queue/{run_id}")
    def hold(run_id: str, not_before: float | None = None) -> list[RunView]:
        """Let a run that waits begin no earlier than at a moment, in seconds since 1970; at once if none is given."""
        hold_until(open_run(workspace, run_id), not_before)
        return waiting()

    @api.delete("/queue")
    def cancel() -> list[str]:
        """Stop all that wait; what runs goes on."""
        return [run.id for run in cancel_pending(workspace)]


def _view(run: Run) -> RunView:
    return RunView(run=run.id, path=str(run.folder), record=run.record, status=run.status(), result=run.result())


async def _status_events(run: Run, shutdown: Shutdown) -> AsyncIterator[str]:
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


# --- files ------------------------------------------------------------------------------------------------------------


def _add_files(api: FastAPI, workspace: Workspace) -> None:
    @api.get("/runs/{run_id}/zip", response_class=FileResponse)
    def download(run_id: str) -> FileResponse:
        """Download the ZIP that an export run packed; Range requests resume a broken download."""
        run = open_run(workspace, run_id)
        result = run.result()
        if run.kind != "export" or not result:
            raise NotFoundError(
                f"run: {run_id} is a {run.kind} run in state {run.status().state}, expected a done export."
            )
        packed = _inside(run.folder, "export.zip")
        return FileResponse(packed, media_type="application/zip", filename=f"{run.record.settings['run']}.zip")

    @api.get("/runs/{run_id}/images/{name}", response_class=FileResponse)
    def image(run_id: str, name: str) -> FileResponse:
        """Return one synthetic picture; its PNG holds its recipe."""
        return FileResponse(_inside(open_run(workspace, run_id).folder / "images", name), media_type="image/png")

    @api.get("/runs/{run_id}/sample", response_class=FileResponse)
    def sample(run_id: str) -> FileResponse:
        """Return a run's newest sample picture."""
        return FileResponse(_inside(open_run(workspace, run_id).folder, "sample.jpg"), media_type="image/jpeg")

    @api.get("/runs/{run_id}/previews/{epoch}", response_class=FileResponse)
    def preview(run_id: str, epoch: int, drawn: str = "") -> FileResponse:
        """Return what an epoch made of the probes; an address that says when it was drawn may be kept for good."""
        sheet = _inside(open_run(workspace, run_id).folder / "previews", f"{epoch:04d}.jpg")
        caching = "private, max-age=31536000, immutable" if drawn else "no-cache"
        return FileResponse(sheet, media_type="image/jpeg", headers={"Cache-Control": caching})


def _add_uploads(api: FastAPI, workspace: Workspace) -> None:
    @api.post("/uploads", status_code=201)
    async def upload(request: Request, name: str = "") -> Upload:
        """Receive a ZIP, the request's raw body, and answer its path, which an import takes as its source."""
        said = request.headers.get("content-length", "")
        announced = int(said) if said.isdecimal() else 0
        with receive(workspace, name, announced_bytes=announced) as incoming:
            try:
                async for piece in request.stream():  # what the network brought: no body is held in memory
                    await anyio.to_thread.run_sync(incoming.write, piece)
            except ClientDisconnect:
                raise ConfigError(f"upload: {name} broke off; nothing of it is kept, send it again.") from None
            return await anyio.to_thread.run_sync(incoming.finish)


def _inside(folder: Path, name: str) -> Path:
    """Return a file directly inside a folder.

    Raises:
        ConfigError: The name leads elsewhere.
        NotFoundError: There is no such file.
    """
    if Path(name).name != name:
        raise ConfigError(f"name: got {name!r}, expected a plain file name.")
    path = folder / name
    if not path.is_file():
        raise NotFoundError(f"name: there is no {name!r} in {folder}.")
    return path
