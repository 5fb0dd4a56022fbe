"""How fast pictures reach a training step, against torchvision and PIL in a DataLoader, in the same run.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.data_pipeline`. Both sides give every picture once as a random crop
of 256 px out of 286 px, mirrored at random, in [-1, 1], in batches of 8. The DataLoader has two workers, started each
epoch as its default is, and PIL and torchvision do the work, as in the reference code; ours is a domain of the
translation recipes, over its memory-mapped cache. They take turns; wall time counts, since workers are processes of
their own.

Claim: at least 3.5 times as many pictures per second. What filling the cache costs once is printed beside it, as the
number of the DataLoader's epochs that it takes.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from leafcore.data import manifest
from leafcore.data.sampling import ShuffledStream
from leafcore.images import encode_jpeg, load_square
from leafcore.progress import Progress
from leafcore.train.translation_data import Domain
from leafcore.workspace import PROJECT_ROOT, Workspace

SIZE_PX, LOAD_PX, BATCH, WORKERS, TURNS = 256, 286, 8, 2, 5
LEAST = 3.5


class Plain(Dataset[torch.Tensor]):
    """The reference implementation's transforms on files."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.transform = transforms.Compose(
            [
                transforms.Resize((LOAD_PX, LOAD_PX), transforms.InterpolationMode.BICUBIC),
                transforms.RandomCrop(SIZE_PX),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.5,) * 3, (0.5,) * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture: torch.Tensor = self.transform(Image.open(self.files[index]).convert("RGB"))
        return picture


def photographs(folder: Path, count: int) -> list[Path]:
    """Return orchard photographs at 256 px, or noise of that size where there are none."""
    shared = Path(os.environ.get("LEAF_SAMPLES", PROJECT_ROOT.parent / "shared" / "data"))
    found = sorted((shared / "field" / "train_images").glob("*.jpg"))[:count]
    rng = np.random.default_rng(0)
    files = []
    for index in range(count):
        noise = rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
        picture = load_square(found[index], SIZE_PX) if index < len(found) else noise
        files.append(folder / f"{index:04d}.jpg")
        files[-1].write_bytes(encode_jpeg(picture, quality=90))
    return files


def timed(epoch: Callable[[], int]) -> float:
    """Return an epoch's seconds on the wall."""
    begin = time.perf_counter()
    epoch()
    return time.perf_counter() - begin


def main() -> None:
    """Compare the two and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        files = photographs(folder, options.images)
        workspace = Workspace(folder / "workspace")
        records = pd.DataFrame({"image": [file.name for file in files]})
        dataset = cast(manifest.Dataset, SimpleNamespace(paths=lambda records: files))
        begin = time.perf_counter()
        domain = Domain(workspace, dataset, records, None, LOAD_PX, Progress(folder))
        filling = time.perf_counter() - begin
        generator = torch.Generator().manual_seed(0)
        stream = ShuffledStream(len(domain), generator)
        loader = DataLoader(Plain(files), BATCH, shuffle=True, num_workers=WORKERS)

        def ours() -> int:
            taken = 0
            while taken < len(files):
                indices = stream.take(min(BATCH, len(files) - taken))
                taken += len(domain.crops(indices, SIZE_PX, generator)[0])
            return taken

        def theirs() -> int:
            return sum(len(batch) for batch in loader)

        if ours() != len(files) or theirs() != len(files):
            raise SystemExit("a side left pictures out")
        times = [(timed(ours), timed(theirs)) for _ in range(TURNS)]
        ratio = statistics.median(slow / fast for fast, slow in times)
        plain = statistics.median(slow for _, slow in times)
        found = {
            "images": len(files),
            "images_per_second": [round(len(files) / statistics.median(column)) for column in zip(*times, strict=True)],
            "ratio": round(ratio, 2),
            "ratio_range": [round(pick(slow / fast for fast, slow in times), 2) for pick in (min, max)],
            "filling_in_plain_epochs": round(filling / plain, 2),
        }
        print(json.dumps({**found, "holds": ratio >= LEAST}))


if __name__ == "__main__":
    main()
