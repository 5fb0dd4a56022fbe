"""A run of any kind goes on by its id, and answers as the command would that began it."""

import shutil

import pytest

from leafcore.jobs import build_config, submit
from leafcore.reporting import RunProgress
from leafcore.workspace import Workspace
from tests.conftest import TINY
from tests.test_cli import call

pytestmark = pytest.mark.usefixtures("own_main")


@pytest.fixture
def stopped(journey, tmp_path):
    """Return a function that stops a queued run of a kind, in a copy of the journey, and returns it."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    workspace = Workspace(tmp_path / "own")

    def stop(kind, **values):
        run = submit(workspace, kind, build_config(kind, {**TINY.get(kind, {}), "dataset": journey.dataset, **values}))
        assert call("stop", run.id, "--workspace", workspace.root, "--json").json["state"] == "stopped"
        return workspace, run

    return stop


def test_a_stopped_comparison_goes_on_and_tells_people_what_it_found(stopped, journey):
    workspace, run = stopped("evaluate", synthetic=(journey.runs["synthesize"].id,))
    answer = call("resume", run.id, "--workspace", workspace.root)
    assert answer.code == 0, answer.lines
    assert run.status().state == "done" and run.result()["verdict"] in answer.out
    assert "crossed" not in answer.out, "programs read it; people read tables"


def test_who_stops_a_command_is_told_how_to_go_on(stopped, monkeypatch):
    workspace, run = stopped("health")
    with monkeypatch.context() as patch:
        patch.setattr(RunProgress, "phase", interrupt)
        answer = call("resume", run.id, "--workspace", workspace.root)
    answer.refuses(f"saved. `leafcore resume {run.id}` goes on with it.", code=1)
    assert call("resume", run.id, "--workspace", workspace.root, "--json").json["run"] == run.id
    call("resume", run.id, "--workspace", workspace.root).refuses("is done; only a failed", code=1)


def interrupt(*args: object) -> None:
    raise KeyboardInterrupt
