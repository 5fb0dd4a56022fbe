import errno
import math
import shutil

import pytest
import torch
from PIL import Image

from leafcore import files
from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.errors import (
    CheckpointError,
    ConfigError,
    DatasetError,
    DiskFull,
    NotFoundError,
    Stopped,
    TrainingDiverged,
)
from leafcore.files import read_json
from leafcore.jobs import build_config, execute, submit
from leafcore.train import checkpointing
from leafcore.train.checkpointing import load_state
from leafcore.train.classifier import Classifier
from leafcore.train.loop import on_host, require_finite, train
from tests.conftest import TINY, draw_leaf
from tests.watcher import Watcher

STEPS = 4  # of the tiny classifier: two epochs of two steps


@pytest.fixture
def learn(journey, settings, tmp_path):
    """Return a function that trains the tiny classifier; the folder is the same each time unless it is named."""

    def run(folder="run", stop_after=None, **values):
        watcher = Watcher(tmp_path / folder, stop_after)
        watcher.result = None
        watcher.result = train(settings("classifier", **values), journey.workspace, watcher)
        return watcher

    return run


def at_step(wanted, action):
    """Return a step of the classifier that does something to itself and its losses at one step."""
    original, taken = Classifier.step, []

    def step(self, batch):
        losses = original(self, batch)
        taken.append(losses)
        return action(self, losses) if len(taken) == wanted else losses

    return step


def test_epochs_end_with_weights_a_state_and_scores(learn):
    watcher = learn()
    assert watcher.done == STEPS and watcher.result.steps == STEPS and watcher.result.epochs == 2
    assert sorted(path.name for path in (watcher.folder / "weights").iterdir()) == [
        "0001.safetensors",
        "0002.safetensors",
    ]
    assert [row["step"] for row in watcher.scalars if "val_macro_f1" in row] == [2, 4]
    assert watcher.result.scores == {"val_macro_f1": watcher.scalars[-1]["val_macro_f1"]}
    assert load_state(watcher.folder)["step"] == STEPS


def test_weights_are_saved_every_so_many_epochs_and_at_the_end(learn):
    watcher = learn(epochs=5, max_steps_per_epoch=1, save_every=2)
    assert sorted(path.stem for path in (watcher.folder / "weights").iterdir()) == ["0002", "0004", "0005"]


def test_losses_are_recorded_every_so_many_steps_and_at_the_end(learn):
    watcher = learn(epochs=1, max_steps_per_epoch=7, log_every=3)
    assert [row["step"] for row in watcher.scalars if "cross_entropy" in row] == [3, 6, 7]


def test_a_state_is_saved_within_an_epoch_when_its_time_has_come(learn, monkeypatch):
    saved = []
    original = checkpointing.save_state
    monkeypatch.setattr("leafcore.train.loop.save_state", lambda *values: saved.append(values[2]) or original(*values))
    learn(epochs=1, max_steps_per_epoch=3, state_every_s=1e-9)
    assert saved == [1, 2, 3]


# --- divergence -------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_named_with_its_step(learn, monkeypatch):
    monkeypatch.setattr(
        Classifier, "step", at_step(3, lambda _, losses: {"cross_entropy": losses["cross_entropy"] * math.nan})
    )
    with pytest.raises(TrainingDiverged, match="The loss cross_entropy is nan at step 3: training diverged") as raised:
        learn()
    assert "\n" not in str(raised.value)


def test_the_step_that_diverged_is_reported_so_that_the_chart_shows_it(learn, monkeypatch):
    reported = {}
    monkeypatch.setattr(Watcher, "report", lambda self, done, total, **scalars: reported.setdefault(done, scalars))
    monkeypatch.setattr(
        Classifier, "step", at_step(3, lambda _, losses: {"cross_entropy": losses["cross_entropy"] * math.nan})
    )
    with pytest.raises(TrainingDiverged):
        learn()
    assert max(reported) == 3 and math.isnan(reported[3]["cross_entropy"])


def test_only_the_losses_that_diverged_are_named():
    losses = {"fine": torch.tensor(1.0), "big": torch.tensor(math.inf), "odd": torch.tensor(math.nan)}
    with pytest.raises(TrainingDiverged, match="The loss big, odd is inf at step 12"):
        require_finite(on_host(losses), 12)
    require_finite(on_host({"fine": torch.tensor(0.5)}), 1)


def test_a_diverged_run_goes_on_from_its_last_good_epoch(learn, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "step", at_step(3, lambda _, losses: {"cross_entropy": losses["cross_entropy"] / 0}))
        with pytest.raises(TrainingDiverged, match="is inf"):
            learn()
    resumed, whole = learn(), learn("whole")
    assert resumed.scalars == whole.scalars[-len(resumed.scalars) :] and resumed.scalars[0]["step"] == 3
    assert resumed.result == whole.result


