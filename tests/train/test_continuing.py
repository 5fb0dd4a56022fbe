"""Going on under other settings: what a run with more epochs, or with a lower rate, is equal to."""

import math

import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.continuing import again, continue_run, extend, next_seeds, run_fixed
from leafcore.errors import ConfigError, DeviceMissing, JobError, RunError, TrainingDiverged
from leafcore.jobs import build_config, execute, submit
from leafcore.progress import Progress
from leafcore.runs import Run, create_run
from leafcore.train.cyclegan import CycleGAN
from leafcore.train.new_settings import follow_settings
from tests.states import new_run, write_state


@pytest.fixture
def do(own):
    """Return a function that carries a run out."""

    def carry_out(run: Run) -> Run:
        execute(own, run, lane="cpu", owner="cli")
        return run

    return carry_out


@pytest.fixture
def train(own, settings, do):
    """Return a function that trains a tiny CycleGAN."""
    return lambda **values: do(submit(own, "cyclegan", settings("cyclegan", **values)))


def curves(run: Run) -> list[dict[str, float]]:
    return [{**row, "time": 0} for row in run.metrics()]


def test_a_run_that_is_extended_equals_one_that_was_longer_from_the_start(own, train, do):
    short, long = train(epochs=2), train(epochs=3)
    longer = do(extend(own, short, 1))
    assert longer.record.extends == short.id and longer.record.settings == long.record.settings
    assert longer.result() == long.result() and curves(longer) == curves(long)
    for name in ("weights/0003.safetensors", "weights/0001.safetensors"):
        assert (longer.folder / name).read_bytes() == (long.folder / name).read_bytes()
    assert len(short.metrics()) == 6 and short.status().total == 6, "the run itself stays as it was"


def test_a_longer_run_leaves_the_name_to_the_run_that_was_promoted_under_it(own, train, do):
    short = train(epochs=1, promote_as="kept")
    longer = do(extend(own, short, 1))
    assert longer.status().state == "done" and longer.result()["checkpoint"] == ""
    assert open_checkpoint(own, "kept").card.run == short.id


def test_a_run_that_failed_over_its_name_alone_can_be_extended(own, train, do):
    failed = continue_run(own, train(epochs=1, promote_as="kept"), {"epochs": 2})
    with pytest.raises(ConfigError, match="there is already a checkpoint 'kept'"):
        do(failed)
    assert do(extend(own, failed, 1)).result()["epochs"] == 3


def test_a_rate_that_was_falling_goes_back_to_where_the_longer_schedule_stands(own, settings, train):
    short = train(epochs=1, epochs_decay=2)
    state = torch.load(short.folder / "state.pt", weights_only=True)
    config = settings("cyclegan", **extend(own, short, 2).record.settings)
    recipe = CycleGAN.from_config(config, own, torch.device("cpu"), Progress(own.root))
    recipe.load_state_dict(state["recipe"])
    assert recipe.optimizer_gen.param_groups[0]["lr"] == pytest.approx(0)
    follow_settings(recipe, state["step"], state["settings"])
    assert recipe.optimizer_gen.param_groups[0]["lr"] == pytest.approx(2e-4 * 2 / 3), "the first falling epoch's"


def test_a_run_that_diverged_goes_on_with_half_the_rate_from_its_last_good_epoch(own, settings, do, monkeypatch):
    run = submit(own, "cyclegan", settings("cyclegan"))
    step, taken = CycleGAN.step, []

    def explode(self, batch):
        taken.append(None)
        losses = step(self, batch)
        return losses if len(taken) < 5 else {**losses, "cycle_a": losses["cycle_a"] * math.nan}

    with monkeypatch.context() as patch:
        patch.setattr(CycleGAN, "step", explode)
        with pytest.raises(TrainingDiverged):
            do(run)
    failure = run.status().failure
    assert (failure.code, failure.fix, failure.epoch) == ("diverged", {"learning_rate": 1e-4}, 1)

    rates = []

    def note_rate(self, batch):
        rates.append(self.optimizer_gen.param_groups[0]["lr"])
        return step(self, batch)

    monkeypatch.setattr(CycleGAN, "step", note_rate)
    mended = do(run_fixed(own, run))
    assert mended.record.settings == {**run.record.settings, "learning_rate": 1e-4}
    assert rates == [1e-4] * 3, "the second epoch's steps"
    assert [row["step"] for row in mended.metrics()] == [1, 2, 3, 4, 5, 6]


