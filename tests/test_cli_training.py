"""Training by commands: several targets in one go, and a check before."""

import shutil

import pytest

from leafcore.runs import list_runs, open_run
from leafcore.workspace import Workspace
from tests.test_cli import call, flags

pytestmark = pytest.mark.usefixtures("own_main")


@pytest.fixture
def own(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


def command(workspace, *words):
    """Run a command about a tiny CycleGAN, as programs do."""
    shared = flags("cyclegan", dataset="leaves", device="cpu", epochs=1)
    return call(*words, *shared, "--workspace", workspace.root, "--json")


def test_each_target_is_trained_by_a_run_of_its_own(own):
    answer = command(own, "train", "cyclegan", "--b", "rust", "--b", "scab", "--promote-as", "mine").json
    assert [each["checkpoint"] for each in answer["runs"]] == ["mine-healthy-to-rust", "mine-healthy-to-scab"]
    assert [open_run(own, each["run"]).record.settings["b"] for each in answer["runs"]] == ["rust", "scab"]


def test_nothing_is_trained_if_a_target_is_unknown(own):
    before = len(list_runs(own))
    command(own, "train", "cyclegan", "--b", "rust", "--b", "mildew").refuses("label: got 'mildew'")
    assert len(list_runs(own)) == before


def test_a_check_tells_what_a_training_takes_and_queues_nothing_unasked(own):
    answer = command(own, "preflight", "cyclegan", "--b", "rust").json
    assert answer["fits"] and answer["forecast"]["steps"] == 3 and answer["queued"] == ""
    assert answer["eta_s"] > 0 and answer["measured"]["memory_bytes"] > 0
    assert [run.kind for run in list_runs(own)][0] == "preflight"
