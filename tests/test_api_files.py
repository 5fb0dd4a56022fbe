"""What the API lists and hands out of what runs made."""

import io
import zipfile

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.images import open_rgb
from tests.server import HOST
from tests.test_api import refuses


@pytest.fixture(scope="module")
def client(journey):
    """The API over the journey's workspace, to read."""
    with TestClient(build_api(journey.workspace, hosts=[HOST])) as client:
        yield client


def test_the_zip_of_an_export_can_be_downloaded_whole_and_in_parts(client, journey):
    run = journey.runs["export"]
    packed = (run.folder / "export.zip").read_bytes()
    whole = client.get(f"/runs/{run.id}/zip")
    assert whole.content == packed
    assert whole.headers["content-type"] == "application/zip"
    assert f"{journey.runs['synthesize'].id}.zip" in whole.headers["content-disposition"]
    assert zipfile.ZipFile(io.BytesIO(whole.content)).testzip() is None

    part = client.get(f"/runs/{run.id}/zip", headers={"Range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.content == packed[100:300]
    assert part.headers["content-range"] == f"bytes 100-299/{len(packed)}"
    rest = client.get(f"/runs/{run.id}/zip", headers={"Range": "bytes=300-"})
    assert packed[:300] + rest.content == packed


def test_only_an_export_has_a_zip(client, journey):
    answer = client.get(f"/runs/{journey.runs['masks'].id}/zip")
    refuses(answer, 404, "not_found", "is a masks run in state done, expected a done export")


def test_a_synthetic_picture_can_be_looked_at(client, journey):
    run = journey.runs["synthesize"]
    name = sorted(path.name for path in (run.folder / "images").iterdir())[0]
    answer = client.get(f"/runs/{run.id}/images/{name}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == (run.folder / "images" / name).read_bytes()
    refuses(client.get(f"/runs/{run.id}/images/gone.png"), 404, "not_found", "there is no 'gone.png'")


def test_the_pictures_of_a_set_are_listed_with_their_recipes(client, journey):
    run = journey.runs["synthesize"]
    told = client.get(f"/runs/{run.id}/images?offset=1&limit=2").json()
    files = sorted(path.name for path in (run.folder / "images").iterdir())
    assert told["total"] == 6 and [image["file"] for image in told["images"]] == files[1:3]
    assert told["images"][0]["recipe"]["chain"] and told["images"][0]["labels"] == "rust"
    assert client.get(told["images"][0]["url"]).headers["content-type"] == "image/png"
    assert client.get(f"/runs/{run.id}/images?offset=6").json()["images"] == []
    refuses(client.get(f"/runs/{run.id}/images?limit=1001"), 422, "config", "query.limit")
    refuses(client.get(f"/runs/{journey.runs['masks'].id}/images"), 404, "not_found", "holds no synthetic pictures")


def test_exports_are_listed_with_where_their_zip_is(client, journey):
    (told,) = client.get("/exports").json()
    assert told["packed"] == journey.runs["synthesize"].id and told["images"] == 6
    assert len(client.get(told["url"]).content) == told["bytes"]


def test_what_an_epoch_made_of_the_probes_can_be_looked_at(client, journey):
    run = journey.runs["leafgan"]
    answer = client.get(f"/runs/{run.id}/previews/1")
    assert answer.content == (run.folder / "previews" / "0001.jpg").read_bytes()
    assert answer.headers["cache-control"] == "no-cache"
    kept = client.get(f"/runs/{run.id}/previews/1?drawn=7").headers["cache-control"]
    assert "immutable" in kept
    refuses(client.get(f"/runs/{run.id}/previews/99"), 404, "not_found", "there is no '0099.jpg'")


def test_the_newest_sample_can_be_looked_at(client, journey, tmp_path):
    answer = client.get(f"/runs/{journey.runs['leafgan'].id}/sample")
    assert answer.headers["content-type"] == "image/jpeg"
    (tmp_path / "sample.jpg").write_bytes(answer.content)
    assert open_rgb(tmp_path / "sample.jpg").size == (5 * 32, 4 * 32)
    refuses(client.get(f"/runs/{journey.runs['export'].id}/sample"), 404, "not_found", "there is no 'sample.jpg'")
