"""A photo sent to the API comes back with its labels."""

import base64
import io

import pytest
from PIL import Image
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.latent_commands import InThisProcess
from tests.conftest import carrier, draw_leaf
from tests.server import HOST


@pytest.fixture
def client(workspace, leaf_folders, carry):
    """The API over a workspace with a classifier `mine`."""
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    carrier(workspace)("classifier", dataset=dataset, promote_as="mine")
    with TestClient(
        build_api(workspace, hosts=[HOST], worker=InThisProcess(workspace)), base_url=f"http://{HOST}"
    ) as it:
        yield it


def photo(size_px=60) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_leaf("rust", 1, size_px)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_photo_is_named_with_probabilities_and_where_the_classifier_looked(client):
    answer = client.post("/predict", params={"model": "mine", "tiles": 4, "tta": 2, "cam": True}, content=photo())
    assert answer.status_code == 200
    said = answer.json()
    assert list(said["probabilities"].values()) == sorted(said["probabilities"].values(), reverse=True)
    assert sum(said["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert said["labels"] == next(iter(said["probabilities"])) and said["views"] == 10
    with Image.open(io.BytesIO(base64.b64decode(said["heat_map"]))) as overlay:
        assert overlay.size == (60, 60)


@pytest.mark.parametrize(
    ("params", "content", "said"),
    [
        ({"model": "mine"}, b"", "body is empty"),
        ({"model": "mine"}, b"no picture", "not a picture that can be read"),
        ({"model": "mine", "tiles": 5}, photo(), "tiles: got 5, expected 0, 4, 9 or 16"),
        ({"model": "sample-lflseg"}, photo(), "is a lflseg model, expected a classifier"),
        ({"model": "nobody"}, photo(), "got 'nobody', known"),
    ],
)
def test_what_cannot_be_named_is_refused_in_one_line(client, params, content, said):
    answer = client.post("/predict", params=params, content=content)
    assert 400 <= answer.status_code < 500
    message = answer.json()["error"]["message"]
    assert said in message and "\n" not in message


def test_a_body_may_be_larger_than_settings_but_not_boundless(client, monkeypatch):
    monkeypatch.setattr("leafcore.api.predict.MOST_BYTES", 2**20)
    answer = client.post("/predict", params={"model": "mine"}, content=bytes(2**20 + 1))
    assert "larger than 1,048,576 bytes" in answer.json()["error"]["message"]
