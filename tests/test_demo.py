import json
import os
import subprocess
import sys
import zipfile

import pytest

from leafcore.demo import COUNTS, demo
from leafcore.errors import ConfigError
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import open_run
from leafcore.workspace import PROJECT_ROOT, Workspace
from tests.conftest import TINY

SMALLER = {
    "render": {"count": 40, "size_px": 32, "val": 0.2, "test": 0.2},
    "synthesize": {"count": 4},
    **{kind: TINY[kind] for kind in ("lflseg", "leafgan", "evaluate")},
}


@pytest.fixture
def few_scenes(monkeypatch):
    """Draw a dozen scenes without leaves instead of hundreds."""
    monkeypatch.setattr("leafcore.data.nonleaf.SCENES", 12)


def go(root, seed):
    """Go the demo's journey with smaller settings; return what it found, without what differs from run to run."""
    workspace = Workspace(root)

    def carry_out(kind, config):
        values = {**config.model_dump(mode="json"), **SMALLER.get(kind, {})}
        assert values.get("seed", seed) == seed
        run = submit(workspace, kind, build_config(kind, values))
        execute(workspace, run, lane="cpu", owner="cli")
        return run

    found = demo("smoke", seed, carry_out).model_dump()
    assert list(found.pop("runs")) == ["render", "lflseg", "masks", "leafgan", "synthesize", "export", "evaluate"]
    assert found["synthetic"].pop("zip").endswith("export.zip")
    return found


def test_the_same_seed_finds_the_same_numbers(tmp_path, few_scenes):
    first, again = go(tmp_path / "first", 1), go(tmp_path / "again", 1)
    assert first == again
    assert first["dataset"].startswith("demo-smoke-1@")
    assert first["synthetic"] == {"count": 4, "labels": "rust"}
    assert set(first["evaluation"]["macro_f1"]) == {"real", "real_plus_synthetic"}


def test_the_demo_has_two_presets():
    assert set(COUNTS) == {"smoke", "draft"}
    with pytest.raises(ConfigError, match="preset: got 'paper', expected one of smoke, draft"):
        demo("paper", 0, lambda kind, config: pytest.fail("nothing may be carried out"))


@pytest.mark.timeout(900)
def test_the_demo_goes_the_whole_journey(tmp_path):
    """The one long test: the real demo, over a minute."""
    command = [sys.executable, "-m", "leafcore", "demo", "--preset", "smoke", "--json"]
    environment = {**os.environ, "LEAF_WORKSPACE": str(tmp_path)}
    answer = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert answer.returncode == 0, answer.stderr[-2000:]
    found = json.loads(answer.stdout)
    workspace = Workspace(tmp_path)
    assert set(found["runs"]) == {"render", "lflseg", "masks", "leafgan", "synthesize", "export", "evaluate"}
    assert all(open_run(workspace, run_id).status().state == "done" for run_id in found["runs"].values())
    assert 0 < found["mask_iou"] <= 1
    assert {"adversarial_ab", "cycle_a", "identity_a", "background_a", "disc_b"} <= set(found["losses"])
    with zipfile.ZipFile(found["synthetic"]["zip"]) as archive:
        pictures = [name for name in archive.namelist() if name.startswith("train_images/")]
    assert found["synthetic"]["count"] == len(pictures) > 0
    assert found["synthetic"]["labels"] == "rust"
    assert set(found["evaluation"]["macro_f1"]) == {"real", "real_plus_synthetic"}
    assert all(0 <= score <= 1 for score in found["evaluation"]["macro_f1"].values())
    assert found["evaluation"]["verdict"] and found["evaluation"]["test_images"] > 0
