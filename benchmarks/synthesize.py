"""How fast a synthesize run makes pictures, against the plain loop: one at a time, Pillow's `save`, then zipfile.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.synthesize`. Both sides read the same pictures from the disk, load the
same ResNet generator from its file, translate without any filter, write PNGs and pack them into a stored ZIP. Ours is
the verb `synthesize`, then the verb `export`: with recipes, a manifest, checksums and a flush to the disk per picture.
They take turns; the median of the turns' ratios counts. On a CPU the processor's time is compared, since other work may
share the cores; on a GPU the wall's. `--size 64 --pictures 8 --turns 1` gives a quick look.

Claim: with 64 pictures of 256 px (9 blocks, 64 filters), ours in bf16 is at least 1.9 times as fast as the plain loop
in fp32, and at most 2 of 255 levels off on average. What fp32 gives is printed beside it; there the network alone takes
nearly all of a CPU's time on both sides.
"""

import argparse
import json
import statistics
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.data.manifest import Dataset, load
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set
from leafcore.generate import load_network
from leafcore.jobs import build_config, execute, submit
from leafcore.progress import Progress
from leafcore.runs import Run
from leafcore.workspace import Workspace
from tests.conftest import write_folders
from tests.planted import plant

LEAST_SPEEDUP, MOST_OFF, TURNS = 1.9, 2.0, 3


def ours(workspace: Workspace, dataset: Dataset, count: int, precision: str, device: str) -> Run:
    """Make a set and pack it; return the run that made it."""
    settings = {
        "chain": ("generator",), "dataset": dataset.ref, "source": "healthy", "count": count,
        "precision": precision, "device": device, "masks": "", "verify": "no",
    }  # fmt: skip
    made = submit(workspace, "synthesize", build_config("synthesize", settings), waits=False)
    execute(workspace, made, lane=device, owner="cli")
    packed = submit(workspace, "export", build_config("export", {"run": made.id}), waits=False)
    execute(workspace, packed, lane="files", owner="cli")
    return made


def plain(workspace: Workspace, files: list[Path], size_px: int, folder: Path, device: torch.device) -> None:
    """Do the same as one would without thinking much."""
    network = load_network(open_checkpoint(workspace, "generator"), "gen_ab", device)
    folder.mkdir(parents=True)
    with torch.no_grad():
        for index, file in enumerate(files):
            picture = Image.open(file).convert("RGB").resize((size_px, size_px), Image.Resampling.BICUBIC)
            x = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
            made = network(x.to(device))[0].cpu()
            pixels = ((made + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(folder / f"{index:06d}.png")
    with zipfile.ZipFile(folder / "plain.zip", "w") as archive:
        for file in sorted(folder.glob("*.png")):
            archive.write(file, file.name)


def now(on_gpu: bool) -> float:
    """Return a moment in seconds: of the processor, or on a GPU of the wall."""
    return time.perf_counter() if on_gpu else time.process_time()


def worst_off(made: SyntheticSet, folder: Path) -> float:
    """Return by how many levels of 255 our pictures differ from the plain ones on average, in the worst picture."""
    pairs = zip(made.paths(), sorted(folder.glob("*.png")), strict=True)
    return max(float(np.abs(np.asarray(Image.open(a), int) - np.asarray(Image.open(b), int)).mean()) for a, b in pairs)


def main() -> None:
    """Compare the two and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    on_gpu = options.device != "cpu"
    times: dict[str, list[float]] = {"plain": [], "ours_bf16": [], "ours_fp32": []}
    sets: dict[str, SyntheticSet] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        workspace = Workspace(folder / "workspace")
        count = 2 * options.pictures  # train pictures are about 70 % of them
        source = write_folders(folder / "leaves", {"healthy": count, "rust": 8}, size_px=options.size)
        done = import_dataset(ImportConfig(source=str(source), name="leaves"), workspace, Progress(folder))
        dataset = load(workspace, done.dataset)
        args = {"filters": options.filters, "blocks": options.blocks}
        said = {"recipe": "cyclegan", "size_px": options.size, "a": "healthy", "b": "rust"}
        plant(workspace, "generator", {**said, "nets": {"gen_ab": {"type": "resnet_generator", "args": args}}}, gain=1)
        device = torch.device(options.device)
        for turn in range(options.turns + 1):
            for precision in ("bf16", "fp32"):
                began = now(on_gpu)
                made = ours(workspace, dataset, options.pictures, precision, options.device)
                times[f"ours_{precision}"].append(now(on_gpu) - began)
                sets[precision] = open_synthetic_set(workspace, made.id)
            files = [dataset.root / image for image in sets["bf16"].manifest["source"]]
            began = now(on_gpu)
            plain(workspace, files, options.size, folder / f"plain-{turn}", device)
            times["plain"].append(now(on_gpu) - began)
            off = {precision: worst_off(sets[precision], folder / f"plain-{turn}") for precision in sets}
    counted = {side: took[1:] for side, took in times.items()}  # in the first turn all is loaded for the first time
    ratios = {
        side: [slow / fast for slow, fast in zip(counted["plain"], counted[side], strict=True)]
        for side in ("ours_bf16", "ours_fp32")
    }
    speedup = statistics.median(ratios["ours_bf16"])
    found = {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        "pictures": options.pictures,
        "size_px": options.size,
        "seconds": {side: round(statistics.median(took), 2) for side, took in counted.items()},
        "speedup": round(speedup, 2),
        "speedup_range": [round(pick(ratios["ours_bf16"]), 2) for pick in (min, max)],
        "speedup_fp32": round(statistics.median(ratios["ours_fp32"]), 2),
        "levels_off": {precision: float(f"{levels:.2g}") for precision, levels in off.items()},
    }
    print(json.dumps({**found, "holds": speedup >= LEAST_SPEEDUP and off["bf16"] <= MOST_OFF}))


if __name__ == "__main__":
    main()
