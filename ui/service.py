"""The server's one workspace and its one warm worker, shared by all sessions and by the API."""

from functools import cache

from leafcore.ask import WarmWorker
from leafcore.workspace import Workspace


@cache
def workspace() -> Workspace:
    """Return the workspace that the server works on."""
    return Workspace()


@cache
def warm_worker() -> WarmWorker:
    """Return the process that answers interactive questions; it starts with the first one."""
    return WarmWorker(workspace())
