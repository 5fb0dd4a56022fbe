"""How long a long run's charts take on the server: 200,000 steps of ten losses, made.

Run `python -m benchmarks.curves`. Claim: what a live page does again and again (read what is new, look for hints,
smooth, thin, draw both charts) takes at most 300 ms of processor time. The alternative is the same charts of every
recorded point.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from leafcore.train.hints import hints
from ui import loss_charts
from ui.curves import Curves
from ui.series import MAX_POINTS

STEPS, NEW_STEPS = 200_000, 40  # the latter in the two seconds between two drawings
MAX_MS = 300
LOSSES = [name for panel in loss_charts.PANELS.values() for name in panel]


def write(path: Path, first: int, count: int) -> None:
    """Append reports as a run writes them."""
    values = np.random.default_rng(first).lognormal(-2, 0.3, (count, len(LOSSES)))
    with path.open("a") as file:
        for step, row in enumerate(values.round(9).tolist(), first):
            file.write(
                json.dumps({"step": step, "time": float(step), "epoch": 1.0, **dict(zip(LOSSES, row, strict=True))})
                + "\n"
            )


def draw(curves: loss_charts.Curves, points: int = MAX_POINTS) -> str:
    """Return both charts as the page sends them."""
    panels, _ = loss_charts.panels_of(curves)
    return loss_charts.linked(curves, panels, weight=0.9, marks=hints(curves), points=points).to_json()


def ms(work: Callable[[], object], repeat: int = 5) -> float:
    """Return the least processor time of some runs in milliseconds: other work may share the cores."""
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return 1000 * best


def main() -> None:
    """Measure, print, and fail if the claim does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        write(path, 1, STEPS)
        reader = Curves(path)
        print(f"first reading, once per server: {ms(reader.read, 1):.0f} ms, {path.stat().st_size / 1e6:.0f} MB")
        write(path, STEPS + 1, NEW_STEPS)
        update = ms(reader.read, 1)
        curves = reader.read()
        ours, all_points = ms(lambda: draw(curves)), ms(lambda: draw(curves, 2 * STEPS), 2)
        print(f"reading {NEW_STEPS} new steps: {update:.1f} ms")
        print(
            f"hints, smoothing, drawing {MAX_POINTS:,} points a line: {ours:.0f} ms, {len(draw(curves)) / 1e6:.2f} MB"
        )
        print(f"the same with every point: {all_points:.0f} ms, {len(draw(curves, 2 * STEPS)) / 1e6:.1f} MB")
    assert update + ours <= MAX_MS, f"{update + ours:.0f} ms, expected at most {MAX_MS} ms"


if __name__ == "__main__":
    main()
