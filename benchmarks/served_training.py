"""What a training step costs under the server, with somebody watching, against the same training by the command line.

Run `OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python -m benchmarks.served_training`. The same small CycleGAN is trained
by turns: by a worker of a real server, while a client of its websocket has the run's page open and asks for every
redraw that a browser would ask for; and by `python -m leafcore train`. What is compared is the processor time of the
training process alone (user and system, all its threads) from step 11 to the last, so that neither loading nor what
else the machine does counts.

Claim: processor time per step within 5 %.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.jobs import build_config, submit
from leafcore.progress import Progress
from leafcore.runs import Run, open_run
from leafcore.workspace import PROJECT_ROOT, Workspace
from tests.conftest import write_folders
from tests.server import Server, until

WARM_UP = 10  # steps that do not count
TURNS = 3
BATCH = 2
LIMIT = 0.05
START_S, TRAIN_S = 120.0, 600.0
NETWORK = {
    "b": "rust", "device": "cpu", "size_px": 64, "batch_size": BATCH, "filters": 16, "blocks": 4, "disc_filters": 32,
    "disc_layers": 2, "epochs": 1, "epochs_decay": 0, "probes": 4,
}  # fmt: skip


def measure(run: Run, steps: int) -> float:
    """Return the processor seconds per step of a run that another process carries out."""
    until(lambda: _taken(run) >= WARM_UP, START_S, "the run trains")
    process = psutil.Process(run.status_written().pid)
    first, before = _taken(run), _processor_s(process)
    until(lambda: _taken(run) >= steps - 1, TRAIN_S, "the run is trained")  # the last one ends with a save
    last, after = _taken(run), _processor_s(process)
    return (after - before) / (last - first)


def _taken(run: Run) -> int:
    try:
        return (run.folder / "metrics.jsonl").read_bytes().count(b"\n")  # a line per step
    except FileNotFoundError:
        return 0


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Visitor:
    """Has a page of the server open as a browser does: it draws it, and again whenever a timer of the page says so.

    Attributes:
        redraws: How often it asked for one.
        messages: How many it was sent.
    """

    def __init__(self, server: Server, page: str, query: str) -> None:
        self.redraws = self.messages = 0
        self._url = f"ws://127.0.0.1:{server.port}/_stcore/stream"
        self._page, self._query = page, query
        self._script = ""
        self._due: dict[str, tuple[float, float]] = {}  # by fragment: when to ask again, and how often
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Close the page."""
        self._left.set()
        self._thread.join()

    def _stay(self) -> None:
        with connect(self._url, subprotocols=[Subprotocol("streamlit")], max_size=None) as socket:
            self._ask(socket)
            while not self._left.is_set():
                with suppress(TimeoutError):
                    self._hear(socket.recv(timeout=0.05))
                now = time.monotonic()
                for fragment, (due, interval) in self._due.items():
                    if now >= due:
                        self._ask(socket, fragment)
                        self._due[fragment] = (now + interval, interval)

    def _ask(self, socket: ClientConnection, fragment: str = "") -> None:
        asked = BackMsg()
        asked.rerun_script.query_string = self._query
        if fragment:
            asked.rerun_script.page_script_hash = self._script
            asked.rerun_script.fragment_id = fragment
            asked.rerun_script.is_auto_rerun = True
        else:
            asked.rerun_script.page_name = self._page
        socket.send(asked.SerializeToString())
        self.redraws += 1

    def _hear(self, said: str | bytes) -> None:
        self.messages += 1
        message = ForwardMsg.FromString(said if isinstance(said, bytes) else said.encode())
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._script = message.new_session.page_script_hash
        elif kind == "auto_rerun":
            timer = message.auto_rerun
            self._due[timer.fragment_id] = (time.monotonic() + timer.interval, timer.interval)


def serve(server: Server, settings: dict[str, Any]) -> tuple[float, Visitor]:
    """Train under the server, with its page open."""
    run = open_run(server.workspace, server.submit("cyclegan", settings))
    visitor = Visitor(server, "runs", f"run={run.id}")
    try:
        cost = measure(run, settings["max_steps_per_epoch"])
    finally:
        visitor.leave()
    until(lambda: run.status().state == "done", START_S, "the run is done")
    return cost, visitor


def command(workspace: Workspace, settings: dict[str, Any], log: Path) -> float:
    """Train by the command line. The run is submitted first, so that no server's lane takes it."""
    run = submit(workspace, "cyclegan", build_config("cyclegan", settings))
    words = [sys.executable, "-m", "leafcore", "train", "cyclegan", "--workspace", str(workspace.root)]
    with log.open("ab") as output:
        process = subprocess.Popen([*words, "--resume", run.id], cwd=PROJECT_ROOT, stdout=output, stderr=output)
    try:
        cost = measure(run, settings["max_steps_per_epoch"])
        if process.wait(timeout=START_S):
            raise SystemExit(f"the command failed:\n{log.read_text()}")
    finally:
        process.kill()
        process.wait()
    return cost


def main() -> None:
    """Compare the two and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=110)
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    served, commanded, redraws, messages = [], [], [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        workspaces = [Workspace(folder / side) for side in ("served", "commanded")]
        count = 2 * BATCH * options.steps  # train pictures are about 70 % of them
        source = write_folders(folder / "leaves", {"healthy": count, "rust": count})
        datasets = []
        for workspace in workspaces:
            config = ImportConfig(source=str(source), name="leaves")
            datasets.append(import_dataset(config, workspace, Progress(folder)).dataset)
        settings = {**NETWORK, "dataset": datasets[0], "max_steps_per_epoch": options.steps}
        server = Server(workspaces[0], folder / "server.log")
        try:
            for turn in range(options.turns):
                different = {**settings, "seed": turn}
                cost, visitor = serve(server, different)
                served.append(cost)
                redraws.append(visitor.redraws)
                messages.append(visitor.messages)
                commanded.append(command(workspaces[1], {**different, "dataset": datasets[1]}, folder / "command.log"))
        finally:
            server.close()
    if min(redraws) < 3:
        raise SystemExit("nobody watched: the page was not drawn again")
    ratios = [one / other for one, other in zip(served, commanded, strict=True)]
    ratio = statistics.median(ratios)
    found = {
        "steps": options.steps,
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "served_ms_per_step": round(1e3 * statistics.median(served), 1),
        "commanded_ms_per_step": round(1e3 * statistics.median(commanded), 1),
        "redraws": redraws,
        "messages": messages,
        "ratio": round(ratio, 3),
        "ratio_range": [round(pick(ratios), 3) for pick in (min, max)],
    }
    print(json.dumps({**found, "holds": abs(ratio - 1) <= LIMIT}))


if __name__ == "__main__":
    main()
