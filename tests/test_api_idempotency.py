"""A submission that is sent twice, under a key of the client's choice, counts once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.runs import Run, list_runs, open_run
from leafcore.trash import delete_run
from tests.server import HOST
from tests.test_api import refuses

ASKED = {"kind": "render", "settings": {"name": "mine", "seed": 4}}
KEY = {"Idempotency-Key": "for-monday"}


@pytest.fixture
def client(workspace):
    """The API over an empty workspace."""
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        yield client


def test_the_same_wish_under_the_same_key_is_one_run_also_after_a_restart(client, workspace):
    first = client.post("/runs", json=ASKED, headers=KEY)
    again = client.post("/runs", json={**ASKED, "title": ""}, headers=KEY)  # the same, said at greater length
    assert (first.status_code, again.status_code) == (201, 200)
    with TestClient(build_api(workspace, hosts=[HOST])) as restarted:
        later = restarted.post("/runs", json=ASKED, headers=KEY)
    assert first.json()["run"] == again.json()["run"] == later.json()["run"]
    assert len(list_runs(workspace)) == 1


def test_another_wish_under_the_same_key_is_refused(client, workspace):
    run = client.post("/runs", json=ASKED, headers=KEY).json()["run"]
    other = {**ASKED, "settings": {"name": "mine", "seed": 5}}
    refuses(client.post("/runs", json=other, headers=KEY), 422, "config", f"other settings before, for run {run}")
    assert len(list_runs(workspace)) == 1


def test_without_a_key_or_under_another_one_the_same_wish_is_another_run(client, workspace):
    for headers in ({}, {}, KEY, {"Idempotency-Key": "for-tuesday"}):
        assert client.post("/runs", json=ASKED, headers=headers).status_code == 201
    assert len(list_runs(workspace)) == 4


def test_a_refused_wish_takes_no_key(client):
    refuses(client.post("/runs", json={"kind": "dance"}, headers=KEY), 422, "config", "kind: got 'dance'")
    assert client.post("/runs", json=ASKED, headers=KEY).status_code == 201


def test_of_many_at_once_one_queues_the_run(client, workspace):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/runs", json=ASKED, headers=KEY), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["run"] for answer in answers}) == len(list_runs(workspace)) == 1


def test_a_crash_between_the_key_and_the_run_leaves_the_key_free(client, workspace, monkeypatch):
    def crash(run: Run, status: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_status", crash)
        assert client.post("/runs", json=ASKED, headers=KEY).status_code == 409
    assert list(workspace.submissions.iterdir()), "the key was written first"
    assert client.post("/runs", json=ASKED, headers=KEY).status_code == 201
    assert len(list_runs(workspace)) == 1


def test_a_deleted_run_frees_its_key(client, workspace):
    run = open_run(workspace, client.post("/runs", json=ASKED, headers=KEY).json()["run"])
    run.request_stop()
    delete_run(workspace, run)
    assert client.post("/runs", json=ASKED, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["x" * 256, "../../etc/passwd"])
def test_a_key_is_only_a_word(client, workspace, key):
    answer = client.post("/runs", json=ASKED, headers={"Idempotency-Key": key})
    assert answer.status_code == (422 if len(key) > 255 else 201)
    inside = {path.parent for path in workspace.root.rglob("*.json") if "submissions" in path.parts}
    assert inside <= {workspace.submissions}
