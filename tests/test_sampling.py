import base64
import io
import os
import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from leafcore import answers
from leafcore.api import build_api
from leafcore.checkpoints import open_checkpoint
from leafcore.data.synthetic_sets import PNG_KEY
from leafcore.latent import NoiseModel
from leafcore.measure import witness
from leafcore.measure.interpretation import Rate
from leafcore.questions import GridQuestion, InterpolationQuestion, answer_file
from leafcore.sampling import sample, sample_question
from leafcore.usage import read_usage
from tests.noise_models import CLASSES, InThisProcess, plant_diffusion_model, plant_noise_model
from tests.planted import plant_translator
from tests.server import HOST


@pytest.fixture
def three(workspace):
    return plant_noise_model(workspace, "three", "leaves@0123456789ab", CLASSES)


@pytest.fixture
def worker(workspace):
    return InThisProcess(workspace)


@pytest.fixture
def client(workspace, three, worker):
    with TestClient(build_api(workspace, hosts=[HOST], worker=worker)) as client:
        yield client


@pytest.fixture
def believed(monkeypatch):
    """A judge that is right about real pictures and calls everything rust."""
    sure = witness.Witness(None, "judge", Rate.of(95, 100), "", {})
    monkeypatch.setattr(witness.Witness, "name_all", lambda self, pictures: ["rust"] * len(pictures))
    monkeypatch.setattr("leafcore.noise_answers._witness", lambda *key: sure)


# --- questions --------------------------------------------------------------------------------------------------------


def test_the_worker_makes_the_pictures_of_the_seed(workspace, three, worker):
    found = sample(workspace, worker, sample_question(workspace, three, n=4, seed=6, truncation=0.5), "studio")
    wanted = NoiseModel(three, torch.device("cpu")).sample(6, range(4), truncation=0.5)
    assert (found.pictures == wanted).all() and found.made_as == ["healthy", "rust", "scab", "healthy"]
    assert found.called == [] and "is not here, so that no judge can be tried" in found.interpretation.withheld


def test_what_was_made_before_is_not_made_again_and_both_are_logged(workspace, three, worker, believed):
    question = sample_question(workspace, three, n=3)
    first, second = (sample(workspace, worker, question, "studio") for _ in range(2))
    assert (first.pictures == second.pictures).all() and (first.cached, second.cached) == (False, True)
    log = read_usage(workspace)
    assert [(use.n, use.cached, use.checkpoint, use.called) for use in log] == [
        (3, False, "three", {"rust": 3}), (3, True, "three", {"rust": 3}),
    ]  # fmt: skip
    assert log[0].weights_sha256 == three.card.weights_sha256 and log[0].latency_ms > 0


def test_a_way_between_two_seeds_and_a_grid_of_classes_are_answered(workspace, three, worker):
    named = {"checkpoint": three.ref, "weights_sha256": three.card.weights_sha256, "seed": 2}
    model = NoiseModel(three, torch.device("cpu"))
    for question, wanted in (
        (InterpolationQuestion(**named, end_seed=5, steps=4, label="scab"), model.interpolate((2, 5), 4, "scab")),
        (GridQuestion(**named, columns=2), model.class_grid(2, 2)),
    ):
        with np.load(worker.ask(question)) as answer:
            assert (answer["pictures"] == wanted).all()


def test_old_answers_make_room_for_new_ones_and_fresh_ones_stay(workspace, three, worker, monkeypatch):
    monkeypatch.setattr(answers.forget_old, "__defaults__", (2 * 4000, 60.0))
    old, new = (sample_question(workspace, three, n=4, seed=seed) for seed in (1, 2))  # 4 x 16 x 16 x 3 bytes and more
    os.utime(worker.ask(old), (1e9, 1e9))
    fresh = worker.ask(sample_question(workspace, three, n=4, seed=3))
    kept = worker.ask(new)
    assert kept.exists() and fresh.exists() and not answer_file(workspace, old).exists()


# --- API --------------------------------------------------------------------------------------------------------------


