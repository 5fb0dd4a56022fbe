"""How much memory the server takes while a large ZIP is downloaded twice at once, and once more from the middle.

Run `python -m benchmarks.served_zip`. A real server, as `streamlit run app.py` starts it, has an export of 500 MB in a
workspace. Two processes of curl download it at the same time; a third is broken off in the middle and goes on from
there, as a browser does. The server's resident memory is looked at all the while.

Claims: the server grows by less than 50 MB, and all three files are the one that was packed.
"""

import argparse
import hashlib
import json
import secrets
import shutil
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

from leafcore.config import Config
from leafcore.export.configs import ExportConfig
from leafcore.files import write_json
from leafcore.runs import Run, create_run
from leafcore.workspace import Workspace
from tests.server import Server

MOST_GROWTH_MB = 50
PIECE = 4 * 10**6  # bytes of a file in the ZIP
LIMIT_S = 600.0


def packed(workspace: Workspace, megabytes: int) -> Run:
    """Return an export that is done, with a stored ZIP of noise, which nothing can shrink."""
    config: Config = ExportConfig(run="20260101-000000-000-synthesize-0000")
    run = create_run(workspace, "export", config, waits=False)
    with zipfile.ZipFile(run.folder / "export.zip", "w", zipfile.ZIP_STORED) as archive:
        for index in range(megabytes * 10**6 // PIECE):
            archive.writestr(f"images/{index:06d}.png", secrets.token_bytes(PIECE))
    size = (run.folder / "export.zip").stat().st_size
    facts = {"format": "csv", "content": "synthetic", "images": index + 1, "synthetic": index + 1, "real": 0}
    write_json(run.folder / "result.json", {"zip": str(run.folder / "export.zip"), "bytes": size, **facts})
    with run.locked():
        run.finish("done")
    return run


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url: str, target: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["curl", "--silent", "--show-error", "--fail", "--output", str(target), *more, url])


def watch(server: Server, clients: list[subprocess.Popen[bytes]]) -> float:
    """Return the most memory that the server held, in MB, until all clients have ended."""
    most, deadline = 0.0, time.monotonic() + LIMIT_S
    while any(client.poll() is None for client in clients):
        most = max(most, server.megabytes())
        if time.monotonic() > deadline:
            raise SystemExit(f"the downloads took more than {LIMIT_S:.0f} s")
        time.sleep(0.02)
    return most


def main() -> None:
    """Download and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megabytes", type=int, default=500)
    options = parser.parse_args()
    if shutil.which("curl") is None:
        raise SystemExit("curl is missing")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        workspace = Workspace(folder / "workspace")
        run = packed(workspace, options.megabytes)
        wanted, size = sha256(run.folder / "export.zip"), (run.folder / "export.zip").stat().st_size
        targets = [folder / f"{index}.zip" for index in range(3)]
        server = Server(workspace, folder / "server.log")
        try:
            url = f"{server.url}/api/runs/{run.id}/zip"
            download(url, targets[2], "--range", "0-999999").wait(LIMIT_S)  # what is loaded once is no growth
            before, began = server.megabytes(), time.perf_counter()
            most = watch(server, [download(url, target) for target in targets[:2]])
            seconds = time.perf_counter() - began
            most = max(most, watch(server, [download(url, targets[2], "--continue-at", "-")]))
        finally:
            server.close()
        whole = [target.stat().st_size == size and sha256(target) == wanted for target in targets]
    growth = most - before
    found = {
        "megabytes": options.megabytes,
        "server_mb_before": round(before, 1),
        "server_mb_most": round(most, 1),
        "growth_mb": round(growth, 1),
        "megabytes_per_second": round(2 * size / 1e6 / seconds),
        "same_bytes": whole,
    }
    print(json.dumps({**found, "holds": growth < MOST_GROWTH_MB and all(whole)}))


if __name__ == "__main__":
    main()
