"""Who is let in: the token, the links that pages make, and how large a body may be."""

import asyncio
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from leafcore.access import signed
from leafcore.api import build_api
from leafcore.api.guard import MAX_BODY_BYTES
from leafcore.runs import list_runs
from leafcore.workspace import Workspace
from tests.server import HOST
from tests.test_api import refuses, requests_of


@pytest.fixture
def client(journey, monkeypatch):
    """The API over the journey's workspace, which asks for a token."""
    monkeypatch.setenv("LEAF_API_TOKEN", "leaf-secret")
    with TestClient(build_api(journey.workspace, hosts=[HOST])) as client:
        yield client


# --- the token --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "leaf-secret", "Bearer", "Bearer leaf-secre", "Basic leaf-secret", "Bearer é"])
def test_every_route_but_the_description_refuses_who_has_no_token(client, given):
    for method, path in requests_of(client):
        answer = client.request(method, path, headers={"Authorization": given.encode()})
        is_open = path in {"/docs", "/openapi.json"}
        assert (answer.status_code == 401) is not is_open, (method, path)
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
    refuses(client.get("/runs"), 401, "unauthorized", "LEAF_API_TOKEN")


def test_whoever_has_the_token_is_let_in(client):
    assert client.get("/runs", headers={"Authorization": "Bearer leaf-secret"}).status_code == 200
    assert client.get("/runs", headers={"Authorization": "bearer leaf-secret"}).status_code == 200


def test_the_token_opens_no_door_to_another_host(client):
    headers = {"Authorization": "Bearer leaf-secret", "Host": "evil.example"}
    assert client.get("/runs", headers=headers).status_code == 403


def test_a_pages_link_opens_what_it_names_and_nothing_else(client, journey, monkeypatch):
    zips = [f"/runs/{journey.runs[kind].id}/zip" for kind in ("export", "synthesize")]
    link = signed(f"{zips[0]}?part=1")
    assert client.get(link).status_code == 200
    parameters = link.partition("?")[2]
    assert client.get(f"{zips[1]}?{parameters}").status_code == 401
    assert client.delete(link.replace("/zip", "")).status_code == 401
    assert client.get(f"{zips[0]}?signature={'0' * 64}").status_code == 401
    monkeypatch.setenv("LEAF_API_TOKEN", "another")
    assert client.get(link).status_code == 401, "a new token ends all links"


def test_a_signature_lets_nobody_change_anything(client, journey):
    path = f"/runs/{journey.runs['export'].id}"
    assert client.get(signed(path)).status_code == 200
    assert client.delete(signed(path)).status_code == 401


def test_without_a_token_links_are_plain(monkeypatch):
    monkeypatch.delenv("LEAF_API_TOKEN", raising=False)
    assert signed("/api/runs/x/zip") == "/api/runs/x/zip"


# --- the size of a body -----------------------------------------------------------------------------------------------


class Sender:
    """A client that would send a body without end, piece by piece."""

    def __init__(self, workspace: Workspace, *headers: tuple[bytes, bytes]) -> None:
        self.pieces = self.status = 0
        self.answer: dict[str, Any] = {}
        scope = {
            "type": "http", "method": "POST", "path": "/runs", "query_string": b"", "root_path": "",
            "headers": [(b"host", HOST.encode()), (b"content-type", b"application/json"), *headers],
            "http_version": "1.1", "scheme": "http", "server": (HOST, 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        asyncio.run(build_api(workspace, hosts=[HOST])(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        self.pieces += 1
        return {"type": "http.request", "body": b" " * 2**16, "more_body": True}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message.get("body"):
            self.answer = json.loads(message["body"])


def test_a_body_of_2_gb_is_refused_before_it_is_read(workspace):
    sender = Sender(workspace, (b"content-length", str(2 * 2**30).encode()))
    assert (sender.status, sender.pieces) == (413, 0)
    assert sender.answer["error"]["code"] == "too_large" and "1,048,576 bytes" in sender.answer["error"]["message"]


def test_a_body_without_end_is_refused_once_it_is_too_large(workspace):
    sender = Sender(workspace, (b"transfer-encoding", b"chunked"))
    assert (sender.status, sender.pieces) == (413, MAX_BODY_BYTES // 2**16 + 1)


def test_a_body_as_large_as_allowed_is_taken(workspace):
    asked = json.dumps({"kind": "render", "settings": {"name": "mine"}}).ljust(MAX_BODY_BYTES)
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        headers = {"Content-Type": "application/json"}
        assert client.post("/runs", content=asked, headers=headers).status_code == 201
        refuses(client.post("/runs", content=asked + " ", headers=headers), 413, "too_large", "body: larger")
    assert len(list_runs(workspace)) == 1
