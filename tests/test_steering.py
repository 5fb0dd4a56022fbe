import json
import shutil
from datetime import datetime

import pytest

from leafcore.cli import main
from leafcore.queue import next_time, queue
from leafcore.workspace import Workspace
from tests.states import new_run, write_state


@pytest.fixture
def say(capsys):
    """Return a function that runs a command and returns its answer."""

    def run(*words: str) -> dict:
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_the_queue_is_shown_and_changed(workspace, say):
    first, second, third = (new_run(workspace, name) for name in ("a", "b", "c"))
    assert [row["run"] for row in say("queue")["queue"]] == [first.id, second.id, third.id]
    assert [row["run"] for row in say("queue", "--next", third.id)["queue"]] == [third.id, first.id, second.id]
    say("queue", "--up", second.id)
    say("queue", "--down", third.id)
    assert queue(workspace) == [second, third, first]
    say("queue", "--hold", first.id, "--until", "23:59")
    assert datetime.fromtimestamp(first.status().not_before).strftime("%H:%M") == "23:59"
    assert say("queue", "--cancel-pending")["stopped"] == [second.id, third.id, first.id]


def test_a_time_that_is_none_is_refused_in_one_line(workspace, capsys):
    run = new_run(workspace)
    assert main(["queue", "--hold", run.id, "--until", "noon"]) == 2
    assert "until: got 'noon', expected hours and minutes such as 22:30." in capsys.readouterr().err


def test_the_next_time_is_ahead_within_a_day():
    assert 0 < next_time("03:00") - datetime.now().timestamp() <= 24 * 3600 + 3600  # a clock may change


def test_a_run_can_be_paused_stopped_at_once_only_while_it_runs_and_deleted(workspace, say, capsys):
    run = new_run(workspace)
    assert say("stop", run.id, "--pause")["state"] == "paused"
    assert main(["stop", run.id, "--now"]) == 1
    assert "is paused; there is nothing to end" in capsys.readouterr().err
    assert say("delete", run.id)["bytes"] > 0
    assert not run.folder.exists()
    assert say("delete", run.id, "--undo")["path"] == str(run.folder)
    freed = say("delete", run.id)["bytes"]
    assert say("empty-trash")["bytes"] >= freed and say("empty-trash")["bytes"] == 0


def test_only_what_can_be_extended_or_mended_is(workspace, capsys):
    run = new_run(workspace)
    write_state(run, "failed")
    assert main(["extend", run.id, "--epochs", "5"]) == 2 and main(["fix", run.id]) == 1
    assert "expected leafgan, cyclegan, dcgan, diffusion or dreambooth" in capsys.readouterr().err


def test_a_training_is_asked_for_again_with_other_seeds(workspace, capsys):
    run = new_run(workspace)
    assert main(["again", run.id, "--seeds", "1,2"]) == 2
    assert "is a render run, expected a training" in capsys.readouterr().err
    assert main(["again", run.id, "--seeds", "1,two"]) == 2
    assert "seeds: got '1,two', expected whole numbers with commas between them: 1,2." in capsys.readouterr().err


def test_each_seed_gets_a_run(journey, tmp_path, say, monkeypatch):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    monkeypatch.setenv("LEAF_WORKSPACE", str(tmp_path / "own"))
    queued = say("again", journey.runs["leafgan"].id, "--seeds", "1, 2")["runs"]
    assert [row["title"] for row in queued] == [f"LeafGAN healthy → rust, seed {seed}" for seed in (1, 2)]
    waiting = queue(Workspace(tmp_path / "own"))
    assert [run.id for run in waiting] == [row["run"] for row in queued]
