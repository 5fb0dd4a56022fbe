"""Routes that hand out the report of a comparison."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

from leafcore.api.files import WHOLE_OR_PART, inside
from leafcore.errors import NotFoundError
from leafcore.runs import open_run
from leafcore.workspace import Workspace


def add_reports(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes."""

    @api.get(
        "/runs/{run_id}/report",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    def page(run_id: str) -> FileResponse:
        """Download the page that a report run wrote: HTML that opens without network."""
        file = _file(run_id, "report.html")
        # As a file to save, not to show: what it quotes is never run under this server's address.
        return FileResponse(file, media_type="application/octet-stream", filename=f"{file.parent.name}.html")

    @api.get("/runs/{run_id}/report.zip", response_class=FileResponse, responses=WHOLE_OR_PART)
    def packed(run_id: str) -> FileResponse:
        """Download a report with its tables, its model card and the way to replay it."""
        file = _file(run_id, "report.zip")
        return FileResponse(file, media_type="application/zip", filename=f"{file.parent.name}.zip")

    def _file(run_id: str, name: str) -> Path:
        run = open_run(workspace, run_id)
        if run.kind != "report" or not run.result():
            raise NotFoundError(
                f"run: {run_id} is a {run.kind} run in state {run.status().state}, expected a done report."
            )
        return inside(run.folder, name)
