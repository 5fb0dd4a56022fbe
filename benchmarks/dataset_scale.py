"""How a dataset's table scales: a million pictures against a hundred thousand, both made, no picture decoded.

Run `python -m benchmarks.dataset_scale`. Claim: counting, splitting by group, the leak check, reading the table,
finding pictures and what the page shows first take at most twelve times as long for ten times the rows, and the page
sends at most 2 MB.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from leafcore.data.balance import counts_by_label, counts_by_label_set, summary
from leafcore.data.browse import Query, find, image_sizes
from leafcore.data.groups import merge_alike
from leafcore.data.leaks import check
from leafcore.data.manifest import Card, Dataset, load, save
from leafcore.data.splits import assign_splits
from leafcore.workspace import Workspace
from ui.count_charts import bars

SMALL, LARGE = 100_000, 1_000_000
MAX_RATIO, MAX_BYTES = 12.0, 2_000_000
PAGE = 48  # pictures on the first page of the gallery
LABELS = ("healthy", "scab", "rust", "frog_eye_leaf_spot", "frog_eye_leaf_spot rust", "complex", "powdery_mildew")
SHARES = (0.3, 0.28, 0.15, 0.15, 0.02, 0.06, 0.04)


def make(count: int) -> pd.DataFrame:
    """Return a manifest of `count` rows: one to five pictures of a leaf, taken in sequence."""
    rng = np.random.default_rng(count)
    leaf = np.repeat(np.arange(count), rng.integers(1, 6, count))[:count]
    labels = np.array(LABELS)[np.searchsorted(np.cumsum(SHARES)[:-1], rng.random(count))][leaf]
    number = np.arange(count)
    return pd.DataFrame(
        {
            "image": [f"train_images/{index:07d}.jpg" for index in number],
            "labels": labels,
            "group": [f"leaf-{index:07d}" for index in leaf],
            "sha256": [f"{index:064x}" for index in number],
            "width": 4000,
            "height": 2672,
            "bytes": 1_500_000,
            "mask": "",
        }
    )


def timed(work: Callable[[], object], repeat: int = 3) -> float:
    """Return the shortest of some runs, seconds."""
    best = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def measure(count: int, folder: Path) -> dict[str, float]:
    """Return how long each part takes for `count` rows, seconds; and how many bytes the page's first chart has."""
    records = make(count)
    workspace = Workspace(folder / str(count))
    card = Card(root="", source="made", format="made", license="none", created=0.0)
    seconds = {
        "group": timed(lambda: merge_alike(records), 1),
        "split": timed(lambda: assign_splits(records, val=0.15, test=0.15, seed=0), 1),
    }
    records["split"] = assign_splits(records, val=0.15, test=0.15, seed=0)
    seconds["save"] = timed(lambda: save(workspace, "made", records, card), 1)
    seconds["load"] = timed(lambda: load(workspace, "made"))
    dataset = load(workspace, "made")
    seen = {"generator": dataset.select(split="train")["sha256"].tolist()}
    seconds["leak check"] = timed(lambda: check(dataset, seen))
    seconds["balance"] = timed(lambda: summary(Dataset(dataset.name, dataset.version, dataset.records, card)))
    wanted = Query(label="rust", split="train", text="0000", order="most pixels")
    seconds["find"] = timed(lambda: find(dataset.records, wanted))
    seconds["sizes"] = timed(lambda: image_sizes(dataset.records))
    seconds["first page"] = timed(lambda: first_page(dataset))
    return {**seconds, "bytes": len(first_page(dataset))}


def first_page(dataset: Dataset) -> bytes:
    """Return what the Datasets page sends first, besides 48 thumbnails: the chart and the page's rows."""
    sets = counts_by_label_set(dataset)
    rows = dataset.rows(dataset.records.iloc[:PAGE])
    tables = [sets.to_json(), counts_by_label(dataset).to_json(), json.dumps(rows, default=str)]
    return "".join([bars(sets).to_json(), *tables]).encode()


def main() -> None:
    """Measure both sizes and print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        measure(SMALL // 10, Path(folder))  # libraries are loaded by their first use
        small, large = (measure(count, Path(folder)) for count in (SMALL, LARGE))
    ratios = {name: round(large[name] / small[name], 2) for name in small if name != "bytes"}
    print(
        json.dumps(
            {
                "rows": [SMALL, LARGE],
                "seconds": {name: [round(small[name], 4), round(large[name], 4)] for name in ratios},
                "ratios": ratios,
                "first_page_bytes": large["bytes"],
                "holds": max(ratios.values()) <= MAX_RATIO and large["bytes"] <= MAX_BYTES,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