def test_a_gpu_that_is_not_there_is_typed_and_the_fix_runs_elsewhere(own, settings, do, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    config = settings("cyclegan", epochs=1, max_steps_per_epoch=1, device="cuda:0")
    run = create_run(own, "cyclegan", config)  # it was there when the run was queued
    with pytest.raises(DeviceMissing, match="this machine has 0 GPUs"):
        do(run)
    assert (run.status().failure.code, run.status().failure.fix) == ("device", {"device": "auto"})
    mended = do(run_fixed(own, run))
    assert mended.record.extends == "" and mended.result()["steps"] == 1


@pytest.mark.parametrize(
    ("error", "code", "fix"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), "out_of_memory", {"batch_size": 1}),
        (MemoryError(), "out_of_memory", {"batch_size": 1}),
        (RuntimeError("CUDA error: an illegal memory access was encountered\nmore"), "driver", {}),
    ],
)
def test_what_the_machine_lacks_in_a_step_is_typed_and_the_last_state_stays(
    own, settings, do, monkeypatch, error, code, fix
):
    run = submit(own, "cyclegan", settings("cyclegan"))
    step, taken = CycleGAN.step, []

    def give_up(self, batch):
        taken.append(None)
        if len(taken) == 5:
            raise error
        return step(self, batch)

    monkeypatch.setattr(CycleGAN, "step", give_up)
    with pytest.raises(RunError) as raised:
        do(run)
    status = run.status()
    assert "\n" not in str(raised.value)
    assert (status.failure.code, status.failure.fix, status.failure.epoch) == (code, fix, 1)
    assert (status.state, status.done, status.safe) == ("failed", 4, 3)
    run.requeue()
    assert do(run).result()["steps"] == 6


def test_a_smaller_batch_goes_on_at_the_same_share_of_the_epochs(own, settings, do):
    run = submit(own, "cyclegan", settings("cyclegan", epochs=1, batch_size=4, max_steps_per_epoch=2))
    longer = extend(own, do(run), 1)
    write_state(longer, "stopped")
    halved = do(continue_run(own, longer, {"batch_size": 2, "max_steps_per_epoch": 4}))
    assert halved.result()["steps"] == 8 and [row["step"] for row in halved.metrics()] == [1, 2, 5, 6, 7, 8]


def test_only_gans_can_be_extended(own, journey):
    with pytest.raises(ConfigError, match="is a lflseg run, expected leafgan, .* diffusion or dreambooth"):
        extend(own, Run(own.run(journey.runs["lflseg"].id)), 2)
    with pytest.raises(ConfigError, match="epochs: got 0"):
        extend(own, Run(own.run(journey.runs["leafgan"].id)), 0)


def test_a_run_that_waits_cannot_be_continued_nor_one_without_a_remedy_be_fixed(workspace):
    run = new_run(workspace)
    with pytest.raises(JobError, match="is queued; stop it first"):
        continue_run(workspace, run, {})
    with pytest.raises(JobError, match="no other settings are known"):
        run_fixed(workspace, run)


def test_a_run_that_saved_nothing_is_begun_anew(workspace):
    run = new_run(workspace)
    write_state(run, "failed")
    again = continue_run(workspace, run, {"count": 20})
    assert again.record.extends == "" and again.record.settings["count"] == 20 and again.status().state == "queued"


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [({"gradient_checkpointing": True}, True), ({"method": "lora", "learning_rate": 1e-4}, False)],
)
def test_dreambooth_by_another_method_begins_anew(workspace, change, goes_on):
    full = build_config("dreambooth", {"dataset": "leaves", "method": "full"})
    run = create_run(workspace, "dreambooth", full)
    (run.folder / "state.pt").touch()
    write_state(run, "failed")
    continued = continue_run(workspace, run, change)
    assert (continued.folder / "state.pt").exists() == goes_on == (continued.record.extends == run.id)


# --- other seeds ------------------------------------------------------------------------------------------------------


def test_a_training_is_queued_again_from_the_start_with_other_seeds(own, train, do):
    first = train(epochs=1, promote_as="kept")
    second, third = again(own, first, [3, 5])
    assert [run.status().state for run in (second, third)] == ["queued", "queued"]
    assert second.record.title == f"{first.record.title}, seed 3" and second.record.extends == ""
    same = {**first.record.settings, "promote_as": "", "seed": 3}
    assert second.record.settings == same, "the dataset's version too"
    assert do(second).result()["checkpoint"] == "" and curves(second) != curves(first)
    assert again(own, second, [4])[0].record.title == f"{first.record.title}, seed 4"


def test_seeds_that_are_no_others_are_refused_before_anything_is_queued(own, train):
    run = train(epochs=1)
    for seeds in ([], [0], [1, 1], [2, 0]):
        with pytest.raises(ConfigError, match="expected seeds that differ from each other and from 0, the run's"):
            again(own, run, seeds)
    with pytest.raises(ConfigError, match="seed: got -1"):
        again(own, run, [1, -1])
    with pytest.raises(ConfigError, match="is a render run, expected a training: "):
        again(own, new_run(own), [1])
    assert next_seeds(own, run, 1) == [1], "nothing was queued"


def test_the_next_seeds_are_the_first_that_were_not_asked_for(own, train):
    run = train(epochs=1)
    again(own, run, [1, 3])
    assert next_seeds(own, run, 3) == [2, 4, 5]
    other = train(epochs=2)
    assert next_seeds(own, other, 1) == [1], "of other settings"
