import time

import pytest

from leafcore.errors import JobError
from leafcore.jobs import FILES, QUICK, build_config
from leafcore.queue import cancel_pending, expectations, hold_until, move, queue, queue_left, queue_of
from leafcore.runs import Run, create_run
from leafcore.workspace import Workspace
from tests.states import new_run, write_state

CPU_ONLY = ["cpu", QUICK, FILES]
TWO_GPUS = ["cuda:0", "cuda:1", "cpu", QUICK, FILES]


@pytest.fixture
def train(workspace):
    """Return a function that queues a training on a device."""

    def queue_one(device: str = "auto", uses: tuple[str, ...] = ()) -> Run:
        config = build_config("classifier", {"dataset": "leaves", "device": device})
        return create_run(workspace, "classifier", config, uses=uses)

    return queue_one


# --- what waits -------------------------------------------------------------------------------------------------------


def test_the_queue_is_in_the_order_of_queueing(workspace):
    first, second, third = (new_run(workspace, name) for name in ("a", "b", "c"))
    assert queue(workspace) == [first, second, third]
    write_state(first, "failed")
    first.requeue()
    assert queue(workspace) == [second, third, first]


def test_at_the_head_means_the_place_that_a_run_had(workspace):
    first, second, third = (new_run(workspace, name) for name in ("a", "b", "c"))
    write_state(second, "stopped")
    second.requeue(at_head=True)
    assert queue(workspace) == [first, second, third]


# --- what a lane may take ---------------------------------------------------------------------------------------------


def test_auto_is_any_gpu_and_the_cpu_only_where_there_is_none(workspace, train):
    run = train("auto")
    assert [lane for lane in CPU_ONLY if list(queue_of(workspace, lane, CPU_ONLY)) == [run]] == ["cpu"]
    assert [lane for lane in TWO_GPUS if list(queue_of(workspace, lane, TWO_GPUS)) == [run]] == ["cuda:0", "cuda:1"]


def test_a_run_that_names_its_lane_waits_for_that_one(workspace, train):
    run, drawing = train("cuda:1"), new_run(workspace)
    assert [lane for lane in TWO_GPUS if run in queue_of(workspace, lane, TWO_GPUS)] == ["cuda:1"]
    assert [lane for lane in TWO_GPUS if drawing in queue_of(workspace, lane, TWO_GPUS)] == [FILES]


def test_a_run_whose_lane_is_gone_goes_where_auto_goes(workspace, train):
    run = train("cuda:63")
    assert [lane for lane in CPU_ONLY if run in queue_of(workspace, lane, CPU_ONLY)] == ["cpu"]


@pytest.mark.parametrize("state", ["done", "failed", "stopped"])
def test_a_run_waits_until_what_it_uses_has_ended(workspace, train, state):
    used = new_run(workspace)
    waiting = train(uses=(used.id,))
    assert waiting not in queue_of(workspace, "cpu", CPU_ONLY)
    write_state(used, state)
    assert waiting in queue_of(workspace, "cpu", CPU_ONLY)


@pytest.mark.parametrize("file", ["status.json", "config.json"])
def test_nobody_waits_for_a_run_that_is_damaged_or_gone(workspace, train, file):
    damaged = new_run(workspace)
    waiting, other = train(uses=(damaged.id, "gone")), train()
    (damaged.folder / file).write_bytes(b"{")
    assert list(queue_of(workspace, "cpu", CPU_ONLY)) == [waiting, other]


# --- changing the order -----------------------------------------------------------------------------------------------


def test_a_run_can_go_up_down_and_before_all_others(workspace):
    first, second, third = (new_run(workspace, name) for name in ("a", "b", "c"))
    move(workspace, third, "up")
    assert queue(workspace) == [first, third, second]
    move(workspace, first, "down")
    assert queue(workspace) == [third, first, second]
    move(workspace, second, "next")
    assert queue(workspace) == [second, third, first]
    move(workspace, second, "up")
    move(workspace, first, "down")
    assert queue(workspace) == [second, third, first], "at the ends of the row nothing happens"


def test_the_order_is_in_the_folders_and_the_lanes_follow_it(workspace, train):
    first, second = train(), train()
    move(workspace, second, "next")
    assert list(queue_of(Workspace(workspace.root), "cpu", CPU_ONLY)) == [second, first]


def test_a_run_that_has_begun_cannot_be_moved(workspace):
    run = new_run(workspace)
    write_state(run, "done")
    with pytest.raises(JobError, match="is done, no longer queued"):
        move(workspace, run, "next")


def test_a_run_that_is_held_back_lets_the_others_go_first(workspace, train):
    held, other = train(), train()
    hold_until(held, time.time() + 3600)
    assert list(queue_of(workspace, "cpu", CPU_ONLY)) == [other]
    hold_until(held, time.time() - 1)
    assert list(queue_of(workspace, "cpu", CPU_ONLY)) == [held, other]


def test_cancelling_what_waits_leaves_what_runs(workspace):
    running, *waiting = (new_run(workspace, name) for name in ("a", "b", "c"))
    with running.locked():
        write_state(running, "running")
        assert cancel_pending(workspace) == waiting
        assert running.status().state == "running" and running.stop_reason is None
    assert [run.status().state for run in waiting] == ["stopped", "stopped"]


def test_a_paused_run_keeps_its_place_and_what_needs_it_waits(workspace, train):
    first, second = new_run(workspace, "a"), new_run(workspace, "b")
    needs_it = train(uses=(first.id,))
    first.request_stop("pause")
    assert first.status().state == "paused" and first not in queue(workspace)
    assert needs_it not in queue_of(workspace, "cpu", CPU_ONLY)
    first.requeue()
    assert queue(workspace) == [first, second, needs_it]


# --- how long it takes ------------------------------------------------------------------------------------------------


def test_a_run_is_judged_by_its_own_pace_else_by_one_with_the_same_settings(workspace, train):
    run, seeded = train(), train()
    assert expectations(workspace)[run.id] is None
    write_state(run, "queued", seconds_per_unit=0.5, total=1000, done=420, safe=400)
    assert expectations(workspace)[run.id] == 300, "what is not safe is done again"
    assert expectations(workspace)[seeded.id] == 500
    write_state(run, "done", seconds_per_unit=None, started=100.0, finished=130.0)
    assert expectations(workspace)[seeded.id] == 30


def test_nothing_is_expected_of_a_study_whose_pace_is_that_of_a_step(workspace):
    study = create_run(workspace, "scarcity", build_config("scarcity", {"dataset": "leaves"}))
    for state in ("running", "queued"):
        write_state(study, state, seconds_per_unit=0.5, total=1000, eta_s=300.0)
        assert expectations(workspace) == {study.id: None}


def test_lanes_beside_each_other_take_as_long_as_the_longest(workspace, train):
    for device, seconds in (("cuda:0", 100), ("cuda:0", 50), ("cuda:1", 120)):
        write_state(train(device), "queued", seconds_per_unit=1.0, total=seconds)
    new_run(workspace)
    assert queue_left(workspace) == (150, 1)
