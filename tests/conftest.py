"""Tiny data, made here and never downloaded; and the sample photographs, where LEAF_SAMPLES says they are."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `python -m leafcore` does; see leafcore/__main__.py
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the networks are tiny, and tests run side by side

import hypothesis
import numpy as np
import pytest
from PIL import Image

from leafcore.jobs import build_config, execute, submit
from leafcore.runs import Run
from leafcore.workspace import PROJECT_ROOT, Workspace

# Other work may share the cores, so how long an example takes says nothing.
hypothesis.settings.register_profile("shared", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("shared")

# Settings that make every recipe run in a second or two.
TINY: dict[str, dict[str, Any]] = {
    "lflseg": {"epochs": 2, "size_px": 64, "batch_size": 6, "max_steps_per_epoch": 2, "pretrained": False},
    "leafgan": {
        "epochs": 2, "epochs_decay": 0, "size_px": 32, "batch_size": 2, "filters": 4, "blocks": 1, "disc_filters": 4,
        "disc_layers": 1, "max_steps_per_epoch": 3, "probes": 2, "pool_size": 3, "save_every": 1,
    },
    "dcgan": {
        "epochs": 2, "batch_size": 4, "filters": 4, "disc_filters": 4, "latent": 8, "max_steps_per_epoch": 3,
        "samples": 2, "save_every": 1,
    },
    "diffusion": {
        "epochs": 2, "size_px": 32, "batch_size": 4, "filters": 8, "levels": 2, "blocks": 1, "timesteps": 20,
        "max_steps_per_epoch": 3, "samples": 2, "save_every": 1,
    },
    "dreambooth": {
        "epochs": 2, "epoch_steps": 3, "size_px": 32, "batch_size": 2, "prior_images": 2, "lora_rank": 2, "samples": 1,
        "sample_steps": 2, "probes": "a dog", "labels": "rust", "accept_license": True,
    },
    "embed": {"backbone": "test_resnet", "pretrained": False},
    "score": {"backbone": "test_resnet", "pretrained": False},
    "classifier": {"epochs": 2, "size_px": 32, "batch_size": 4, "max_steps_per_epoch": 2, "pretrained": False},
    "evaluate": {
        "seeds": 2, "steps": 4, "epochs": 2, "size_px": 32, "batch_size": 4, "pretrained": False,
        "backbone": "test_resnet", "arms": ("real", "real_plus_synthetic"),
    },
    "probes": {
        "seeds": 2, "steps": 4, "epochs": 2, "size_px": 32, "batch_size": 4, "pretrained": False,
        "backbone": "test_resnet",
    },
}  # fmt: skip
TINY["cyclegan"] = TINY["leafgan"]
TINY["lflseg"]["backbone"] = TINY["classifier"]["backbone"] = "test_resnet"  # timm's smallest


def draw_leaf(labels: str, seed: int, size_px: int = 48) -> np.ndarray:
    """Return a green ellipse on brown, with spots for a disease: (S, S, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px - 0.5
    inside = (x / 0.4) ** 2 + (y / 0.3) ** 2 < 1
    picture = np.where(inside[..., None], (70, 140, 60), (120, 90, 60)) + rng.normal(0, 8, (size_px, size_px, 3))
    colors = {"rust": (220, 130, 20), "scab": (40, 45, 30), "frog_eye_leaf_spot": (150, 110, 140)}
    for label in labels.split():
        for _ in range(6 if label in colors else 0):
            cy, cx = rng.uniform(-0.2, 0.2, 2)
            picture[(x - cx) ** 2 + (y - cy) ** 2 < 0.003] = colors[label]
    return np.clip(picture, 0, 255).astype(np.uint8)


def write_folders(root: Path, counts: dict[str, int], size_px: int = 48) -> Path:
    """Write a folder per class; the number of each class's pictures is given."""
    for class_index, (label, count) in enumerate(counts.items()):
        (root / label).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture = draw_leaf(label, seed=1000 * class_index + index, size_px=size_px)
            Image.fromarray(picture).save(root / label / f"{label}-{index:03d}.png")
    return root


@pytest.fixture(scope="session")
def leaf_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset as a folder per class; read-only."""
    return write_folders(tmp_path_factory.mktemp("folders"), {"healthy": 20, "rust": 12, "scab": 12})


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no address be found, so that whatever asks the net for something fails."""

    def nowhere(host: object, *args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} was looked up in a test without a net")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion; read-only."""
    from tests.stable_diffusion import write_stable_diffusion

    return write_stable_diffusion(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="session")
def nonleaf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures without a leaf; read-only."""
    root = tmp_path_factory.mktemp("nonleaf")
    rng = np.random.default_rng(7)
    for index in range(8):
        Image.fromarray(rng.integers(0, 255, (40, 56, 3), dtype=np.uint8)).save(root / f"noise-{index}.jpg")
    return root


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace, also the one that commands use by default."""
    monkeypatch.setenv("LEAF_WORKSPACE", str(tmp_path / "workspace"))
    return Workspace()


@pytest.fixture
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A main module that processes begun here can do without: page tests leave theirs, which is the pages' script."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


Carry = Callable[..., Run]


def carrier(workspace: Workspace) -> Carry:
    """Return a function that submits a run, carries it out in this process, and returns it."""

    def carry(kind: str, **values: Any) -> Run:
        run = submit(workspace, kind, build_config(kind, {**TINY.get(kind, {}), **values}))
        execute(workspace, run, lane="cpu", owner="cli")
        return run

    return carry


@pytest.fixture
def carry(workspace: Workspace) -> Carry:
    """Submit and carry out a run in the test's own workspace."""
    return carrier(workspace)


class Journey:
    """A workspace in which every step was done once, tiny; read-only.

    Attributes:
        workspace: It.
        dataset: The dataset's `name@version`.
        runs: The run of each kind.
    """

    def __init__(self, root: Path, folders: Path, nonleaf: Path) -> None:
        self.workspace = Workspace(root)
        carry = carrier(self.workspace)
        self.runs = {"import": carry("import", source=folders, name="leaves")}
        self.dataset: str = self.runs["import"].result()["dataset"]
        common = {"dataset": self.dataset}
        self.runs["lflseg"] = carry("lflseg", **common, nonleaf=str(nonleaf))
        self.runs["masks"] = carry("masks", **common, model=self.runs["lflseg"].id)
        masks = self.runs["masks"].id
        self.runs["leafgan"] = carry("leafgan", **common, b="rust", masks=masks, promote_as="healthy-to-rust")
        chain = ("healthy-to-rust",)
        self.runs["synthesize"] = carry("synthesize", **common, chain=chain, source="healthy", count=6)
        self.runs["export"] = carry("export", run=self.runs["synthesize"].id)
        self.runs["evaluate"] = carry("evaluate", **common, synthetic=(self.runs["synthesize"].id,))


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory, leaf_folders: Path, nonleaf_folder: Path) -> Journey:
    """See `Journey`."""
    return Journey(tmp_path_factory.mktemp("journey") / "workspace", leaf_folders, nonleaf_folder)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photographs; tests that need it skip without it."""
    folder = Path(os.environ.get("LEAF_SAMPLES", PROJECT_ROOT.parent / "shared" / "data"))
    if not (folder / "field" / "train.csv").exists():
        pytest.skip("no sample photographs; LEAF_SAMPLES may name their folder")
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Return a file of LFLSeg as LeafGAN publishes it, of a smaller ResNet."""
    import torch
    import torchvision

    torch.manual_seed(0)
    path = tmp_path / "LFLSeg_resnet18.pth"
    torch.save(torchvision.models.resnet18(num_classes=3).state_dict(), path)
    return path
