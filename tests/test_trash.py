import pytest

from leafcore.errors import JobError, NotFoundError
from leafcore.files import size_bytes
from leafcore.lineage import lineage_of
from leafcore.runs import Run, list_runs, open_run
from leafcore.trash import delete_run, empty_trash, in_trash, restore_run
from tests.states import new_run, write_state


def test_lineage_goes_from_the_dataset_to_the_evaluation(journey):
    runs = {kind: run.id for kind, run in journey.runs.items()}
    line = lineage_of(journey.workspace, journey.runs["leafgan"])
    assert [node.name for node in line.above] == [runs["masks"], runs["lflseg"], journey.dataset]
    assert [node.name for node in line.below] == [
        "healthy-to-rust", runs["synthesize"], runs["export"], runs["evaluate"],
    ]  # fmt: skip
    assert [node.what for node in line.direct] == ["checkpoint", "run"]
    assert line.direct[0].epoch == 2


def test_what_something_was_made_of_is_not_deleted_and_that_is_named(journey):
    with pytest.raises(JobError, match="is needed by checkpoint healthy-to-rust, run .*-synthesize-.*; delete those"):
        delete_run(journey.workspace, journey.runs["leafgan"])


def test_a_deleted_run_lies_in_the_trash_and_comes_back_whole(workspace):
    run, other = new_run(workspace, "a"), new_run(workspace, "b")
    write_state(run, "done")
    (run.folder / "weights").mkdir()
    (run.folder / "weights" / "0001.safetensors").write_bytes(b"x" * 1000)
    before = {path.name: path.read_bytes() for path in run.folder.rglob("*.*") if path.suffix != ".lock"}
    delete_run(workspace, run)
    assert list_runs(workspace) == [other] and [each.id for each in in_trash(workspace)] == [run.id]
    with pytest.raises(NotFoundError):
        open_run(workspace, run.id)
    back = restore_run(workspace, run.id)
    assert {path.name: path.read_bytes() for path in back.folder.rglob("*.*") if path.suffix != ".lock"} == before
    assert list_runs(workspace) == [other, run] and in_trash(workspace) == []


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_waits_or_works_is_not_deleted(workspace, state):
    run = new_run(workspace)
    with run.locked():
        write_state(run, state)
        with pytest.raises(JobError, match=f"is {state}; stop it first"):
            delete_run(workspace, run)


def test_emptying_the_trash_says_what_it_freed(workspace):
    run = new_run(workspace)
    write_state(run, "failed")
    size = size_bytes(run.folder)
    delete_run(workspace, run)
    assert empty_trash(workspace) >= size > 0
    assert in_trash(workspace) == [] and empty_trash(workspace) == 0
    with pytest.raises(NotFoundError, match="there is no run"):
        restore_run(workspace, run.id)


def test_a_run_that_another_one_extends_is_needed_by_it(workspace):
    first = new_run(workspace)
    write_state(first, "done")
    second = new_run(workspace, extends=first.id)
    with pytest.raises(JobError, match=f"needed by run {second.id}"):
        delete_run(workspace, Run(first.folder))
