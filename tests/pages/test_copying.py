"""Beside each main button: the command and the request that mean what it does, to the last setting."""

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.cli import main
from leafcore.flags import command_of, request_of, told
from leafcore.jobs import build_config
from leafcore.runs import list_runs
from leafcore.workspace import PROJECT_ROOT
from tests.conftest import TINY, carrier
from tests.noise_models import CLASSES, plant_noise_model, studio_of
from tests.server import HOST

Act = Callable[[Any, Any], object]


def nothing(page, tmp_path):
    """Leave a page as it opens."""


def acknowledge(page, tmp_path):
    page.checkbox[0].check().run()
    page.selectbox(key="export_format").select("coco").run()


def name_folder(key: str) -> Act:
    return lambda page, tmp_path: page.text_input(key=key).input(str(tmp_path / "it is out")).run()


def name_import(page, tmp_path):
    page.text_input(key="import--source").input(str(tmp_path)).run()
    page.text_input(key="import--name").input("mine")


def name_weights(page, tmp_path):
    (tmp_path / "x.pth").touch()
    page.text_input(key="adopt--file").set_value(str(tmp_path / "x.pth"))
    page.text_input(key="adopt--name").set_value("theirs")


BUTTONS: list[tuple[str, str, dict[str, str], Act, str]] = [
    ("import", "datasets", {}, name_import, "submit-import"),
    ("health", "datasets", {"tab": "Health"}, nothing, "check_health"),
    ("split", "datasets", {"tab": "Split"}, nothing, "write_split"),
    ("embed", "datasets", {"tab": "Map"}, nothing, "draw_map"),
    ("embed", "datasets", {"tab": "Suspects"}, nothing, "find_suspects"),
    ("write", "datasets", {"tab": "Version"}, name_folder("write_to"), "submit-write"),
    ("masks", "masks", {}, lambda page, _: page.slider(key="thr").set_value(0.8).run(), "save_masks"),
    ("adopt", "masks", {"mask_tab": "Train LFLSeg"}, name_weights, "submit-adopt"),
    ("lflseg", "masks", {"mask_tab": "Train LFLSeg"}, nothing, "submit-lflseg"),
    (
        "preflight", "train", {"preset": "Smoke"},
        lambda page, _: page.number_input(key="leafgan-smoke-epochs").set_value(7).run(), "check-leafgan",
    ),
    ("score", "epochs", {"direction": "rust → healthy"}, nothing, "compute_scores"),
    ("synthesize", "studio", {}, lambda page, _: page.number_input(key="n").set_value(3).run(), "generate"),
    (
        "synthesize", "datasets", {"tab": "Balance", "plan_target": "Largest"},
        lambda page, _: page.checkbox(key="plan_skip").check().run() if page.checkbox else None, "make_plan",
    ),
    ("write-weights", "studio", {}, name_folder("write_weights_to"), "submit-write-weights"),
    ("export", "studio", {}, acknowledge, "zip-"),
    (
        "synthesize", "studio", {"how": "From noise", "noise_model": "three"},
        lambda page, _: page.selectbox(key="noise_label").set_value("rust").run(), "noise_generate",
    ),
    ("evaluate", "evaluate", {}, nothing, "submit-evaluate"),
    ("scarcity", "evaluate", {"what": "Scarcity study"}, nothing, "submit-scarcity"),
]  # fmt: skip


@pytest.fixture
def by_command(own, monkeypatch, capsys):
    """Return a function that gives a command as a terminal would, and returns what the run was asked for."""

    def give(command: str) -> str:
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "leafcore"]
        assert main([*words[3:], "--workspace", str(own.root), "--json"]) == 0, capsys.readouterr().err
        return str(json.loads(capsys.readouterr().out)["hash"])

    monkeypatch.setattr("leafcore.cli._execute", lambda workspace, run: {"hash": run.record.config_hash})
    return give


