"""The real packages, where nobody listens: TensorBoard's files are read back by TensorBoard, W&B works offline."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from leafcore.errors import ConfigError, RunError
from leafcore.jobs import build_config, execute, submit
from leafcore.progress import Progress
from leafcore.train import trackers
from leafcore.train.trackers import Tracked, require_tracker, tracked
from tests.conftest import TINY
from tests.server import until

SETTINGS = {"epochs": 2, "learning_rate": 2e-4}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "20261121-120000-000-leafgan-ab12"
    path.mkdir()
    return path


class Recorded(Progress):
    """A run's watcher, as far as a tracker needs it."""

    def report(self, done: int, total: int, **scalars: float) -> None:
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": done, **scalars}) + "\n")


def train(name: str, folder: Path, begin: int, end: int) -> None:
    """Report the steps after `begin`, as a run does that goes on from there."""
    with tracked(name, SETTINGS, Recorded(folder)) as progress:
        progress.rewind(begin)
        for step in range(begin + 1, end + 1):
            progress.report(step, 8, loss=1 / step)
        progress.sample(np.full((4, 6, 3), end, np.uint8))


# --- TensorBoard ------------------------------------------------------------------------------------------------------


def events(folder: Path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    return reader.EventAccumulator(str(folder / "tensorboard")).Reload()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_losses_samples_and_settings(folder):
    train("tensorboard", folder, 0, 3)
    read = events(folder)
    assert [(event.step, pytest.approx(event.value)) for event in read.Scalars("loss")] == [
        (1, 1),
        (2, 1 / 2),
        (3, 1 / 3),
    ]
    assert (read.Images("samples")[0].step, read.Images("samples")[0].width) == (3, 6)
    assert "| learning_rate | 0.0002 |" in str(read.Tensors("settings/text_summary")[0].tensor_proto.string_val[0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_shows_no_step_of_a_resumed_run_twice(folder):
    train("tensorboard", folder, 0, 6)
    train("tensorboard", folder, 4, 8)
    assert [event.step for event in events(folder).Scalars("loss")] == list(range(1, 9))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_training_run_is_followed_with_all_its_losses(journey, own):
    config = build_config(
        "cyclegan", {**TINY["cyclegan"], "dataset": journey.dataset, "b": "rust", "tracker": "tensorboard"}
    )
    run = submit(own, "cyclegan", config)
    execute(own, run, lane="cpu", owner="cli")
    read = events(run.folder)
    recorded = [row for row in run.metrics() if "cycle_a" in row]
    assert [event.step for event in read.Scalars("cycle_a")] == [row["step"] for row in recorded]
    assert set(recorded[0]) - {"step", "time"} <= set(read.Tags()["scalars"])
    assert len(read.Images("samples")) == 2


# --- W&B --------------------------------------------------------------------------------------------------------------


def records(folder: Path) -> list:
    """Return the records of W&B's offline runs: LevelDB logs, each of blocks of 32 KiB, after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    return [Record.FromString(each) for path in sorted(folder.rglob("*.wandb")) for each in leveldb(path.read_bytes())]


def leveldb(log: bytes) -> Iterator[bytes]:
    position, whole = 7, b""
    while position + 7 <= len(log):
        if 32768 - position % 32768 < 7:
            position += 32768 - position % 32768
        _, length, kind = struct.unpack_from("<IHB", log, position)
        whole += log[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in {1, 4}:  # full, or the last part
            yield whole
            whole = b""


@pytest.fixture
def offline(monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


def test_wandb_writes_a_resumed_run_offline_and_no_step_twice(folder, offline):
    train("wandb", folder, 0, 6)
    ended = int(time.time())
    until(lambda: time.time() >= ended + 1, 2, "the next second: W&B names its folders by it")
    train("wandb", folder, 4, 8)
    until(lambda: sum(record.HasField("exit") for record in records(folder)) == 2, 30, "both runs are on the disk")
    written = records(folder)
    history = [
        {(item.key or item.nested_key[0]): item.value_json for item in record.history.item}
        for record in written
        if record.HasField("history")
    ]
    losses = [(int(row["_step"]), float(row["loss"])) for row in history if "loss" in row]
    assert losses == [(step, pytest.approx(1 / step)) for step in range(1, 9)]
    assert [int(row["_step"]) for row in history if "samples" in row] == [6, 8]
    run = next(record.run for record in written if record.HasField("run"))
    assert run.run_id == folder.name
    assert {item.key: item.value_json for item in run.config.update}["learning_rate"] == "0.0002"


def test_wandb_without_a_login_says_what_to_do(folder, offline, monkeypatch):
    import wandb

    def refuse(**_: object) -> None:
        raise wandb.errors.UsageError("No API key configured.\nUse `wandb login`.")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(RunError, match=r"wandb refuses \(No API key configured\. .*WANDB_MODE=offline"):
        train("wandb", folder, 0, 1)


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_named_when_a_run_is_submitted(name, journey, monkeypatch):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda _: None)
    config = build_config("classifier", {**TINY["classifier"], "dataset": journey.dataset, "tracker": name})
    with pytest.raises(ConfigError, match=f"tracker: {name} is not installed; `pip install {name}`"):
        submit(journey.workspace, "classifier", config)


def test_no_tracker_needs_no_package(monkeypatch):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda _: None)
    require_tracker("none")


def test_no_tracker_leaves_the_watcher_alone(folder):
    progress = Progress(folder)
    with tracked("none", SETTINGS, progress) as watcher:
        assert watcher is progress


def test_a_tracked_run_still_hears_everything_the_loop_says(folder):
    heard = []

    class Listener(Progress):
        def __getattribute__(self, name: str) -> object:
            if not name.startswith("_"):
                heard.append(name)
            return super().__getattribute__(name)

    class Silent:
        def __getattr__(self, name: str) -> object:
            return lambda *_: None

    watcher = Tracked(Listener(folder), Silent())
    said = {name for name in vars(Progress) if not name.startswith("_")}
    arguments = {"phase": ("training",), "report": (1, 2), "rewind": (0,), "warn": ("text",), "sample": (np.zeros(1),)}
    for name in said:
        found = getattr(watcher, name)
        if name in arguments:
            found(*arguments[name])
    assert said | {"folder"} == set(heard)