def test_pictures_come_as_png_with_their_recipes_and_what_they_show(client, three, believed):
    answer = client.get("/generate", params={"checkpoint": "three", "n": 3, "seed": 4, "label": "rust"}).json()
    wanted = NoiseModel(three, torch.device("cpu")).sample(4, range(3), "rust")
    assert answer["weights_sha256"] == three.card.weights_sha256 and answer["latency_ms"] > 0
    assert answer["interpretation"]["counts"] == {"rust": 3} and answer["interpretation"]["accuracy"]["value"] == 0.95
    for image, expected in zip(answer["images"], wanted, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(image["png"]))) as picture:
            assert (np.asarray(picture) == expected).all()
            assert f'"seed": {image["seed"]}' in picture.text[PNG_KEY]
        assert (image["labels"], image["called"]) == ("rust", "rust")


def test_pictures_come_as_a_zip_with_their_labels(client):
    answer = client.get("/generate", params={"checkpoint": "three", "n": 4, "format": "zip"})
    assert answer.headers["content-type"] == "application/zip" and float(answer.headers["x-latency-ms"]) > 0
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        header, *rows = archive.read("labels.csv").decode().splitlines()
        assert header == "image,labels,called" and [row.split(",")[1] for row in rows] == [*CLASSES, "healthy"]
        assert {f"images/{row.split(',')[0]}" for row in rows} == {*archive.namelist()} - {"labels.csv"}


def test_a_diffusion_model_answers_with_how_it_took_the_noise_away(client, workspace):
    plant_diffusion_model(workspace, "guided", "leaves@0123456789ab", CLASSES)
    asked = {"checkpoint": "guided", "n": 2, "label": "rust", "guidance": 3, "sampling_steps": 4}
    answer = client.get("/generate", params=asked).json()
    assert (answer["guidance"], answer["sampler"], answer["sampling_steps"]) == (3.0, "dpm-solver", 4)
    with Image.open(io.BytesIO(base64.b64decode(answer["images"][0]["png"]))) as picture:
        assert '"guidance": 3.0, "sampler": "dpm-solver", "sampling_steps": 4' in picture.text[PNG_KEY]
    assert read_usage(workspace)[0].checkpoint == "guided"


def test_requests_are_listed(client):
    client.get("/generate", params={"checkpoint": "three", "n": 2})
    (use,) = client.get("/usage").json()
    assert (use["source"], use["n"], use["checkpoint"]) == ("api", 2, "three")


@pytest.mark.parametrize(
    ("params", "status", "message"),
    [
        ({"checkpoint": "nowhere"}, 404, "checkpoint: got 'nowhere', known: "),
        (
            {"checkpoint": "x"},
            422,
            "x is a leafgan model and makes nothing from noise; expected a DCGAN or diffusion checkpoint",
        ),
        ({"n": 0}, 422, "n: got 0, expected greater than or equal to 1."),
        ({"n": 257}, 422, "n: got 257, expected less than or equal to 256."),
        ({"seed": -1}, 422, "seed: got -1, expected greater than or equal to 0."),
        ({"truncation": -0.5}, 422, "truncation: got -0.5, expected greater than or equal to 0."),
        ({"label": "mould"}, 422, "label: got 'mould', expected one of the label sets of three: healthy, rust, scab."),
        ({"guidance": 3}, 422, "guidance: got 3.0, but three makes pictures in one step"),
        ({"format": "tar"}, 422, "format"),
    ],
)
def test_wrong_requests_are_refused_in_one_line_and_not_logged(workspace, client, params, status, message):
    plant_translator(workspace, "x")
    answer = client.get("/generate", params={"checkpoint": "three", **params})
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"] and "\n" not in answer.json()["error"]["message"]
    assert read_usage(workspace) == []


def test_weights_that_are_gone_are_told(client, workspace):
    shutil.rmtree(workspace.cache, ignore_errors=True)
    open_checkpoint(workspace, "three").weights.unlink()
    answer = client.get("/generate", params={"checkpoint": "three", "seed": 77})
    assert answer.status_code == 422 and "there is no such weights file" in answer.json()["error"]["message"]
