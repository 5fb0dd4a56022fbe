"""Routes of reviewing a synthetic set: what people say of its pictures, what they look at, a picture's recipe."""

from typing import Annotated

import anyio
from fastapi import Body, FastAPI, Request, Response

from leafcore.api.files import inside
from leafcore.data.looking import source_of_picture, thumbnail_of_picture
from leafcore.data.recipes import Found, look_up
from leafcore.data.reviewing import ReviewState, Said, review_state, say
from leafcore.data.synthetic_sets import open_whole_set
from leafcore.errors import TooLarge
from leafcore.questions import keep_photo, photo_file
from leafcore.runs import open_run
from leafcore.workspace import Workspace

MOST_BYTES = 64 * 10**6  # of a picture whose recipe is asked for
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

    @api.post("/recipe")
    async def recipe(request: Request) -> Found:
        """Say what a picture, the request's raw body, tells of itself, and whether this workspace has it."""
        content = bytearray()
        async for piece in request.stream():
            content += piece
            if len(content) > MOST_BYTES:
                raise TooLarge(f"picture: larger than the {MOST_BYTES / 1e6:.0f} MB that a synthetic picture may have.")
        return await anyio.to_thread.run_sync(_look_up, workspace, bytes(content))

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


def _look_up(workspace: Workspace, content: bytes) -> Found:
    return look_up(workspace, photo_file(workspace, keep_photo(workspace, content)))
