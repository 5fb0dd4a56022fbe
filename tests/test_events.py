"""The API's stream of a run's status."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.api.runs import status_events
from leafcore.jobs import build_config, submit
from leafcore.runs import Failure
from leafcore.serving import Shutdown
from tests.server import HOST


@pytest.fixture
def empty(workspace):
    """The API over an empty workspace."""
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        yield client


def events_of(client: TestClient, run_id: str) -> list[dict]:
    """Return every status that a run's stream sends until it ends."""
    with client.stream("GET", f"/runs/{run_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = list(answer.iter_lines())
    assert all(line in {"", "event: status"} or line.startswith("data: ") for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_the_stream_of_a_run_that_has_ended_is_its_last_status(journey):
    with TestClient(build_api(journey.workspace, hosts=[HOST])) as client:
        (status,) = events_of(client, journey.runs["masks"].id)
    assert status["state"] == "done"


def test_the_stream_ends_when_its_run_does(empty, workspace):
    run = submit(workspace, "render", build_config("render", {}))
    with ThreadPoolExecutor(1) as pool:
        stream = pool.submit(events_of, empty, run.id)
        run.request_stop()
        assert stream.result(timeout=10)[-1]["state"] == "stopped"


def test_the_stream_ends_when_the_server_is_asked_to_end(workspace):
    run, shutdown = submit(workspace, "render", build_config("render", {})), Shutdown()

    async def follow() -> None:
        events = status_events(run, shutdown)
        assert '"state":"queued"' in await anext(events)
        shutdown.begin()
        with pytest.raises(StopAsyncIteration):
            await anext(events)

    with start_blocking_portal() as portal:
        portal.call(follow)
    assert run.status().state == "queued"


def test_the_stream_says_whatever_changes(workspace, monkeypatch):
    monkeypatch.setattr("leafcore.api.runs.EVENT_S", 0.01)
    run = submit(workspace, "render", build_config("render", {}))

    async def follow() -> None:
        events = status_events(run, Shutdown())
        assert '"state":"queued"' in await anext(events)
        for done in (1, 2):
            run.write_status(run.status_written().model_copy(update={"state": "running", "done": done}))
            assert f'"state":"running","phase":"","done":{done}' in await anext(events)
        run.finish("failed", Failure(code="job", message="no"))
        assert '"state":"failed"' in await anext(events)
        with pytest.raises(StopAsyncIteration):
            await anext(events)

    with run.locked(), start_blocking_portal() as portal:
        portal.call(follow)
