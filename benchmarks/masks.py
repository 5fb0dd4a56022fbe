"""How fast masks are made, against the grad-cam library: the heat maps alone, and the job from JPEG files to PNG masks.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.masks`. Both sides get the same weights, briefly trained so that no
layer is idle, the same pictures at 224 px, and fp32. They take turns; times are of the processor, since other work may
share the cores, and the median of the turns' ratios counts.

Claims, for ResNet-18 and ResNet-101: at least 3.2 times as many masks per second as the library's GradCAM in batches of
16; heat maps that differ by at most 1e-5; masks at 0.35 of IoU 0.999 or more once the library's second rescaling is
applied to both; and the whole job at least 2.5 times as fast as the straightforward one, a loop over pictures.
"""

import argparse
import copy
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.torch import save
from torch import nn

from leafcore.checkpoints import sha256
from leafcore.files import write_bytes, write_json
from leafcore.jobs import build_config, execute, submit
from leafcore.masks.cam import Cams, explainer
from leafcore.masks.configs import DELTA, CamConfig, MasksConfig
from leafcore.masks.library import library_explainer
from leafcore.masks.make import make_masks
from leafcore.masks.maps import threshold
from leafcore.measure.masks import intersection_over_union
from leafcore.nets.backbones import build_backbone
from leafcore.progress import Progress
from leafcore.workspace import PROJECT_ROOT, Workspace

NETWORKS = ("resnet18", "resnet101")
SIZE_PX, BATCH, TURNS = 224, 16, 3
LEAST_SPEEDUP, LEAST_JOB_SPEEDUP, MOST_DIFFERENCE, LEAST_IOU = 3.2, 2.5, 1e-5, 0.999
FULL_LEAF = [ClassifierOutputTarget(0)]


