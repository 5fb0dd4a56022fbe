"""The queue: the runs that wait, in which order, and which of them a lane may take.

A run's place is in its own status file, written like everything there by whoever holds the run's lock.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal

from leafcore.errors import ConfigError, JobError
from leafcore.jobs import FILES, QUICK, choose_lane, lane_of
from leafcore.runs import ACTIVE, Run, State, Status, announce, list_runs
from leafcore.status import MADE_OF_RUNS
from leafcore.workspace import Workspace

Move = Literal["next", "up", "down"]
PENDING: frozenset[State] = ACTIVE | {"paused"}  # what may yet make what another run waits for
NAMES = {"dataset", "a", "b", "masks", "seed", "promote_as"}  # settings that hardly change how long a training takes


def queue(workspace: Workspace) -> list[Run]:
    """Return the runs that wait for a lane, the next one first."""
    waiting = [(run.status(), run) for run in list_runs(workspace)]
    queued = [(status.rank, run.id, run) for status, run in waiting if status.state == "queued"]
    return [run for _, _, run in sorted(queued, key=lambda entry: entry[:2])]


def queue_of(workspace: Workspace, lane: str, lanes: Sequence[str]) -> Iterator[Run]:
    """Yield the queued runs that a lane may take now, the next one first.

    Args:
        workspace: Where the runs are.
        lane: The lane that is free.
        lanes: Every lane of this server.
    """
    now = time.time()
    for run in queue(workspace):
        wanted = lane_of(run)
        if wanted not in lanes:
            wanted = "auto"  # that lane is gone: the worker will say that there is no such device
        fits = lane == wanted or (wanted == "auto" and _may_mean(lane, lanes))
        if fits and (run.status_written().not_before or 0.0) <= now and not waits_for(workspace, run):
            yield run


def waits_for(workspace: Workspace, run: Run) -> list[str]:
    """Return the ids of the runs that have yet to make what a run uses."""
    return [used for used in run.record.uses if _is_pending(workspace, used)]


def _may_mean(lane: str, lanes: Sequence[str]) -> bool:
    """Whether "auto" may mean a lane: any GPU, and the CPU only where there is none."""
    has_gpu = any(name.startswith("cuda") for name in lanes)
    return lane.startswith("cuda") == has_gpu and lane not in {QUICK, FILES}


def _is_pending(workspace: Workspace, run_id: str) -> bool:
    """Whether a run has yet to make what another one uses; a run that is gone or damaged never will."""
    run = Run(workspace.run(run_id))
    try:
        return run.damaged_file() is None and run.status().state in PENDING
    except FileNotFoundError:
        return False


# --- changing the order -----------------------------------------------------------------------------------------------


def move(workspace: Workspace, run: Run, where: Move) -> None:
    """Let a queued run go before all others, or change places with its neighbour, if it has one.

    Raises:
        JobError: It is not queued any more.
    """
    waiting = queue(workspace)
    if run not in waiting:
        raise JobError(f"Run {run.id} is {run.status().state}, no longer queued.")
    at = waiting.index(run)
    if where == "next":
        if at:
            _write(run, place=waiting[0].status_written().rank - 1.0)
        return
    other = at - 1 if where == "up" else at + 1
    if 0 <= other < len(waiting):
        ranks = [each.status_written().rank for each in (waiting[other], run)]
        _write(run, place=ranks[0])
        _write(waiting[other], place=ranks[1])


def hold_until(run: Run, moment: float | None) -> None:
    """Let a queued run begin no earlier than at a moment (seconds since 1970); None: at once.

    Raises:
        JobError: It is not queued any more.
    """
    _write(run, not_before=moment)


def next_time(clock: str, zone: tzinfo | None = None) -> float:
    """Return the moment, in seconds since 1970, when a zone's clock (this machine's, if None) next shows a time.

    Raises:
        ConfigError: It is no time.
    """
    try:
        wanted = datetime.strptime(clock, "%H:%M")
    except ValueError:
        raise ConfigError(f"until: got {clock!r}, expected hours and minutes such as 22:30.") from None
    now = datetime.now(zone)
    moment = now.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
    return (moment if moment > now else moment + timedelta(days=1)).timestamp()


def cancel_pending(workspace: Workspace) -> list[Run]:
    """Stop every run that waits; what runs goes on.

    Returns:
        Those that were stopped.
    """
    stopped = []
    for run in queue(workspace):
        try:
            run.request_stop()
        except JobError:
            continue  # it has just ended
        stopped.append(run)
    return stopped


def _write(run: Run, **changes: Any) -> None:
    with run.locked(timeout_s=2.0):
        status = run.status_written()
        if status.state != "queued":
            raise JobError(f"Run {run.id} is {status.state}, no longer queued.")
        run.write_status(status.model_copy(update=changes))
    announce(run.folder.parent)


# --- how long it takes ------------------------------------------------------------------------------------------------


def expectations(workspace: Workspace) -> dict[str, float | None]:
    """Return for every run that runs or waits how many seconds it will still compute, None where nothing tells.

    A running run says so itself. One that was under way before is judged by its own pace; another by the newest run
    that has the same settings, names of data apart, and is done or under way.
    """
    runs = list_runs(workspace)
    return {run.id: _expected_s(run, runs) for run in runs if run.status_written().state in {"queued", "running"}}


def queue_left(workspace: Workspace) -> tuple[float, int]:
    """Return how many seconds everything that runs or waits will take, lanes side by side, and how many do not tell."""
    lanes: defaultdict[str, float] = defaultdict(float)
    expected = expectations(workspace)
    for run_id, seconds in expected.items():
        run = Run(workspace.run(run_id))
        status = run.status_written()
        lanes[status.lane if status.state == "running" else choose_lane(run)] += seconds or 0.0
    return max(lanes.values(), default=0.0), list(expected.values()).count(None)


def _expected_s(run: Run, runs: Sequence[Run]) -> float | None:
    if run.kind in MADE_OF_RUNS:
        return None  # it tells of the step that it is at
    status = run.status()
    if status.state != "queued":
        return status.eta_s if status.state in ACTIVE else 0.0  # an interrupted one computes no more
    if status.seconds_per_unit and status.total:
        return status.seconds_per_unit * (status.total - status.safe)
    shape = _shape(run)
    alike = (other.status_written() for other in runs if other.kind == run.kind and _shape(other) == shape)
    return next((_took_s(other) for other in alike if other.state == "done" or other.seconds_per_unit), None)


def _took_s(status: Status) -> float | None:
    """Return how long a run took in all; its pace tells, for it may have been stopped in between."""
    if status.seconds_per_unit:
        return status.seconds_per_unit * status.total
    return status.finished - status.started if status.finished and status.started else None


def _shape(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.record.settings.items() if name not in NAMES}
