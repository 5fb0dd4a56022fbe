"""How soon the Datasets page stands in a browser, and what it sends, over many pictures.

Run `python -m benchmarks.first_paint [--images 20000] [--rows 1000000]`; it needs Chromium. Target: under 2 s from
cache for 20,000 pictures, and at most 2 MB for any number. Small pictures are written and imported first; more rows
than pictures are copies of theirs. Then a server is started, the page is opened once, and timed in new tabs from the
request to the drawn chart and gallery; a new session has no file of the page's own scripts yet either.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Response, ViewportSize, sync_playwright

from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.data.manifest import Dataset, load, save
from leafcore.progress import Progress
from leafcore.workspace import Workspace
from tests.server import Server

READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
CLASSES = {"healthy": 0.4, "scab": 0.25, "rust": 0.2, "frog_eye_leaf_spot": 0.1, "powdery_mildew": 0.05}
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
TARGET_S, MAX_BYTES = 2.0, 2_000_000


def write_pictures(folder: Path, count: int) -> Path:
    """Write small pictures of noise, a folder per class, and return their folder."""
    rng = np.random.default_rng(0)
    for label, share in CLASSES.items():
        (folder / label).mkdir(parents=True)
        for index in range(round(count * share)):
            coarse = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8))
            coarse.resize((96, 96), Image.Resampling.BICUBIC).save(folder / label / f"{index:06d}.jpg")
    return folder


def repeat_rows(workspace: Workspace, dataset: Dataset, count: int) -> None:
    """Make a version of more rows: copies of a dataset's under other names and in other groups."""
    records = dataset.records
    parts = [
        records.assign(image=f"{copy}/" + records["image"], group=f"{copy}/" + records["group"])
        for copy in range(-(-count // len(records)))
    ]
    save(workspace, dataset.name, pd.concat(parts, ignore_index=True).head(count), dataset.card)


def visit(context: BrowserContext, url: str) -> tuple[float, int]:
    """Open the page in a new tab; return the seconds until it stands, and the bytes of data and pictures that came."""
    page, received = context.new_page(), [0]

    def count(payload: str | bytes) -> None:
        received[0] += len(payload)

    def count_picture(response: Response) -> None:
        if "/media/" in response.url:
            received[0] += int(response.headers.get("content-length", 0))

    page.on("websocket", lambda socket: socket.on("framereceived", count))
    page.on("response", count_picture)
    began = time.perf_counter()
    page.goto(url)
    page.locator(READY).wait_for(timeout=120_000)
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.locator('[data-testid="stImage"] img, [data-testid="stImageContainer"] img').first.wait_for()
    seconds = time.perf_counter() - began
    page.close()
    return seconds, received[0]


def visits(browser: Browser, url: str, count: int, *, new_sessions: bool) -> list[tuple[float, int]]:
    """Open the page so many times, in one session or each time in a new one."""
    found = []
    context = browser.new_context(viewport=VIEWPORT)
    visit(context, url)
    for _ in range(count):
        if new_sessions:
            context.close()
            context = browser.new_context(viewport=VIEWPORT)
        found.append(visit(context, url))
    context.close()
    return found


def main() -> None:
    """Write, import, serve, open, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=0, help="Of the version that is shown, if more than pictures.")
    parser.add_argument("--visits", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        workspace = Workspace(folder / "workspace")
        source = write_pictures(folder / "leaves", arguments.images)
        began = time.perf_counter()
        result = import_dataset(ImportConfig(source=source, name="leaves"), workspace, Progress(folder))
        imported_s = time.perf_counter() - began
        if arguments.rows > arguments.images:
            repeat_rows(workspace, load(workspace, "leaves"), arguments.rows)
        server = Server(workspace, folder / "server.log")
        try:
            found = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            )
            url = f"{server.url}/datasets?ds=leaves"
            tabs = visits(browser, url, arguments.visits, new_sessions=False)
            sessions = visits(browser, url, arguments.visits, new_sessions=True)
            browser.close()
        finally:
            server.close()
    median_s = statistics.median(seconds for seconds, _ in tabs)
    most_bytes = max(size for _, size in (*tabs, *sessions))
    answer = {
        "images": result.images,
        "rows": max(arguments.rows, result.images),
        "import_seconds": round(imported_s, 1),
        "seconds": [round(seconds, 2) for seconds, _ in tabs],
        "median_seconds": round(median_s, 2),
        "new_session_median_seconds": round(statistics.median(seconds for seconds, _ in sessions), 2),
        "bytes": most_bytes,
        "holds": median_s <= TARGET_S and most_bytes <= MAX_BYTES,
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
