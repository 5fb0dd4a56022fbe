"""The way between two seeds and the class grid, on the command line and through the API."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.cli import main
from leafcore.images import sheet
from leafcore.latent import NoiseModel
from leafcore.latent_tools import noise_question
from leafcore.questions import InterpolationQuestion
from tests.noise_models import CLASSES, InThisProcess, plant_noise_model
from tests.planted import plant_translator
from tests.server import HOST


@pytest.fixture
def three(workspace):
    return plant_noise_model(workspace, "three", "leaves@0123456789ab", CLASSES)


@pytest.fixture
def model(three):
    return NoiseModel(three, torch.device("cpu"))


@pytest.fixture
def client(workspace, three):
    with TestClient(build_api(workspace, hosts=[HOST], worker=InThisProcess(workspace))) as client:
        yield client


@pytest.fixture
def say(workspace, three, capsys):
    """Return a function that runs a command and returns its exit code and what it printed."""

    def run(*words):
        code = main([*map(str, words), "--workspace", str(workspace.root)])
        said = capsys.readouterr()
        return code, said.out or said.err

    return run


def pixels(content):
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def test_a_question_is_pinned_to_the_weights_as_they_are(workspace, three):
    asked = noise_question(InterpolationQuestion, workspace, "three", seed=4, label="rust")
    assert (asked.checkpoint, asked.weights_sha256) == (three.ref, three.card.weights_sha256)
    assert (asked.seed, asked.label) == (4, "rust")


def test_the_command_writes_the_strip_of_the_two_seeds(say, model, tmp_path):
    file = tmp_path / "way.png"
    asked = ("--seed", 3, "--end-seed", 8, "--steps", 4, "--label", "rust", "--truncation", 0.7)
    code, said = say("interpolate", "--checkpoint", "three", *asked, "--to", file, "--json")
    assert code == 0 and json.loads(said)["path"] == str(file)
    assert (pixels(file.read_bytes()) == sheet([list(model.interpolate((3, 8), 4, "rust", 0.7))])).all()


@pytest.mark.parametrize(("ending", "most"), [("webp", 0), ("gif", 60)])
def test_an_animation_goes_there_and_back(say, model, tmp_path, ending, most):
    file = tmp_path / f"way.{ending.upper()}"
    code, said = say("interpolate", "--checkpoint", "three", "--end-seed", 8, "--steps", 3, "--to", file)
    assert code == 0, said
    way = model.interpolate((0, 8), 3).astype(int)
    with Image.open(file) as moving:
        assert (moving.n_frames, moving.format, moving.info["loop"]) == (4, ending.upper(), 0)
        for number, wanted in enumerate(way[[0, 1, 2, 1]]):
            moving.seek(number)
            assert np.abs(np.asarray(moving.convert("RGB")) - wanted).max() <= most


def test_the_command_writes_a_row_for_every_class(say, model, tmp_path):
    file = tmp_path / "classes.png"
    code, said = say("class-grid", "--checkpoint", "three", "--seed", 5, "--columns", 2, "--to", file)
    assert code == 0, said
    assert (pixels(file.read_bytes()) == sheet([list(row) for row in model.class_grid(5, 2)])).all()


def test_the_same_comes_through_the_api(client, model):
    named = {"checkpoint": "three", "seed": 3}
    strip = client.get("/interpolate", params={**named, "end_seed": 8, "steps": 5, "label": "scab"})
    assert strip.headers["content-type"] == "image/png"
    assert (pixels(strip.content) == sheet([list(model.interpolate((3, 8), 5, "scab"))])).all()
    moving = client.get("/interpolate", params={**named, "steps": 3, "format": "gif"})
    assert moving.headers["content-type"] == "image/gif" and moving.content.startswith(b"GIF89a")
    grid = client.get("/class-grid", params={**named, "columns": 2})
    assert (pixels(grid.content) == sheet([list(row) for row in model.class_grid(3, 2)])).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "way.png"], "checkpoint: missing. Name a noise model"),
        (["--checkpoint", "three", "--to", "way.jpg"], "to: got way.jpg, expected a file that ends in .png or .webp"),
        (["--checkpoint", "three", "--to", "way.png", "--steps", "1"], "steps: got '1', expected greater than or"),
        (["--checkpoint", "three", "--to", "way.png", "--seed", "-1"], "seed: got '-1', expected greater than or"),
        (["--checkpoint", "three", "--to", "way.png", "--label", "mould"], "label: got 'mould', expected one of the"),
        (["--checkpoint", "x", "--to", "way.png"], "x is a leafgan model and makes nothing from noise"),
        (["--checkpoint", "nowhere", "--to", "way.png"], "checkpoint: got 'nowhere', known: "),
    ],
)
def test_a_wrong_command_is_one_line(say, workspace, words, message):
    plant_translator(workspace, "x")
    code, said = say("interpolate", *words)
    assert code == 2 and message in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("path", "params", "status", "message"),
    [
        ("/interpolate", {"steps": 65}, 422, "steps: got 65, expected less than or equal to 64."),
        ("/interpolate", {"label": "mould"}, 422, "label: got 'mould', expected one of the label sets of three"),
        ("/interpolate", {"format": "jpg"}, 422, "format"),
        ("/interpolate", {"guidance": 2}, 422, "guidance: got 2.0, but three makes pictures in one step"),
        ("/class-grid", {"sampler": "ddim"}, 422, "sampler: got ddim, but three makes pictures in one step"),
        ("/class-grid", {"columns": 0}, 422, "columns: got 0, expected greater than or equal to 1."),
        ("/class-grid", {"checkpoint": "nowhere"}, 404, "checkpoint: got 'nowhere', known: "),
    ],
)
def test_a_wrong_request_is_one_line(client, path, params, status, message):
    answer = client.get(path, params={"checkpoint": "three", **params})
    told = answer.json()["error"]["message"]
    assert answer.status_code == status and message in told and "\n" not in told
