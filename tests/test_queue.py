import pytest

from leafcore.jobs import FILES, QUICK, build_config
from leafcore.queue import queue, queue_of
from leafcore.runs import Run, create_run
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
