"""The route that says what a photo shows."""

import base64
from typing import Annotated, Any

import anyio
import numpy as np
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from leafcore.errors import ConfigError
from leafcore.images import encode_jpeg, open_rgb
from leafcore.masks.maps import heat_overlay
from leafcore.naming import Named, ask_for_labels, predict_question
from leafcore.questions import PredictQuestion, keep_photo, photo_file
from leafcore.sampling import Worker
from leafcore.workspace import Workspace

MOST_BYTES = 64 * 1024**2
SIDE_PX = 512  # of a heat map, at most
PICTURE = {"schema": {"type": "string", "format": "binary"}}
PHOTO_BODY: dict[str, Any] = {
    "content": dict.fromkeys(("image/jpeg", "image/png", "application/octet-stream"), PICTURE),
    "required": True,
}


class NamedPhoto(BaseModel):
    """What a classifier says of a photo."""

    model: str
    labels: str
    probabilities: dict[str, float] = Field(description="By class, the most probable first.")
    thresholds: dict[str, float] = Field(description="From which each label is named; empty where one is at most.")
    views: int = Field(description="How often the photo was looked at.")
    heat_map: str | None = Field(description="What speaks for the most probable class, over the photo: JPEG in base64.")


def add_predict(api: FastAPI, workspace: Workspace, worker: Worker) -> None:
    """Add the route that names an uploaded photo."""

    @api.post("/predict", openapi_extra={"requestBody": PHOTO_BODY})
    async def predict(
        request: Request,
        model: str,
        tiles: Annotated[int, Query(description="Local crops beside the whole: 0, 4, 9 or 16.")] = 0,
        tta: Annotated[int, Query(description="Times that each is looked at: 1, 2, 4 or 8.")] = 1,
        cam: Annotated[bool, Query(description="Whether to draw where the classifier looks.")] = False,
    ) -> NamedPhoto:
        """Say what a photo, the request's raw body, shows; a folder is a run of kind "predict"."""
        content = await _body(request)

        def ask() -> tuple[PredictQuestion, Named, str | None]:
            question = predict_question(workspace, model, keep_photo(workspace, content), tiles, tta)
            named = ask_for_labels(workspace, worker, question)
            return question, named, _overlay(workspace, question.photo, named.cam) if cam else None

        question, named, heat_map = await anyio.to_thread.run_sync(ask)
        return NamedPhoto(
            model=question.model,
            labels=named.labels,
            probabilities=named.probabilities,
            thresholds=named.thresholds,
            views=question.views,
            heat_map=heat_map,
        )


async def _body(request: Request) -> bytes:
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MOST_BYTES:
                raise ConfigError(f"photo: larger than {MOST_BYTES:,} bytes; send a smaller picture.")
    except ClientDisconnect:
        raise ConfigError("photo: the upload broke off; send it again.") from None
    if not content:
        raise ConfigError("photo: the request's body is empty, expected a picture.")
    return bytes(content)


def _overlay(workspace: Workspace, photo: str, cam: np.ndarray) -> str:
    image = open_rgb(photo_file(workspace, photo))
    image.thumbnail((SIDE_PX, SIDE_PX), reducing_gap=2.0)
    return base64.b64encode(encode_jpeg(heat_overlay(np.asarray(image), cam))).decode()