def photographs(count: int) -> list[Path]:
    """Return orchard photographs, evenly picked."""
    folder = Path(os.environ.get("LEAF_SAMPLES", PROJECT_ROOT.parent / "shared" / "data")) / "field" / "train_images"
    files = sorted(folder.glob("*.jpg"))
    return files[:: max(1, len(files) // count)][:count]


def pixels(file: Path) -> torch.Tensor:
    """Return a photograph as (3, S, S) in [-1, 1]."""
    small = Image.open(file).convert("RGB").resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1).float() / 127.5 - 1


def trained(name: str, images: torch.Tensor, steps: int = 20) -> nn.Module:
    """Return a network that has learned a little: whole pictures, ninths of them, noise."""
    torch.manual_seed(0)
    net = build_backbone(name, 3).train()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-4)
    whole = F.interpolate(images, size=96, mode="bilinear", antialias=True)
    for _ in range(steps):
        some = whole[torch.randperm(len(whole))[:4]]
        batch = torch.cat([some, F.interpolate(some[..., 32:64, 32:64], size=96), torch.rand_like(some) * 2 - 1])
        loss = F.cross_entropy(net(batch), torch.arange(3).repeat_interleave(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


# --- heat maps --------------------------------------------------------------------------------------------------------


def compare_maps(name: str, net: nn.Module, images: torch.Tensor) -> dict[str, Any]:
    """Compare speed and results of the two ways to masks at 224 px."""
    frozen = copy.deepcopy(net).requires_grad_(False)
    explain = explainer(frozen, CamConfig(), SIZE_PX)
    batches = images.split(BATCH)

    def ours() -> list[np.ndarray]:
        found: list[Cams] = [explain(batch) for batch in batches]
        return [threshold(cam, DELTA, SIZE_PX, SIZE_PX) for cams in found for cam in cams.maps]

    with GradCAM(net, [net.layer4]) as library:

        def theirs() -> list[np.ndarray]:
            return [mask >= DELTA for batch in batches for mask in library(batch, FULL_LEAF * len(batch))]

        times = take_turns(ours, theirs)
        enlarged = np.concatenate([library(batch, FULL_LEAF * len(batch)) for batch in batches])
    maps = np.concatenate([explain(batch).maps for batch in batches])
    as_drawn = library_explainer(frozen, CamConfig(layer="layer4"), SIZE_PX, 0)
    difference = np.abs(maps - np.concatenate([as_drawn(batch).maps for batch in batches])).max()
    rescaled = scale_cam_image(scale_cam_image(maps, (SIZE_PX, SIZE_PX)))
    overlaps = [intersection_over_union(a, b) for a, b in zip(rescaled >= DELTA, enlarged >= DELTA, strict=True)]
    return {
        "network": name,
        "masks_per_cpu_second": [round(len(images) / seconds, 1) for seconds in (times.ours, times.theirs)],
        "speedup": round(times.ratio, 2),
        "speedup_wall": round(times.ratio_wall, 2),
        "map_difference": float(difference),
        "empty_maps": int((maps.max((1, 2)) == 0).sum()),
        "mask_iou": round(float(np.mean(overlaps)), 5),
    }


class Times:
    """Seconds of both sides, turn by turn: (turns, 2) of the processor and on the wall; the first is ours."""

    def __init__(self, cpu: np.ndarray, wall: np.ndarray) -> None:
        self.ours, self.theirs = np.median(cpu, axis=0)
        self.ratio = float(np.median(cpu[:, 1] / cpu[:, 0]))
        self.ratio_wall = float(np.median(wall[:, 1] / wall[:, 0]))


def take_turns(ours: Callable[[], object], theirs: Callable[[], object]) -> Times:
    """Time both sides alternately, once more than counts."""
    rows = []
    for _ in range(TURNS + 1):
        for work in (ours, theirs):
            began = time.process_time(), time.perf_counter()
            work()
            rows.append((time.process_time() - began[0], time.perf_counter() - began[1]))
    counted = np.array(rows[2:]).reshape(TURNS, 2, 2)
    return Times(counted[..., 0], counted[..., 1])


# --- the whole job ----------------------------------------------------------------------------------------------------


def compare_jobs(name: str, net: nn.Module, files: list[Path], folder: Path) -> dict[str, Any]:
    """Compare `make_masks` with the straightforward loop, from files of weights and JPEG to PNG masks."""
    workspace = Workspace(folder / name)
    source = folder / f"{name}-photos" / "healthy"
    source.mkdir(parents=True)
    for file in files:
        (source / file.name).write_bytes(file.read_bytes())
    run = submit(workspace, "import", build_config("import", {"source": source.parent, "name": "photos"}))
    dataset = execute(workspace, run, lane="files", owner="cli")["dataset"]
    plant(workspace, name, net)
    config = MasksConfig(dataset=dataset, model=name, device="cpu")
    state = folder / f"{name}.pth"
    torch.save(net.state_dict(), state)

    def ours() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            make_masks(config, workspace, Progress(Path(made)))

    def theirs() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            straightforward(name, state, sorted(source.iterdir()), Path(made))

    times = take_turns(ours, theirs)
    return {"job_speedup": round(times.ratio, 2), "job_speedup_wall": round(times.ratio_wall, 2)}


def straightforward(name: str, state: Path, files: list[Path], folder: Path) -> None:
    """Make masks as one would with the library and Pillow: one picture after another."""
    net = build_backbone(name, 3)
    net.load_state_dict(torch.load(state, weights_only=True))
    with GradCAM(net.eval(), [net.layer4]) as library:
        for file in files:
            width, height = Image.open(file).size
            cam = Image.fromarray(library(pixels(file)[None], FULL_LEAF)[0])
            mask = np.asarray(cam.resize((width, height), Image.Resampling.BILINEAR)) >= DELTA
            Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{file.stem}.png")


def plant(workspace: Workspace, name: str, net: nn.Module) -> None:
    """Write the network as an LFLSeg checkpoint."""
    args = {"name": name, "num_classes": 3}
    description = {"recipe": "lflseg", "size_px": SIZE_PX, "nets": {"classifier": {"type": "backbone", "args": args}}}
    tensors = {f"classifier.{key}": value for key, value in net.state_dict().items()}
    path = workspace.checkpoints / name / "weights.safetensors"
    write_bytes(path, save(tensors, {"leaf": json.dumps(description)}))
    card = {"name": name, "recipe": "lflseg", "description": description, "run": "", "epoch": 1}
    told = {"weights_sha256": sha256(path), "created": 0.0, "code_version": "0"}
    write_json(path.parent / "card.json", card | told)


def main() -> None:
    """Compare both networks and say whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=48, help="How many photographs (default 48).")
    count = parser.parse_args().images
    files = photographs(count)
    images = torch.stack([pixels(file) for file in files])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            net = trained(name, images)
            rows.append({**compare_maps(name, net, images), **compare_jobs(name, net, files, Path(folder))})
            print(json.dumps(rows[-1]), flush=True)
    holds = all(
        row["speedup"] >= LEAST_SPEEDUP
        and row["map_difference"] <= MOST_DIFFERENCE
        and row["mask_iou"] >= LEAST_IOU
        and row["job_speedup"] >= LEAST_JOB_SPEEDUP
        for row in rows
    )
    print(json.dumps({"images": len(files), "threads": torch.get_num_threads(), "holds": holds}))


if __name__ == "__main__":
    main()
