"""Routes that hand out a run's files, and the one that receives a ZIP."""

from pathlib import Path

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from leafcore.data.uploads import Upload, receive
from leafcore.errors import ConfigError, NotFoundError
from leafcore.export.configs import Content, ExportConfig, FormatName
from leafcore.export.contents import Contents, plan_export
from leafcore.runs import open_run
from leafcore.workspace import Workspace


def add_files(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes that hand out what a run made."""

    @api.get("/runs/{run_id}/zip", response_class=FileResponse)
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

    @api.get("/runs/{run_id}/images/{name}", response_class=FileResponse)
    def image(run_id: str, name: str) -> FileResponse:
        """Return one synthetic picture; its PNG holds its recipe."""
        return FileResponse(inside(open_run(workspace, run_id).folder / "images", name), media_type="image/png")

    @api.get("/runs/{run_id}/sample", response_class=FileResponse)
    def sample(run_id: str) -> FileResponse:
        """Return a run's newest sample picture."""
        return FileResponse(inside(open_run(workspace, run_id).folder, "sample.jpg"), media_type="image/jpeg")

    @api.get("/runs/{run_id}/previews/{epoch}", response_class=FileResponse)
    def preview(run_id: str, epoch: int, drawn: str = "") -> FileResponse:
        """Return what an epoch made of the probes; an address that says when it was drawn may be kept for good."""
        sheet = inside(open_run(workspace, run_id).folder / "previews", f"{epoch:04d}.jpg")
        caching = "private, max-age=31536000, immutable" if drawn else "no-cache"
        return FileResponse(sheet, media_type="image/jpeg", headers={"Cache-Control": caching})


def add_uploads(api: FastAPI, workspace: Workspace) -> None:
    """Add the route that receives a ZIP to import."""

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
