import pytest

from leafcore.checkpoints import epochs
from leafcore.files import RESERVE_BYTES
from leafcore.jobs import build_config
from leafcore.train.checkpointing import weights_path
from leafcore.train.forecast import (
    Rehearsal,
    forecast,
    kept_epochs,
    on_the_line,
    save_every_that_fits,
    smaller_settings,
)
from leafcore.train.retention import prune

MEASURED = Rehearsal(
    epochs=10, steps_per_epoch=100, loading_s=3.0, step_s=0.5, measured_steps=8, scoring_s=2.0, sampling_s=1.0,
    saving_s=0.25, state_s=0.125, epoch_bytes=1000, state_bytes=5000, device="cpu", memory_bytes=7, tensor_bytes=7,
    free_bytes=7,
)  # fmt: skip


def settings(**values):
    return build_config("cyclegan", {"dataset": "leaves", "b": "rust", "save_every": 1, **values})


def test_the_time_is_split_into_loading_steps_scores_samples_and_saves():
    found = forecast(MEASURED, settings(save_every=3, state_every_s=20))
    assert (found.steps, found.checkpoints) == (1000, 4)  # epochs 3, 6, 9 and the last
    assert found.stepping_s == 500 and found.scoring_s == 20 and found.sampling_s == 4
    assert found.saving_s == pytest.approx(4 * 0.25 + 10 * 3 * 0.125)  # an epoch of 50 s: at 20, at 40, at its end
    assert found.eta_s == pytest.approx(3 + 500 + 20 + 4 + found.saving_s)


def test_what_is_drawn_before_the_first_step_counts_as_loading():
    measured = MEASURED.model_copy(update={"drawing_s": 198 * 2.0})
    assert forecast(measured, settings()).eta_s - forecast(MEASURED, settings()).eta_s == 198 * 2.0


def test_an_epoch_of_so_many_steps_has_as_many_whatever_the_batch():
    values = {"dataset": "leaves", "epoch_steps": 100}
    configs = [build_config("dreambooth", {**values, "batch_size": size}) for size in (4, 1, 2)]
    found = on_the_line(configs[0], (configs[1], MEASURED), (configs[2], MEASURED))
    assert found.steps_per_epoch == 100


def test_a_promoted_run_needs_room_for_another_copy():
    plain, promoted = (forecast(MEASURED, settings(promote_as=name)).disk_bytes for name in ("", "to-rust"))
    assert plain == 10 * 1000 + 2 * 5000 and promoted == plain + 1000


@pytest.mark.parametrize(
    ("save_every", "keep_every", "trained"), [(1, 0, 10), (1, 4, 10), (2, 4, 12), (3, 2, 11), (5, 3, 10), (1, 50, 10)]
)
def test_what_is_kept_and_the_most_that_lies_there_are_what_retention_leaves(tmp_path, save_every, keep_every, trained):
    config = settings(save_every=save_every, keep_every=keep_every, promote_as="")
    most = 0
    for epoch in range(1, trained + 1):
        if epoch % save_every and epoch != trained:
            continue
        weights_path(tmp_path, epoch).parent.mkdir(exist_ok=True)
        weights_path(tmp_path, epoch).touch()
        most = max(most, len(epochs(tmp_path)))
        if keep_every:
            prune(tmp_path, keep_every, epoch, set())  # a translation's best is its last
    assert kept_epochs(trained, config) == len(epochs(tmp_path))
    measured = MEASURED.model_copy(update={"epochs": trained, "sample_bytes": 0, "state_bytes": 0})
    assert most * MEASURED.epoch_bytes <= forecast(measured, config).disk_bytes <= (most + 1) * MEASURED.epoch_bytes


def test_samples_stay_where_weights_go():
    measured = MEASURED.model_copy(update={"sample_bytes": 400})
    found = forecast(measured, settings(keep_every=10))
    assert found.checkpoints == 1 and found.disk_bytes == 2 * 600 + 10 * 400 + 2 * 5000


def test_the_line_goes_by_the_pixels_of_a_step():
    low, high = ({"step_s": 1.0, "memory_bytes": 100}, {"step_s": 2.0, "memory_bytes": 130})
    low, high = (MEASURED.model_copy(update=values) for values in (low, high))
    batches = [(settings(batch_size=1, size_px=64), low), (settings(batch_size=2, size_px=64), high)]
    found = on_the_line(settings(batch_size=4, size_px=64), *batches)
    assert (found.step_s, found.memory_bytes, found.steps_per_epoch, found.is_estimate) == (4.0, 190, 25, True)
    assert found.sampling_s == low.sampling_s, "samples are drawn one by one"
    sizes = [(settings(size_px=32), low), (settings(size_px=64), high)]  # three times the pixels more
    assert on_the_line(settings(size_px=128), *sizes).step_s == 1.0 + 15 / 3


@pytest.mark.parametrize(("room", "every"), [(10_000, 1), (9_999, 2), (5_000, 2), (4_999, 3), (1_000, 10), (999, None)])
def test_saving_less_often_is_proposed_as_the_disk_has_room(room, every):
    free = RESERVE_BYTES + 2 * MEASURED.state_bytes + room
    assert save_every_that_fits(MEASURED, settings(), free) == every
    if every:
        assert forecast(MEASURED, settings(save_every=every)).disk_bytes <= free - RESERVE_BYTES


def test_the_wish_to_save_less_often_stands():
    assert save_every_that_fits(MEASURED, settings(save_every=4), 10**12) == 4


def test_half_the_batch_comes_before_half_the_size_and_bounds_hold():
    changes = list(smaller_settings(settings(batch_size=6, size_px=128)))
    assert changes == [
        {"batch_size": 3},
        {"batch_size": 1},
        {"batch_size": 1, "size_px": 64},
        {"batch_size": 1, "size_px": 32},
    ]


def test_a_recipe_keeps_its_least_batch_and_sizes_that_its_network_takes():
    config = build_config("lflseg", {"dataset": "leaves", "batch_size": 8, "size_px": 128})
    assert list(smaller_settings(config)) == [{"batch_size": 4}, {"batch_size": 4, "size_px": 64}]
