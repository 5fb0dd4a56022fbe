"""The queue: the runs that wait, and which of them a lane may take."""

from collections.abc import Iterator, Sequence

from leafcore.jobs import FILES, QUICK, lane_of
from leafcore.runs import ACTIVE, Run, list_runs
from leafcore.workspace import Workspace


def queue(workspace: Workspace) -> list[Run]:
    """Return the runs that wait for a lane, the next one first."""
    waiting = [(run.status(), run) for run in list_runs(workspace)]
    queued = [(status.queued, run.id, run) for status, run in waiting if status.state == "queued"]
    return [run for _, _, run in sorted(queued, key=lambda entry: entry[:2])]


def queue_of(workspace: Workspace, lane: str, lanes: Sequence[str]) -> Iterator[Run]:
    """Yield the queued runs that a lane may take now, the next one first.

    Args:
        workspace: Where the runs are.
        lane: The lane that is free.
        lanes: Every lane of this server.
    """
    for run in queue(workspace):
        wanted = lane_of(run)
        if wanted not in lanes:
            wanted = "auto"  # that lane is gone: the worker will say that there is no such device
        fits = lane == wanted or (wanted == "auto" and _may_mean(lane, lanes))
        if fits and not any(_is_pending(workspace, run_id) for run_id in run.record.uses):
            yield run


def _may_mean(lane: str, lanes: Sequence[str]) -> bool:
    """Whether "auto" may mean a lane: any GPU, and the CPU only where there is none."""
    has_gpu = any(name.startswith("cuda") for name in lanes)
    return lane.startswith("cuda") == has_gpu and lane not in {QUICK, FILES}


def _is_pending(workspace: Workspace, run_id: str) -> bool:
    """Whether a run has yet to make what another one uses; a run that is gone or damaged never will."""
    run = Run(workspace.run(run_id))
    try:
        return run.damaged_file() is None and run.status().state in ACTIVE
    except FileNotFoundError:
        return False
