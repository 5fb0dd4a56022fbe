"""Uploads through the API as an ASGI server calls it: piece by piece."""

import asyncio
import hashlib
import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.jobs import execute
from leafcore.runs import open_run
from leafcore.workspace import Workspace
from tests.server import HOST, Server

MB = 2**20


class Sender:
    """A client that sends a body in pieces, each made when it is asked for.

    Args:
        workspace: What the API works on.
        query: Of the request.
        pieces: How many pieces of 1 MB it would send.
        breaks_off: Whether it hangs up instead of sending the last one.
        headers: Of the request, beside its host.
    """

    def __init__(
        self, workspace: Workspace, query: str, pieces: int, breaks_off: bool = False, headers: Any = ()
    ) -> None:
        self.sent = 0
        self.status = 0
        self.answer: dict[str, Any] = {}
        self._pieces, self._breaks_off = pieces, breaks_off
        scope = {
            "type": "http", "method": "POST", "path": "/uploads", "query_string": query.encode(), "root_path": "",
            "headers": [(b"host", HOST.encode()), *headers], "http_version": "1.1", "scheme": "http",
            "server": (HOST, 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        asyncio.run(build_api(workspace, hosts=[HOST])(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if self._breaks_off and self.sent == self._pieces - 1:
            return {"type": "http.disconnect"}
        self.sent += 1
        return {"type": "http.request", "body": piece(self.sent), "more_body": self.sent < self._pieces}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message.get("body"):
            self.answer = json.loads(message["body"])


def piece(number: int) -> bytes:
    return bytes([number % 256]) * MB


def left(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.uploads.rglob("*") if path.is_file()]


@pytest.fixture
def api(workspace: Workspace):
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        yield client


def test_a_large_body_is_written_as_it_comes_and_never_held(workspace: Workspace) -> None:
    tracemalloc.start()
    try:
        sender = Sender(workspace, "name=leaves.zip", pieces=96)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sender.status == 201 and peak < 24 * MB
    content = hashlib.sha256(b"".join(piece(number + 1) for number in range(96))).hexdigest()
    assert sender.answer["sha256"] == content and sender.answer["bytes"] == 96 * MB
    assert [str(path) for path in left(workspace)] == [sender.answer["path"]]


def test_a_body_beyond_the_limit_is_refused_in_the_middle(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAF_MAX_UPLOAD_MB", "3")
    sender = Sender(workspace, "name=leaves.zip", pieces=50)
    assert (sender.status, sender.answer["error"]["code"]) == (413, "too_large")
    assert sender.sent == 3, "the rest was not even asked for"
    assert left(workspace) == []


def test_a_body_that_is_announced_too_large_is_not_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAF_MAX_UPLOAD_MB", "3")
    sender = Sender(workspace, "name=leaves.zip", pieces=50, headers=[(b"content-length", b"52428800")])
    assert (sender.status, sender.sent) == (413, 0)


def test_a_client_that_hangs_up_leaves_nothing_behind(workspace: Workspace) -> None:
    sender = Sender(workspace, "name=leaves.zip", pieces=5, breaks_off=True)
    assert sender.sent == 4 and left(workspace) == []
    assert "leaves.zip broke off" in sender.answer["error"]["message"]


def test_a_full_disk_is_answered_and_leaves_nothing_behind(api, workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leafcore.data.uploads.os.fsync", full)
    answer = api.post("/uploads?name=leaves.zip", content=b"x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "disk_full")
    assert left(workspace) == []


@pytest.mark.parametrize("number", [13, 30])
def test_a_workspace_that_may_not_be_written_is_answered(api, workspace, monkeypatch, number: int) -> None:
    def refuse(self: Path, *args: object, **options: object) -> None:
        raise OSError(number, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    for answer in (
        api.post("/uploads?name=leaves.zip", content=b"x"),
        api.post("/runs", json={"kind": "render"}),
    ):
        assert answer.status_code == 409, answer.text
        assert answer.json()["error"]["code"] == "access_denied"
        assert str(workspace.root) in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "name: missing"),
        ("?name=..%2Fevil.zip", "name: got '../evil'"),
        ("?name=leaves.tar", "expected a .zip"),
    ],
)
def test_a_wrong_name_is_refused_in_our_form(api, workspace, query: str, message: str) -> None:
    answer = api.post(f"/uploads{query}", content=b"x")
    assert answer.status_code == 422 and message in answer.json()["error"]["message"]
    assert left(workspace) == []


def test_what_was_uploaded_can_be_imported(api, workspace: Workspace, leaf_folders: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "leaves"), "zip", leaf_folders))
    with packed.open("rb") as file:
        sent = api.post("/uploads", params={"name": "leaves.zip"}, content=file).json()
    settings = {"source": sent["path"], "name": "leaves"}
    run = open_run(workspace, api.post("/runs", json={"kind": "import", "settings": settings}).json()["run"])
    assert execute(workspace, run, lane="files", owner="cli")["images"] == 44


def test_the_real_server_takes_a_body_larger_than_streamlits_limit_allows_a_page(
    workspace: Workspace, tmp_path: Path
) -> None:
    server = Server(workspace, tmp_path / "server.log")
    try:
        before = server.megabytes()
        body = (piece(number) for number in range(300))
        answer = httpx.post(f"{server.url}/api/uploads?name=big.zip", content=body, timeout=120)
        assert answer.status_code == 201 and answer.json()["bytes"] == 300 * MB
        assert server.megabytes() - before < 100
        assert [path.stat().st_size for path in left(workspace)] == [300 * MB]
    finally:
        server.close()