def test_what_diverged_between_two_records_is_not_saved(learn, monkeypatch):
    def spoil(recipe, losses):
        for parameter in recipe.net.parameters():
            parameter.data.fill_(math.nan)
        return losses

    monkeypatch.setattr(Classifier, "step", at_step(3, spoil))
    with pytest.raises(TrainingDiverged, match="at step 4"):
        learn(epochs=3, log_every=100)
    monkeypatch.undo()
    assert learn(epochs=3, log_every=100).scalars[0]["step"] == 4, "goes on from the end of the first epoch"


# --- a full disk ------------------------------------------------------------------------------------------------------


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_nearly_full_disk_is_refused_before_writing_and_what_was_saved_stays(learn, tmp_path, monkeypatch):
    with pytest.raises(Stopped):
        learn(stop_after=2)
    saved = contents(tmp_path / "run")
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(files.shutil, "disk_usage", lambda folder: usage._replace(free=files.RESERVE_BYTES))
        with pytest.raises(DiskFull, match="nearly full: 67 MB free, .*what was saved before stays") as raised:
            learn()
    assert "\n" not in str(raised.value)
    assert contents(tmp_path / "run") == saved
    assert learn().result == learn("whole").result


@pytest.mark.parametrize("name", ["state.pt", "0002.safetensors"])
def test_a_disk_that_fills_while_writing_pauses_the_run_which_then_goes_on(
    carry, workspace, leaf_folders, monkeypatch, name
):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    config = build_config("classifier", {**TINY["classifier"], "dataset": dataset, "device": "cpu"})
    run, whole = (submit(workspace, "classifier", config) for _ in range(2))
    original = checkpointing.write_bytes

    def fill_up(path, content):
        if path.name == name and len(list((run.folder / "weights").iterdir())) == 1 + (name == "state.pt"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        original(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpointing, "write_bytes", fill_up)
        with pytest.raises(DiskFull, match=f"The disk is full while writing .*{name}"):
            execute(workspace, run, lane="cpu", owner="cli")
    assert run.status().state == "paused" and run.status().failure.code == "disk_full"
    assert load_state(run.folder)["step"] == 2, "the first epoch's"

    for each in (run, whole):
        execute(workspace, each, lane="cpu", owner="cli")
    assert run.result() == whole.result()
    scalars = [[{**row, "time": 0} for row in each.metrics()] for each in (run, whole)]
    assert scalars[0] == scalars[1]


def test_a_write_that_breaks_off_leaves_the_last_state(learn, tmp_path, monkeypatch):
    with pytest.raises(Stopped):
        learn(stop_after=2)
    saved = contents(tmp_path / "run")

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            learn()
    assert contents(tmp_path / "run") == saved, "no temporary file is left either"


# --- what is wrong from the start -------------------------------------------------------------------------------------


@pytest.fixture
def perishable(carry, workspace, tmp_path):
    """A dataset whose pictures a test may delete."""
    for label in ("healthy", "rust"):
        (tmp_path / "mine" / label).mkdir(parents=True)
        for index in range(10):
            picture = Image.fromarray(draw_leaf(label, seed=index + 100 * len(label)))
            picture.save(tmp_path / "mine" / label / f"{label}-{index}.png")
    return load(workspace, carry("import", source=tmp_path / "mine", name="mine").result()["dataset"])


@pytest.mark.parametrize("moment", ["before training", "while it was stopped"])
def test_a_picture_that_is_gone_is_named_in_one_line(perishable, workspace, tmp_path, moment):
    config = build_config("classifier", {**TINY["classifier"], "dataset": perishable.ref, "device": "cpu"})
    if moment == "while it was stopped":
        with pytest.raises(Stopped):
            train(config, workspace, Watcher(tmp_path / "run", stop_after=1))
    gone = perishable.paths(perishable.select(split="train"))[3]
    content = gone.read_bytes()
    gone.unlink()
    with pytest.raises(DatasetError, match=f"{gone}: gone since it was imported") as raised:
        train(config, workspace, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value)
    gone.write_bytes(content)
    assert train(config, workspace, Watcher(tmp_path / "run")).steps == STEPS


def test_a_picture_that_goes_while_it_trains_is_not_missed(perishable, workspace, tmp_path):
    config = build_config("classifier", {**TINY["classifier"], "dataset": perishable.ref, "device": "cpu"})

    class Vandal(Watcher):
        def phase(self, name):
            super().phase(name)
            for path in perishable.paths(perishable.records) if name == "training" else ():
                path.unlink(missing_ok=True)

    assert train(config, workspace, Vandal(tmp_path / "run")).steps == STEPS, "it was decoded before"


def test_a_damaged_picture_is_named_in_one_line(perishable, workspace, tmp_path):
    config = build_config("classifier", {**TINY["classifier"], "dataset": perishable.ref, "device": "cpu"})
    damaged = perishable.paths(perishable.select(split="val"))[0]
    damaged.write_bytes(damaged.read_bytes()[:200])
    with pytest.raises(DatasetError, match=str(damaged)) as raised:
        train(config, workspace, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value)


def test_a_gpu_where_there_is_none_is_refused_in_one_line(learn, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match="device: got 'cuda:0', but this machine has 0 GPUs; choose auto or cpu"):
        learn(device="cuda:0")


def test_an_unknown_dataset_is_refused(learn):
    with pytest.raises(NotFoundError, match="dataset: got 'nowhere', known in"):
        learn(dataset="nowhere")


def test_a_damaged_state_is_refused_in_one_line(learn, tmp_path):
    with pytest.raises(Stopped):
        learn(stop_after=1)
    (tmp_path / "run" / "state.pt").write_bytes(b"garbage")
    with pytest.raises(CheckpointError, match="state.pt: cannot be read .*start the run anew"):
        learn()


# --- promoting --------------------------------------------------------------------------------------------------------


def test_a_run_may_promote_its_last_epoch_under_a_name(journey):
    run = journey.runs["leafgan"]
    checkpoint = open_checkpoint(journey.workspace, "healthy-to-rust")
    assert run.result()["checkpoint"] == "healthy-to-rust"
    assert (checkpoint.card.run, checkpoint.card.epoch) == (run.id, run.result()["epochs"])


def scored(monkeypatch, *scores):
    """Let the classifier's epochs score so."""
    left = list(scores)
    monkeypatch.setattr("leafcore.train.classifier.macro_f1", lambda targets, predicted: left.pop(0))


@pytest.mark.parametrize(
    ("scores", "save_every", "best"),
    [
        ((0.2, 0.7, 0.7, 0.4), 1, 2),  # the first of equals
        ((0.1, 0.2, 0.3, 0.4), 1, 4),
        ((0.9, 0.2, 0.3, 0.6, 0.5), 2, 4),  # of those that are saved: 2, 4 and the last
        ((0.0, 0.0), 1, 1),
    ],
)
def test_a_classifiers_best_epoch_on_validation_is_the_one_to_use(learn, monkeypatch, scores, save_every, best):
    scored(monkeypatch, *scores)
    watcher = learn(epochs=len(scores), max_steps_per_epoch=1, save_every=save_every)
    assert watcher.result.best_epoch == best and watcher.result.epochs == len(scores)


def test_training_ends_early_when_validation_becomes_no_better(learn, monkeypatch):
    scored(monkeypatch, 0.2, 0.7, 0.6, 0.5, 0.9)
    watcher = learn(epochs=5, max_steps_per_epoch=1, patience=2, save_every=3)
    assert (watcher.result.epochs, watcher.result.steps) == (4, 4)
    assert sorted(path.stem for path in (watcher.folder / "weights").iterdir()) == ["0003", "0004"]


def test_a_classifier_promotes_its_best_epoch(own, settings, monkeypatch):
    config = settings("classifier", epochs=3, max_steps_per_epoch=1, promote_as="mine")
    run = submit(own, "classifier", config)
    scored(monkeypatch, 0.1, 0.8, 0.3)
    execute(own, run, lane="cpu", owner="cli")
    checkpoint = open_checkpoint(own, "mine")
    assert (checkpoint.card.run, checkpoint.card.epoch) == (run.id, run.result()["best_epoch"]) == (run.id, 2)
    assert checkpoint.weights.read_bytes() == (run.folder / "weights" / "0002.safetensors").read_bytes()


def test_the_best_epoch_survives_a_resume(learn, monkeypatch):
    scored(monkeypatch, 0.8, 0.3, 0.5)
    with pytest.raises(Stopped):
        learn(epochs=3, max_steps_per_epoch=1, stop_after=2)
    assert learn(epochs=3, max_steps_per_epoch=1).result.best_epoch == 1


def test_a_recipe_without_a_score_to_choose_by_uses_its_last_epoch(journey):
    assert [journey.runs[kind].result()["best_epoch"] for kind in ("leafgan", "lflseg")] == [2, 2]


def test_previews_are_saved_with_what_they_show(journey):
    folder = journey.runs["leafgan"].folder / "previews"
    facts = read_json(folder / "0002.json")
    with Image.open(folder / "0002.jpg") as sheet:
        assert sheet.size == (len(facts["columns"]) * facts["size_px"], len(facts["rows"]) * facts["size_px"])
    assert (journey.runs["leafgan"].folder / "sample.jpg").exists()
