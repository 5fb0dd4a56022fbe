import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from leafcore import __version__
from leafcore.api import build_api
from leafcore.api.files import inside
from leafcore.cli import main
from leafcore.errors import ConfigError
from leafcore.jobs import KINDS, build_config, submit
from leafcore.runs import list_runs, open_run
from leafcore.workspace import Workspace
from tests.server import HOST


@pytest.fixture(scope="module")
def client(journey):
    """The API over the journey's workspace, to read."""
    with TestClient(build_api(journey.workspace, hosts=[HOST])) as client:
        yield client


@pytest.fixture
def empty(workspace):
    """The API over an empty workspace, to write."""
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        yield client


def refuses(answer, status: int, code: str, message: str) -> None:
    """Check that an answer is a refusal in our words."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"} and set(answer.json()["error"]) == {"code", "message"}
    assert answer.json()["error"]["code"] == code
    assert message in answer.json()["error"]["message"]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_server_says_that_it_is_up(client):
    assert client.get("/health").json() == {"status": "ok", "version": __version__}


def test_datasets_are_listed_and_shown(client, journey):
    assert client.get("/datasets").json() == ["leaves"]
    for name in ("leaves", journey.dataset):
        shown = client.get(f"/datasets/{name}").json()
        assert shown["dataset"] == journey.dataset and shown["images"] == 44
        assert shown["label_sets"]["rust"]["total"] == 12
        assert shown["versions"] == [journey.dataset.partition("@")[2]]
        assert "root" not in shown["card"], "where the pictures lie is the server's business"


def test_checkpoints_are_listed_with_their_cards(client, journey):
    (card,) = [card for card in client.get("/checkpoints").json() if card["run"] == journey.runs["leafgan"].id]
    assert (card["name"], card["recipe"], card["epoch"]) == ("healthy-to-rust", "leafgan", 2)
    assert client.get("/checkpoints/healthy-to-rust").json() == card
    refuses(client.get("/checkpoints/gone"), 404, "not_found", "gone")


def test_every_kind_is_described_with_presets_and_schema(client):
    kinds = client.get("/kinds").json()
    assert list(kinds) == list(KINDS)
    for name, kind in kinds.items():
        config = KINDS[name].config
        assert set(kind["schema"]["properties"]) == set(config.model_fields)
        assert kind["presets"].keys() == config.PRESETS.keys()
        assert all(setting.get("description") for setting in kind["schema"]["properties"].values())


def test_runs_are_listed_newest_first_and_by_kind(client, journey):
    listed = client.get("/runs").json()
    assert [row["run"] for row in listed] == [run.id for run in list_runs(journey.workspace)]
    (masks,) = client.get("/runs", params={"kind": "masks"}).json()
    assert masks["run"] == journey.runs["masks"].id


def test_a_run_is_shown_with_its_record_status_and_result(client, journey):
    run = journey.runs["evaluate"]
    shown = client.get(f"/runs/{run.id}").json()
    assert shown["path"] == str(run.folder)
    assert shown["record"]["kind"] == "evaluate" and shown["status"]["state"] == "done"
    assert shown["result"] == json.loads(json.dumps(run.result()))


def test_metrics_are_what_the_run_recorded(client, journey):
    run = journey.runs["leafgan"]
    assert client.get(f"/runs/{run.id}/metrics").json() == run.metrics()
    assert len(run.metrics()) == 6


def test_a_metric_that_was_no_number_is_null(empty, workspace):
    run = submit(workspace, "render", build_config("render", {}))
    (run.folder / "metrics.jsonl").write_text('{"step": 1, "loss": null}\n')
    assert empty.get(f"/runs/{run.id}/metrics").json() == [{"step": 1.0, "loss": None}]


def test_the_log_is_plain_text(client, journey):
    answer = client.get(f"/runs/{journey.runs['leafgan'].id}/log")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "phase: training" in answer.text


def test_a_damaged_run_is_left_out_and_not_found(empty, workspace):
    run, damaged = (
        submit(workspace, "render", build_config("render", {"name": name})) for name in ("whole", "damaged")
    )
    (damaged.folder / "config.json").write_bytes(b"{")
    for path in ("/runs", "/runs?kind=render"):
        assert [row["run"] for row in empty.get(path).json()] == [run.id]
    for path in ("", "/events", "/log"):
        refuses(empty.get(f"/runs/{damaged.id}{path}"), 404, "not_found", "config.json is damaged")


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_run_is_queued_with_its_settings_checked_and_filled_in(empty, workspace):
    asked = {"kind": "render", "settings": {"name": "mine", "seed": 4}, "preset": "smoke", "title": "For Monday"}
    answer = empty.post("/runs", json=asked)
    assert answer.status_code == 201
    run = open_run(workspace, answer.json()["run"])
    assert answer.json()["status"]["state"] == run.status().state == "queued"
    assert run.record.title == "For Monday"
    assert run.record.settings["name"] == "mine" and run.record.settings["count"] == 180


def test_a_run_can_be_stopped_and_resumed(empty, workspace):
    run = submit(workspace, "render", build_config("render", {}))
    assert empty.post(f"/runs/{run.id}/stop").json()["status"]["state"] == "stopped"
    refuses(empty.post(f"/runs/{run.id}/stop"), 409, "job", "is stopped; there is nothing to stop")
    assert empty.post(f"/runs/{run.id}/resume").json()["status"]["state"] == "queued"
    refuses(empty.post(f"/runs/{run.id}/resume"), 409, "job", "is queued; only a failed")


def test_runs_that_wait_can_be_moved_held_and_cancelled(empty, workspace):
    first, second = (submit(workspace, "render", build_config("render", {"name": name})) for name in ("a", "b"))
    assert [row["run"] for row in empty.post(f"/queue/{second.id}/next").json()] == [second.id, first.id]
    assert [row["run"] for row in empty.get("/queue").json()] == [second.id, first.id]
    for moment in ("nan", "inf", "-1"):
        refuses(empty.post(f"/queue/{first.id}?not_before={moment}"), 422, "config", "query.not_before")
    assert empty.post(f"/queue/{first.id}?not_before=5").json()[1]["status"]["not_before"] == 5
    assert empty.post(f"/runs/{first.id}/stop?how=pause").json()["status"]["state"] == "paused"
    assert empty.delete("/queue").json() == [second.id] and empty.get("/queue").json() == []
    refuses(empty.post(f"/queue/{second.id}/up"), 409, "job", "is stopped, no longer queued")


def test_a_run_can_be_deleted_and_restored(empty, workspace):
    run = submit(workspace, "render", build_config("render", {}))
    refuses(empty.delete(f"/runs/{run.id}"), 409, "job", "is queued; stop it first")
    run.request_stop()
    assert empty.delete(f"/runs/{run.id}").json()["trash"] == str(workspace.trash / run.id)
    assert empty.post(f"/runs/{run.id}/restore").json()["status"]["state"] == "stopped"
    empty.delete(f"/runs/{run.id}")
    assert empty.delete("/trash").json()["bytes"] > 0
    refuses(empty.post(f"/runs/{run.id}/restore"), 404, "not_found", "there is no run")


def test_what_cannot_go_on_is_refused(empty, workspace):
    run = submit(workspace, "render", build_config("render", {}))
    run.request_stop()
    refuses(empty.post(f"/runs/{run.id}/again?seeds=1"), 422, "config", "is a render run, expected a training")
    refuses(empty.post(f"/runs/{run.id}/extend?epochs=2"), 422, "config", "is a render run, expected leafgan")
    refuses(empty.post(f"/runs/{run.id}/fix"), 409, "job", "no other settings are known")


def test_a_training_is_queued_again_once_per_seed(journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "copy")
    with TestClient(build_api(Workspace(tmp_path / "copy"), hosts=[HOST])) as client:
        answer = client.post(f"/runs/{journey.runs['leafgan'].id}/again?seeds=1&seeds=2")
    assert answer.status_code == 201
    assert [one["record"]["settings"]["seed"] for one in answer.json()] == [1, 2]


def test_an_epoch_can_be_promoted(journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "copy")
    run_id = journey.runs["leafgan"].id
    with TestClient(build_api(Workspace(tmp_path / "copy"), hosts=[HOST])) as client:
        answer = client.post(f"/runs/{run_id}/promote", json={"name": "first-try", "epoch": 1})
        assert answer.status_code == 201
        assert (answer.json()["name"], answer.json()["epoch"], answer.json()["run"]) == ("first-try", 1, run_id)
        assert "first-try" in [card["name"] for card in client.get("/checkpoints").json()]
        again = {"name": "first-try", "epoch": 2, "replace": True}
        assert client.post(f"/runs/{run_id}/promote", json=again).json()["epoch"] == 2
        refuses(client.post(f"/runs/{run_id}/promote", json={"name": "first-try"}), 422, "config", "first-try")
        refuses(client.post(f"/runs/{run_id}/promote", json={"name": "../x"}), 422, "config", "name: got '../x'")
        refuses(client.post(f"/runs/{run_id}/promote", json={"name": "x", "epoch": 9}), 404, "not_found", "epoch: got")
        refuses(client.post(f"/runs/{run_id}/promote", json={"name": "x", "epoch": 0}), 422, "config", "body.epoch")


def test_many_can_submit_at_the_same_time(empty, workspace):
    def ask(index: int) -> int:
        return empty.post("/runs", json={"kind": "render", "settings": {"name": f"set-{index}"}}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {201}
    assert len(list_runs(workspace)) == 24


# --- refusals ---------------------------------------------------------------------------------------------------------

REFUSED = [
    ({"kind": "dance"}, 422, "config", "kind: got 'dance', expected one of import"),
    ({"kind": "render", "settings": {"colour": "red"}}, 422, "config", "colour: unknown setting. Known: val, test"),
    ({"kind": "render", "settings": {"count": 3}}, 422, "config", "count: got 3, expected greater than or equal to 20"),
    ({"kind": "render", "preset": "huge"}, 422, "config", "preset: got 'huge', expected one of smoke, draft."),
    ({"kind": "render", "settings": {"name": "../x"}}, 422, "config", "dataset: got '../x', expected 1 to 80"),
    ({"kind": "masks", "settings": {"dataset": "nowhere", "model": "m"}}, 404, "not_found", "dataset: got 'nowhere'"),
    (
        {"kind": "import", "settings": {"source": "a\0b", "name": "x"}},
        422,
        "dataset",
        "'a\\x00b': no file can be called",
    ),
    ({"kind": "import", "settings": {"source": "x" * 9000, "name": "x"}}, 422, "dataset", "longer than a path may be"),
    ({"kind": "export", "settings": {"run": "nowhere"}}, 404, "not_found", "there is no run 'nowhere'"),
    ({"kind": "export", "settings": {}}, 422, "config", "run: missing. The synthesize run to export."),
    ({"kind": "render", "colour": "red"}, 422, "config", "body.colour: Extra inputs are not permitted"),
    ({"settings": {}}, 422, "config", "body.kind: Field required"),
    ({"kind": "render", "settings": []}, 422, "config", "body.settings: Input should be a valid dictionary"),
]


@pytest.mark.parametrize(("asked", "status", "code", "message"), REFUSED)
def test_a_wrong_submission_is_refused_and_leaves_nothing(empty, workspace, asked, status, code, message):
    refuses(empty.post("/runs", json=asked), status, code, message)
    assert list_runs(workspace) == []


def test_what_is_not_json_is_refused(empty):
    headers = {"Content-Type": "application/json"}
    refuses(empty.post("/runs", content=b"{", headers=headers), 422, "config", "JSON")


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        (["masks", "--dataset", "nowhere", "--model", "m"], ("masks", {"dataset": "nowhere", "model": "m"})),
        (["export", "nowhere"], ("export", {"run": "nowhere"})),
        (["import", "a\0b", "--name", "x"], ("import", {"source": "a\0b", "name": "x"})),
        (["render", "--count", "3"], ("render", {"count": "3"})),
        (["render", "--name", "../x"], ("render", {"name": "../x"})),
    ],
)
def test_a_refusal_is_in_the_words_of_the_command_line(empty, capsys, argv, asked):
    assert main(argv) == 2
    answer = empty.post("/runs", json={"kind": asked[0], "settings": asked[1]})
    assert capsys.readouterr().err == answer.json()["error"]["message"] + "\n"


@pytest.mark.parametrize("run_id", ["nowhere", "20260101-000000-000-render-0000"])
@pytest.mark.parametrize("rest", ["", "/metrics", "/log", "/events", "/zip", "/sample", "/images/x.png"])
def test_an_unknown_run_is_not_found(client, run_id, rest):
    refuses(client.get(f"/runs/{run_id}{rest}"), 404, "not_found", f"there is no run {run_id!r}")


@pytest.mark.parametrize("part", ["%2e%2e", "..%2f..%2fetc", "%2e%2e%2fdatasets", ".hidden", "a%00b", "x" * 200])
def test_an_id_that_leads_elsewhere_is_refused(client, journey, part):
    synthesize = journey.runs["synthesize"].id
    paths = [f"/runs/{part}", f"/runs/{part}/zip", f"/runs/{part}/log", f"/datasets/{part}"]
    for path in [*paths, f"/runs/{synthesize}/images/{part}"]:
        answer = client.get(path)
        assert answer.status_code in {404, 422}, path
        assert set(answer.json()["error"]) == {"code", "message"}


def test_a_picture_outside_its_folder_is_refused(client, journey):
    run = journey.runs["synthesize"]
    answer = client.get(f"/runs/{run.id}/images/%2e%2e%5cstatus.json")
    assert answer.status_code in {404, 422} and "error" in answer.json()
    with pytest.raises(ConfigError, match="expected a plain file name"):
        inside(run.folder / "images", "../status.json")


def test_an_unknown_path_and_a_wrong_method_are_refused_in_our_form(client):
    refuses(client.get("/nowhere"), 404, "not_found", "GET /nowhere: Not Found.")
    refuses(client.delete("/runs"), 405, "http", "DELETE /runs: Method Not Allowed.")


def test_a_full_disk_is_answered_as_such(empty, monkeypatch):
    def refuse(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leafcore.files.os.replace", refuse)
    refuses(empty.post("/runs", json={"kind": "render"}), 409, "disk_full", "The disk is full")


# --- the guard --------------------------------------------------------------------------------------------------------


def requests_of(client: TestClient) -> list[tuple[str, str]]:
    """Return a request for every route and method."""
    routes = [route for route in client.app.routes if isinstance(route, Route)]
    paths = [(method, route.path.replace("{", "").replace("}", "")) for route in routes for method in route.methods]
    assert len(paths) > 20
    return paths


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8501"},
        {"Host": "localhost.evil.example"},
        {"Host": "["},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Host": "localhost:8501", "Origin": "http://localhost:9999"},
    ],
)
def test_every_route_refuses_a_strangers_host_or_origin(empty, workspace, headers):
    for method, path in requests_of(empty):
        answer = empty.request(method, path, headers=headers)
        assert answer.status_code == 403, (method, path)
        if method != "HEAD":
            assert answer.json()["error"]["code"] == "forbidden"
    assert list_runs(workspace) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8501"},
        {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"},
        {"Host": "[::1]:8501", "Origin": "http://[::1]:8501"},
        {"Host": "localhost"},
    ],
)
def test_the_servers_own_pages_may_ask(empty, headers):
    assert empty.get("/health", headers=headers).status_code == 200


def test_a_name_that_only_tests_use_is_a_strangers_in_production(workspace):
    with TestClient(build_api(workspace)) as client:
        assert client.get("/health", headers={"Host": "localhost"}).status_code == 200
        refuses(client.get("/health"), 403, "forbidden", "Host: got 'testserver'")


def test_another_host_can_be_allowed(workspace, monkeypatch):
    monkeypatch.setenv("LEAF_ALLOWED_HOSTS", "leaf.example, 10.0.0.7")
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        for host in ("leaf.example", "10.0.0.7:80", "localhost"):
            assert client.get("/health", headers={"Host": host}).status_code == 200
        assert client.get("/health", headers={"Host": "evil.example"}).status_code == 403


# --- the description --------------------------------------------------------------------------------------------------


def test_the_api_describes_itself(client):
    described = client.get("/openapi.json").json()
    assert described["info"]["title"] == "Leaf Workbench"
    paths = {route.path_format for route in client.app.routes if isinstance(route, Route)}
    own = {path for path in paths if not path.startswith(("/docs", "/redoc", "/openapi"))}
    assert set(described["paths"]) == own
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["description"].endswith("."), (method, path)
    assert client.get("/docs").status_code == 200
