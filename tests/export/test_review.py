"""Reviewing and recipes by command and by request: the same words, the same refusals."""

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.images import open_rgb
from tests.server import HOST
from tests.test_cli import call

A, B = "000000-ab.png", "000001-ab.png"


@pytest.fixture
def made(own_shelf):
    """The id of a set of two translations."""
    return own_shelf.sets["chain"].id


@pytest.fixture
def client(own_shelf):
    """The API over its workspace."""
    with TestClient(build_api(own_shelf.workspace, hosts=[HOST])) as client:
        yield client


@pytest.fixture
def leaf(own_shelf):
    """The command line over its workspace."""
    return lambda *words: call(*words, "--workspace", own_shelf.workspace.root)


def test_what_one_face_says_the_other_shows(client, leaf, made, own_shelf):
    said = client.post(f"/runs/{made}/review", json={"reject": [A], "stars": {B: 4}, "by": "ann"}).json()
    assert (said["rejected"], said["unrated"], said["stars"]) == (1, 0, {"4": 1})
    assert leaf("review", made, "--json").json == client.get(f"/runs/{made}/review").json()
    kept = leaf("review", made, "--keep", A, "--stars", 5, f"{A},{B}", "--json").json
    assert (kept["kept"], kept["rejected"], kept["stars"]) == (1, 0, {"5": 2})
    assert client.post(f"/runs/{made}/review", json={"undo": True, "by": "cli"}).json()["opinions"][B]["stars"] == 4
    assert "kept: 1" in leaf("review", made).out
    client.post(f"/runs/{made}/review", json={"reject": [B]})
    assert open_synthetic_set(own_shelf.workspace, made).files == [A]


@pytest.mark.parametrize(
    ("words", "body", "message"),
    [
        (["--keep", "x.png"], {"keep": ["x.png"]}, "review: there is no picture x.png in"),
        (["--stars", 6, A], {"stars": {A: 6}}, "stars: got 6 for 000000-ab.png, expected 0 to 5"),
        (["--keep", A, "--reject", A], {"keep": [A], "reject": [A]}, "000000-ab.png named twice"),
    ],
)
def test_both_refuse_in_the_same_words(client, leaf, made, words, body, message):
    answer = client.post(f"/runs/{made}/review", json=body)
    assert 400 <= answer.status_code < 500 and message in answer.json()["error"]["message"]
    leaf("review", made, *words).refuses(message)


def test_stars_are_numbers(leaf, made):
    leaf("review", made, "--stars", "five", A).refuses("stars: got 'five', expected a number from 0 to 5")


def test_the_pictures_to_look_at_are_handed_out(client, made, own_shelf, tmp_path):
    small, source = (client.get(f"/runs/{made}/{kind}/{A}") for kind in ("thumbnails", "sources"))
    assert (small.headers["content-type"], source.headers["content-type"]) == ("image/jpeg", "image/png")
    (tmp_path / "source.png").write_bytes(source.content)
    photograph = open_rgb(own_shelf.dataset.root / "healthy/a.png")
    shown = open_rgb(tmp_path / "source.png")
    assert shown.size == (32, 32) and abs(shown.getpixel((16, 16))[1] - photograph.getpixel((24, 20))[1]) < 20
    assert client.get(f"/runs/{made}/thumbnails/{A}").content == small.content
    for wrong in (f"/runs/{made}/sources/x.png", f"/runs/{own_shelf.sets['noise'].id}/sources/{A}"):
        assert client.get(wrong).status_code == 404
    assert client.get(f"/runs/{made}/thumbnails/x.png").status_code == 404


def test_a_picture_tells_its_recipe_to_both(client, leaf, made, own_shelf, monkeypatch):
    picture = own_shelf.sets["chain"].folder / "images" / A
    told = client.post("/recipe", content=picture.read_bytes()).json()
    assert told["known"] == "yes" and told == leaf("recipe", f"{made}/{A}", "--json").json
    assert "Shows rust, made of healthy/a.png" in leaf("recipe", picture).out
    refused = client.post("/recipe", content=b"leaf")
    assert refused.status_code == 422 and "not a picture" in refused.json()["error"]["message"]
    monkeypatch.setattr("leafcore.api.review.MOST_BYTES", 3)
    assert client.post("/recipe", content=b"leaf").status_code == 413
    leaf("recipe", "nothing.png").refuses("there is no such file")
