"""The report through the API and by command."""

import io
import zipfile

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from tests.conftest import carrier
from tests.server import HOST
from tests.test_cli import call


@pytest.fixture
def client(own):
    with TestClient(build_api(own, hosts=[HOST])) as client:
        yield client


def test_a_finished_report_is_downloaded_and_never_run_as_a_page(own, client, journey):
    run = carrier(own)("report", run=journey.runs["evaluate"].id)
    answer = client.get(f"/runs/{run.id}/report")
    assert answer.status_code == 200 and answer.text.startswith("<!doctype html>")
    assert (
        answer.headers["content-disposition"].startswith("attachment") and "html" not in answer.headers["content-type"]
    )
    packed = client.get(f"/runs/{run.id}/report.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None and any(name.endswith("replay.sh") for name in archive.namelist())


def test_what_is_no_report_is_refused_in_one_line(client, journey):
    answer = client.get(f"/runs/{journey.runs['masks'].id}/report")
    assert answer.status_code == 404 and "is a masks run in state done, expected a done report" in answer.text


def test_the_command_says_where_the_report_is(own, journey):
    answer = call("report", journey.runs["evaluate"].id, "--workspace", own.root, "--json").json
    assert answer["comparison"] == journey.runs["evaluate"].id and answer["bytes"] > 10_000
    call("report", "gone", "--workspace", own.root).refuses("gone")
