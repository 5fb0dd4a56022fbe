"""What the API says of an export before it is made, and how it hands one out."""

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.jobs import execute
from leafcore.runs import open_run
from tests.server import HOST


@pytest.fixture
def client(own_shelf):
    """The API over a workspace of its own."""
    with TestClient(build_api(own_shelf.workspace, hosts=[HOST])) as client:
        yield client


def test_what_an_export_would_hold_is_said_before_it_is_made(client, own_shelf):
    made = own_shelf.sets["chain"]
    told = client.get(f"/runs/{made.id}/contents", params={"format": "coco", "content": "merged"}).json()
    assert (told["images"], told["synthetic"], told["real"], told["masked"]) == (5, 2, 3, 3)
    assert [license["text"] for license in told["licenses"]] == ["CC-BY-4.0", "MIT"]
    refused = client.get(f"/runs/{made.id}/contents", params={"format": "tar"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "config")


def test_an_export_that_was_asked_for_is_handed_out_whole_and_from_any_byte_on(client, own_shelf):
    asked = {"kind": "export", "settings": {"run": own_shelf.sets["noise"].id, "format": "hf"}}
    run = open_run(own_shelf.workspace, client.post("/runs", json=asked).json()["run"])
    execute(own_shelf.workspace, run, lane="files", owner="cli")
    packed = (run.folder / "export.zip").read_bytes()
    assert client.get(f"/runs/{run.id}/zip").content == packed
    rest = client.get(f"/runs/{run.id}/zip", headers={"Range": "bytes=1000-"})
    assert (rest.status_code, rest.content) == (206, packed[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{len(packed) - 1}/{len(packed)}"
    beyond = client.get(f"/runs/{run.id}/zip", headers={"Range": f"bytes={len(packed)}-"})
    assert beyond.status_code == 416
