"""The server's life: what begins with it, and what it sees to before it ends.

A server that is asked to end first waits for its connections, and lets the app clean up only then. An answer that lasts
as long as a run does would hold it up for as long, so whoever streams asks `Shutdown` whether it is time to go; and an
answer that a client does not fetch, or a question that it does not finish, is broken off after `GRACE_S`.
"""

import logging
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

import anyio

from leafcore.ask import WarmWorker
from leafcore.errors import LeafError
from leafcore.journey import prepare_sample
from leafcore.lanes import Lanes
from leafcore.workspace import Workspace

GRACE_S = 5  # how long the server waits for its connections once it is asked to end
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]

log = logging.getLogger(__name__)


class Shutdown:
    """Whether the server was asked to end; may be looked at from any thread."""

    def __init__(self) -> None:
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        """Whether it is time to go."""
        return self._has_begun

    def begin(self) -> None:
        """Say that it is time to go; safe in a signal handler."""
        self._has_begun = True

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin with the signals that end the server, which hears of them as before.

        Only a process's main thread hears signals; in another one, somebody else has to call `begin`.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        found: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}
        handlers = {number: handler for number, handler in found.items() if callable(handler)}

        def handle(number: int, frame: FrameType | None) -> None:
            self.begin()
            handlers[number](number, frame)

        for number, handler in handlers.items():
            _bound_waiting(getattr(handler, "__self__", None))
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _bound_waiting(server: Any) -> None:
    """Let uvicorn wait for its connections for `GRACE_S` if it was told nothing: Streamlit has no setting for it.

    Args:
        server: Whose method handles a signal: uvicorn's server, if that is what runs the app.
    """
    config = getattr(server, "config", None)
    if config is not None and getattr(config, "timeout_graceful_shutdown", 0) is None:
        config.timeout_graceful_shutdown = GRACE_S


@asynccontextmanager
async def serving(workspace: Workspace, warm: WarmWorker, shutdown: Shutdown) -> AsyncIterator[None]:
    """Work on a workspace's queue while the server lives; then let every worker save and end.

    Args:
        workspace: Whose queue it is. An empty one gets sample leaves; one that cannot be written is only shown.
        warm: The worker that answers questions; ended at the end.
        shutdown: Begins when the server is asked to end, at the latest when this is left.
    """
    lanes = Lanes(workspace)
    lanes.start()
    try:
        await anyio.to_thread.run_sync(prepare_sample, workspace)
    except (OSError, ValueError, LeafError) as error:  # whoever submits something is told why that cannot be
        log.warning("no sample leaves: %s", error)
    with shutdown.on_signals():
        try:
            yield
        finally:
            shutdown.begin()
            try:
                await anyio.to_thread.run_sync(lanes.stop)
            finally:
                await anyio.to_thread.run_sync(warm.stop)