@pytest.fixture
def by_request(own):
    """Return a function that sends a request as curl would, and returns what the run was asked for."""
    with TestClient(build_api(own, hosts=[HOST])) as client:

        def send(request: str) -> str:
            curl, url, _, header, _, body = shlex.split(request)
            assert (curl, url) == ("curl", "http://localhost:8501/api/runs")
            answer = client.post("/runs", content=body, headers=dict([header.split(": ")]))
            assert answer.status_code == 201, answer.text
            return str(answer.json()["record"]["config_hash"])

        yield send


@pytest.mark.parametrize(("kind", "name", "query", "act", "button"), BUTTONS, ids=[row[4] for row in BUTTONS])
def test_the_copied_command_and_request_mean_what_the_button_does(
    open_app, own, journey, tmp_path, monkeypatch, by_command, by_request, kind, name, query, act, button
):
    plant_noise_model(own, "three", journey.dataset, CLASSES)
    app, _ = studio_of(open_app, own, monkeypatch)
    for key in {"tab", "mask_tab"} & query.keys():
        app.test.session_state[key] = query[key]
    page = app.open(name, **query)
    act(page, tmp_path)
    (button,) = [found.key for found in page.button if str(found.key).startswith(button)]
    if f"copy-{kind}" in [found.key for found in page.button]:  # a form says what is in it when it is sent
        page.button(key=f"copy-{kind}").click().run()
    app.checked()
    texts = [code.value for code in page.code]
    (command,) = [text for text in texts if text.startswith(f"python -m leafcore {_words_of(kind)} ")]
    (request,) = [text for text in texts if text.startswith("curl ") and f'"kind": "{kind}"' in text]
    page.button(key=button).click().run()
    if "save_anyway" in [found.key for found in page.button]:
        page.button(key="save_anyway").click().run()
    assert not page.error
    pressed = list_runs(own, kind)[0].record.config_hash
    assert by_command(command) == pressed
    assert by_request(request) == pressed


def _words_of(kind: str) -> str:
    return f"train {kind}" if kind == "lflseg" else kind


def test_a_teachers_labels_can_be_copied(open_app, own, journey, by_command, by_request):
    plant_noise_model(own, "free", journey.dataset)
    carry = carrier(own)
    made = carry("synthesize", checkpoint="free", source="", count=2, judge="none", device="cpu")
    carry("classifier", dataset=journey.dataset)
    page = open_app(own).open("studio", how="From noise", set=made.id)
    (command,) = [code.value for code in page.code if code.value.startswith("python -m leafcore pseudo-label")]
    (request,) = [code.value for code in page.code if '"kind": "pseudo-label"' in code.value]
    page.button(key=f"label-{made.id}").click().run()
    pressed = list_runs(own, "pseudo-label")[0].record.config_hash
    assert by_command(command) == by_request(request) == pressed


def test_every_box_that_queues_a_run_can_be_copied():
    for path in sorted((PROJECT_ROOT / "ui").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "forms.queue(" in text:
            assert "copy_as(" in text, path.name


def test_where_a_token_is_asked_for_the_request_sends_it(monkeypatch):
    monkeypatch.setenv("LEAF_API_TOKEN", "secret")
    text = request_of("health", {"dataset": "it's mine"}, "http://leaf:8501")
    assert '-H "Authorization: Bearer $LEAF_API_TOKEN"' in text and "secret" not in text
    assert json.loads(shlex.split(text)[-1])["settings"] == {"dataset": "it's mine"}


def test_only_what_differs_from_the_defaults_is_said():
    values = {**TINY["leafgan"], "dataset": "leaves", "b": "rust", "masks": "x", "weight_cycle": 10.0}
    config = build_config("leafgan", values)
    assert told("leafgan", config) == {name: value for name, value in values.items() if name != "weight_cycle"}


def test_a_setting_whose_default_hangs_on_another_is_said():
    config = build_config("synthesize", {"checkpoint": "words", "dataset": "leaves", "source": "healthy"})
    assert build_config("synthesize", told("synthesize", config)) == config
    command = command_of("synthesize", told("synthesize", config))
    assert "--from healthy" in command
