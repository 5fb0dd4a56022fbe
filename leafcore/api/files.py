"""Routes that list and hand out what runs made, and the one that receives a ZIP."""

from pathlib import Path
from typing import Annotated, Any

import anyio
from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from leafcore.data.synthetic_sets import STEPS, open_synthetic_set
from leafcore.data.uploads import Upload, receive
from leafcore.errors import ConfigError, NotFoundError
from leafcore.export.configs import Content, ExportConfig, FormatName
from leafcore.export.contents import Contents, plan_export
from leafcore.export.export import ExportResult
from leafcore.runs import list_runs, open_run
from leafcore.workspace import Workspace

MOST_LISTED = 1000
WHOLE_OR_PART: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {}}},
    206: {"description": "The part that a Range asked for.", "content": {"application/zip": {}}},
}
ZIP_BODY = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}, "required": True}
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}


class SyntheticImage(BaseModel):
    """A synthetic picture: its file, its labels, where it can be had, and its row in the manifest."""

    file: str
    labels: str
    url: str
    recipe: dict[str, Any]


class SyntheticImages(BaseModel):
    """Some of the pictures of a synthetic set, in the manifest's order."""

    total: int
    offset: int
    images: list[SyntheticImage]


class ExportView(BaseModel):
    """A ZIP that can be downloaded."""

    run: str = Field(description="The export run that packed it.")
    packed: str = Field(description="The run whose synthetic set it holds.")
    url: str
    format: FormatName
    content: Content
    images: int
    bytes: int


def add_files(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes that hand out what a run made."""

    @api.get("/runs/{run_id}/zip", response_class=FileResponse, responses=WHOLE_OR_PART)
    def download(run_id: str) -> FileResponse:
        """Download the ZIP that an export run packed; Range requests resume a broken download."""
        run = open_run(workspace, run_id)
        result = run.result()
        if run.kind != "export" or not result:
            raise NotFoundError(
                f"run: {run_id} is a {run.kind} run in state {run.status().state}, expected a done export."
            )
        packed = inside(run.folder, "export.zip")
        return FileResponse(packed, media_type="application/zip", filename=f"{run.record.settings['run']}.zip")

    @api.get("/runs/{run_id}/contents")
    def contents(run_id: str, format: FormatName = "csv", content: Content = "synthetic", stars: int = 0) -> Contents:
        """Say what an export of this synthetic set would hold: how many pictures, how large, under which licences."""
        return plan_export(
            ExportConfig.build({"run": run_id, "format": format, "content": content, "stars": stars}), workspace
        )

    @api.get("/exports")
    def exports(request: Request) -> list[ExportView]:
        """List the ZIPs that can be downloaded, newest first; POST /api/runs with kind "export" packs another."""
        root = request.scope.get("root_path", "")
        done = [(run, run.result()) for run in list_runs(workspace, "export")]
        return [
            ExportView(run=run.id, packed=run.record.settings["run"], url=f"{root}/runs/{run.id}/zip", **_facts(result))
            for run, result in done
            if result
        ]

    @api.get("/runs/{run_id}/images")
    def images(
        request: Request,
        run_id: str,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
    ) -> SyntheticImages:
        """List a synthetic set's pictures, each with its recipe."""
        rows = open_synthetic_set(workspace, run_id).manifest
        root = f"{request.scope.get('root_path', '')}/runs/{run_id}/images"
        shown = [
            SyntheticImage(file=row["file"], labels=row["labels"], url=f"{root}/{row['file']}", recipe=row)
            for row in rows.iloc[offset : offset + limit].to_dict("records")
        ]
        return SyntheticImages(total=len(rows), offset=offset, images=shown)

    @api.get("/runs/{run_id}/images/{name}", response_class=FileResponse, responses=PNG)
    def image(run_id: str, name: str) -> FileResponse:
        """Return one synthetic picture; its PNG holds its recipe."""
        return FileResponse(inside(open_run(workspace, run_id).folder / "images", name), media_type="image/png")

    @api.get("/runs/{run_id}/steps/{name}", response_class=FileResponse, responses=PNG)
    def step(run_id: str, name: str) -> FileResponse:
        """Return what a step of a chain made on the way to a picture, whose recipe names the file."""
        return FileResponse(inside(open_run(workspace, run_id).folder / STEPS, name), media_type="image/png")

    @api.get("/runs/{run_id}/sample", response_class=FileResponse, responses=JPEG)
    def sample(run_id: str) -> FileResponse:
        """Return a run's newest sample picture."""
        return FileResponse(inside(open_run(workspace, run_id).folder, "sample.jpg"), media_type="image/jpeg")

    @api.get("/runs/{run_id}/previews/{epoch}", response_class=FileResponse, responses=JPEG)
    def preview(run_id: str, epoch: int, drawn: str = "") -> FileResponse:
        """Return what an epoch made of the probes; an address that says when it was drawn may be kept for good."""
        sheet = inside(open_run(workspace, run_id).folder / "previews", f"{epoch:04d}.jpg")
        caching = "private, max-age=31536000, immutable" if drawn else "no-cache"
        return FileResponse(sheet, media_type="image/jpeg", headers={"Cache-Control": caching})


def add_uploads(api: FastAPI, workspace: Workspace) -> None:
    """Add the route that receives a ZIP to import."""

    @api.post("/uploads", status_code=201, openapi_extra={"requestBody": ZIP_BODY})
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


def _facts(result: dict[str, Any]) -> dict[str, Any]:
    """Return what an export says of its ZIP, but where on the server it is."""
    return ExportResult.model_validate(result).model_dump(include={"format", "content", "images", "bytes"})


def inside(folder: Path, name: str) -> Path:
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
