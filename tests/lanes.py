"""A server's lanes and their workers, for tests of what they do with runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from leafcore.jobs import build_config, submit
from leafcore.lanes import Lanes
from leafcore.runs import Run
from leafcore.workspace import Workspace
from tests.server import until


@contextmanager
def starting(workspace: Workspace) -> Iterator[Callable[..., Lanes]]:
    """Give a function that starts a server's lanes over a workspace; in the end they stop, and no worker is left."""
    started = []

    def start_lanes(*names: str) -> Lanes:
        lanes = Lanes(workspace, list(names) or None)
        started.append(lanes)
        lanes.start()
        return lanes

    yield start_lanes
    for lanes in started:
        lanes.stop()
    assert workers_of(workspace) == []


def draw(workspace: Workspace, count: int, name: str = "drawn") -> Run:
    """Queue the drawing of so many pictures, about forty a second."""
    return submit(workspace, "render", build_config("render", {"name": name, "count": count, "size_px": 32}))


def workers_of(workspace: Workspace) -> list[psutil.Process]:
    """Return every living process that works on a workspace, whoever started it."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if "worker" in command and str(workspace.root) in command and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            pass
    return found


def until_state(run: Run, state: str, timeout_s: float = 60) -> None:
    """Wait until a run stands as it should."""
    until(lambda: run.status().state == state, timeout_s, f"{run.id} is {state}")


def pictures(workspace: Workspace, name: str = "drawn") -> int:
    """Return how many pictures of a dataset have been drawn."""
    return len(list(workspace.dataset(name).rglob("photos/*.png")))


def until_drawn(workspace: Workspace, count: int) -> None:
    """Wait until so many pictures have been drawn."""
    until(lambda: pictures(workspace) >= count, 60, f"{count} pictures are drawn")
