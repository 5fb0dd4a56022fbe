"""The usage log: who asked for pictures from noise, how many, and how long it took; one line of JSON each."""

import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leafcore.workspace import Workspace

MOST_READ = 5000  # lines, the newest
BYTES_PER_LINE = 1024  # more than a line takes

_writing = threading.Lock()  # the server is the only process that writes


class Use(BaseModel):
    """One request for pictures.

    Attributes:
        time: When it was answered, in seconds since 1970.
        source: Through which face.
        checkpoint: The noise model's name.
        weights_sha256: Its weights' hash.
        n: Pictures.
        latency_ms: From the request to the pictures, in milliseconds.
        cached: Whether they had been made before.
        called: Pictures by the label set that a classifier called them; empty without one.
    """

    model_config = ConfigDict(frozen=True)

    time: float = Field(default_factory=time.time)
    source: Literal["api", "studio"]
    checkpoint: str
    weights_sha256: str
    n: int
    latency_ms: float
    cached: bool = False
    called: Mapping[str, int] = {}


def note(workspace: Workspace, use: Use) -> None:
    """Append a request to the log; a line is written in one piece."""
    line = (use.model_dump_json() + "\n").encode()
    workspace.usage.parent.mkdir(parents=True, exist_ok=True)
    with _writing:
        file = os.open(workspace.usage, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def read_usage(workspace: Workspace, most: int = MOST_READ) -> list[Use]:
    """Return the newest requests, the oldest first; a line that is damaged is left out."""
    try:
        with workspace.usage.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most * BYTES_PER_LINE))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    uses = (_parse(line) for line in lines)
    return [use for use in uses if use is not None][-most:]


def _parse(line: bytes) -> Use | None:
    try:
        return Use.model_validate(json.loads(line))
    except (ValueError, ValidationError):
        return None
