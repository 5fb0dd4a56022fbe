"""The real server, as `streamlit run app.py` starts it, for tests of its whole life."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from leafcore.workspace import PROJECT_ROOT, Workspace

HOST = "testserver"  # as Starlette's client for tests calls the server


class Server:
    """A server process over a workspace.

    Args:
        workspace: What it works on.
        log: Where it prints.
    """

    def __init__(self, workspace: Workspace, log: Path) -> None:
        self.workspace = workspace
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "LEAF_WORKSPACE": str(workspace.root)}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        self.api = httpx.Client(base_url=f"{self.url}/api", timeout=30)
        until(self._answers, 60, "the server answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the server ended at once"
        try:
            return self.api.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def submit(self, kind: str, settings: dict[str, Any]) -> str:
        """Queue a run and return its id."""
        answer = self.api.post("/runs", json={"kind": kind, "settings": settings})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run"])

    def state(self, run_id: str) -> str:
        """Return how a run stands."""
        return str(self.api.get(f"/runs/{run_id}").json()["status"]["state"])

    def trained(self, run_id: str) -> int:
        """Return how many steps a run has trained; 0 while it does something else, such as reading pictures."""
        status = self.api.get(f"/runs/{run_id}").json()["status"]
        return int(status["done"]) if status["phase"] == "training" else 0

    def children(self) -> list[psutil.Process]:
        """Return every process below the server."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def megabytes(self) -> float:
        """Return the resident memory of the server process itself."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 2**20)

    def loads_torch(self) -> bool:
        """Whether torch's library is mapped into the server process."""
        return any("libtorch" in region.path for region in psutil.Process(self.process.pid).memory_maps())

    def end(self, timeout_s: float = 60) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=timeout_s)

    def close(self) -> None:
        """End the server and everything below it, whatever state it is in."""
        self.api.close()
        if self.process.poll() is None:
            family = [*self.children(), psutil.Process(self.process.pid)]
            for member in family:
                member.kill()
            psutil.wait_procs(family, timeout=10)
        self.process.wait(timeout=10)


def until(condition: Any, timeout_s: float, what: str) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It has not come true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
