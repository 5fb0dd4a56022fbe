"""Routes of reviewing a synthetic set: what people say of its pictures, and the small pictures that they look at."""

from typing import Annotated

from fastapi import Body, FastAPI, Response

from leafcore.api.files import inside
from leafcore.data.looking import source_of_picture, thumbnail_of_picture
from leafcore.data.reviewing import ReviewState, Said, review_state, say
from leafcore.data.synthetic_sets import open_whole_set
from leafcore.runs import open_run
from leafcore.workspace import Workspace

FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}  # a picture of a set never changes


def add_review(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes."""

    @api.get("/runs/{run_id}/review")
    def review(run_id: str) -> ReviewState:
        """Say how the review of a synthetic set stands: what is kept, rejected and rated."""
        return review_state(workspace, run_id)

    @api.post("/runs/{run_id}/review")
    def speak(run_id: str, said: Annotated[Said, Body()]) -> ReviewState:
        """Keep, reject or rate pictures, or take the last choice back; what is rejected is used nowhere any more."""
        return say(workspace, run_id, said)

    @api.get("/runs/{run_id}/thumbnails/{name}", response_class=Response)
    def thumbnail(run_id: str, name: str) -> Response:
        """Return a small JPEG of a synthetic picture."""
        file = inside(open_run(workspace, run_id).folder / "images", name)
        return Response(thumbnail_of_picture(workspace, run_id, file), media_type="image/jpeg", headers=FOR_GOOD)

    @api.get("/runs/{run_id}/sources/{name}", response_class=Response)
    def source(run_id: str, name: str) -> Response:
        """Return the photograph that a synthetic picture was made of, as the models saw it, as PNG."""
        picture = source_of_picture(workspace, open_whole_set(workspace, run_id), name)
        return Response(picture, media_type="image/png", headers=FOR_GOOD)
