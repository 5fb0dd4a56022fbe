"""What a move of the threshold slider costs the server, in milliseconds an image.

Run `python -m benchmarks.tuner [--images 12] [--size 256]`. Target: at most 2 ms of processor time an image besides
encoding, in every view. The pictures are noise and the heat maps smooth, 7 x 7, as LFLSeg's are.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from leafcore.data.mask_sets import Refinement
from leafcore.images import encode_jpeg
from leafcore.masks.maps import resize_map
from leafcore.masks.tuning import area_curves, otsu, percentile, plateau, worst_first
from ui import mask_charts
from ui.mask_tiles import VIEWS, draw, mask_of

MAX_MS = 2.0
KNOWN = 240  # pictures whose areas the charts show


def milliseconds(work: Callable[[float], object], rounds: int) -> float:
    """Return the median processor time of a call with an ever different threshold."""
    taken = []
    for delta in np.linspace(0.1, 0.9, rounds):
        began = time.process_time()
        work(round(float(delta), 2))
        taken.append((time.process_time() - began) * 1e3)
    return statistics.median(taken)


def main() -> None:
    """Move the slider over some pictures, and print what it costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    size = arguments.size
    pictures = rng.integers(0, 255, (arguments.images, size, size, 3), dtype=np.uint8)
    maps = np.stack([resize_map(cam, 7, 7) for cam in rng.random((KNOWN, 4, 4)).astype(np.float32)])
    curves = area_curves(maps)

    def tiles(view: str, delta: float) -> list[np.ndarray]:
        return [
            draw(picture, cam, mask_of(picture, cam, delta, Refinement(), None, ""), view)  # type: ignore[arg-type]
            for picture, cam in zip(pictures, maps, strict=False)
        ]

    def charts(delta: float) -> None:
        mean = curves.mean(0)
        marks = {"Otsu": otsu(curves), "P50": percentile(curves, 0.5)}
        mask_charts.area_by_delta({}, mean, plateau(curves), marks, delta).to_json()
        mask_charts.areas(curves[:, round(delta * 100)]).to_json()
        worst_first(curves, delta)

    per_view = {
        view: milliseconds(lambda delta, view=view: tiles(view, delta), arguments.rounds) / arguments.images  # type: ignore[misc]
        for view in VIEWS
    }
    chart_ms = milliseconds(charts, arguments.rounds)
    shown = tiles("Mask", 0.35)
    answer = {
        "images": arguments.images,
        "size_px": size,
        "ms_per_image": {view: round(ms, 2) for view, ms in per_view.items()},
        "ms_charts": round(chart_ms, 1),
        "ms_per_image_with_charts": round(max(per_view.values()) + chart_ms / arguments.images, 2),
        "ms_per_image_encoding": round(
            milliseconds(lambda _: [encode_jpeg(one, 90) for one in shown], 20) / len(shown), 2
        ),
        "loads_torch": "torch" in sys.modules,
        "holds": max(per_view.values()) <= MAX_MS and "torch" not in sys.modules,
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
