"""A worker that is killed at any moment loses nothing: resumed, it repeats the run that was never interrupted."""

import random
import shutil

import psutil
import pytest
import torch
from safetensors.torch import load_file

from leafcore.jobs import build_config, execute, submit
from leafcore.lanes import start_worker
from leafcore.runs import Run
from leafcore.workspace import Workspace
from tests.conftest import TINY
from tests.server import until

KILLS = 3
STEPS = 60


def losses(run: Run) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "time"} for row in run.metrics()]


@pytest.fixture
def one_thread(monkeypatch):
    """Compute on one thread, here and in workers: for networks this small, a second one only gets in the way."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def submit_leafgan(journey, tmp_path, one_thread):
    """Return a function that queues the same run in a copy of the journey's workspace."""
    shutil.copytree(journey.workspace.root, tmp_path / "copy")
    workspace = Workspace(tmp_path / "copy")
    values = {**TINY["leafgan"], "epochs": 6, "epochs_decay": 4, "max_steps_per_epoch": 6, "state_every_s": 1e-6}
    config = build_config(
        "leafgan", {**values, "dataset": journey.dataset, "b": "rust", "masks": journey.runs["masks"].id}
    )
    return lambda: (workspace, submit(workspace, "leafgan", config))


def train_until_killed(workspace: Workspace, run: Run, step: int) -> None:
    """Let a worker train until a step is recorded, one at least that no worker took before it, then kill it."""
    step = max(step, len(run.metrics()) + 1)
    worker = start_worker(workspace, run, "cpu")
    try:
        until(lambda: len(run.metrics()) >= step or worker.poll() is not None, 120, f"step {step} is taken")
        psutil.Process(worker.pid).kill()
    finally:
        worker.kill()
        worker.wait()


def test_a_run_that_is_killed_again_and_again_equals_the_uninterrupted_one(submit_leafgan):
    workspace, uninterrupted = submit_leafgan()
    execute(workspace, uninterrupted, lane="cpu", owner="cli")
    expected = losses(uninterrupted)
    assert [row["step"] for row in expected] == list(range(1, STEPS + 1))

    workspace, killed = submit_leafgan()
    seed = random.SystemRandom().randrange(10**6)
    steps = sorted(random.Random(seed).sample(range(2, STEPS - 10), KILLS))
    for step in steps:
        print(f"killed at step {step} (seed {seed})")
        train_until_killed(workspace, killed, step)
        assert killed.status().state == "interrupted"
        before = killed.metrics()
        assert losses(killed) == expected[: len(before)]
        killed.requeue()
    assert 0 < torch.load(killed.folder / "state.pt", weights_only=True)["step"] < STEPS
    execute(workspace, killed, lane="cpu", owner="cli")

    assert losses(killed) == expected
    assert [file.name for file in sorted((killed.folder / "weights").iterdir())] == [
        f"{epoch:04d}.safetensors" for epoch in range(1, 11)
    ]
    for file in sorted((uninterrupted.folder / "weights").iterdir()):
        ours, theirs = load_file(killed.folder / "weights" / file.name), load_file(file)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours), file.name
    assert killed.result() == uninterrupted.result()
