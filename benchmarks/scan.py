"""How scanning (decode, hash, thumbnail, perceptual hash) uses the cores.

Run `python -m benchmarks.scan [FOLDER]`; without a folder, leaves are drawn first. Claim: all cores together take at
most 1.15 times the processor time of one; the speed-up is reported. Medians of interleaved pairs, each in a workspace
of its own.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from leafcore.data.configs import RenderConfig
from leafcore.data.datasets import render_dataset
from leafcore.data.formats import detect, read
from leafcore.data.listing import Listing
from leafcore.data.scan import scan
from leafcore.progress import Progress
from leafcore.workspace import Workspace

MAX_PROCESSOR_RATIO = 1.15
DRAWN = 1000


def measure(listing: Listing, workers: int) -> tuple[float, float]:
    """Return the wall time and the processor time of a scan, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        scan(listing, Workspace(folder), Progress(Path(folder)), workers=workers)
        return time.perf_counter() - wall, time.process_time() - processor


def drawn(folder: Path) -> Path:
    """Draw leaves into a folder per class and return it."""
    workspace = Workspace(folder)
    render_dataset(RenderConfig(count=DRAWN, size_px=256), workspace, Progress(folder))
    pictures = next(workspace.datasets.glob("*/images/*/photos"))
    target = folder / "leaves" / "drawn"
    target.parent.mkdir()
    return pictures.rename(target).parent


def main() -> None:
    """Scan in pairs, one core and all, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="A dataset of any known layout.")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        source = arguments.folder or drawn(Path(scratch))
        listing = read(source, detect(source))
        measure(listing, cores)  # fills the file cache
        pairs = [(measure(listing, 1), measure(listing, cores)) for _ in range(arguments.rounds)]
    ratio = statistics.median(many[1] / one[1] for one, many in pairs)
    answer = {
        "pictures": len(listing.entries),
        "cores": cores,
        "seconds_one": round(statistics.median(one[0] for one, _ in pairs), 2),
        "seconds_all": round(statistics.median(many[0] for _, many in pairs), 2),
        "speed_up": round(statistics.median(one[0] / many[0] for one, many in pairs), 2),
        "processor_ratio": round(ratio, 2),
        "holds": ratio <= MAX_PROCESSOR_RATIO,
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
