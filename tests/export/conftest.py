"""A dataset, and synthetic sets of every kind written by hand: no network is trained, none is loaded."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data.ledger import Ledger
from leafcore.data.manifest import Card, Dataset, save
from leafcore.data.mask_sets import MaskCard, mask_path, save_card
from leafcore.data.synthetic_sets import PNG_KEY, ChainStep, Provenance, PseudoLabelled, Vote
from leafcore.export.configs import ExportConfig
from leafcore.export.export import ExportResult, export
from leafcore.files import write_bytes
from leafcore.images import encode_png
from leafcore.runs import Run, create_run
from leafcore.workspace import Workspace
from tests.conftest import draw_leaf
from tests.watcher import Watcher

SIZE_PX = 32
STEP = ChainStep(checkpoint="to-rust", recipe="leafgan", run="trained", epoch=7, weights_sha256="cd")
VOTE = Vote(teacher="teacher", weights_sha256="ef", labels="scab", probability=0.9)
# file, labels, split
REALS = (
    ("healthy/a.png", "healthy", "train"),
    ("healthy/b.png", "healthy", "train"),
    ("both/a.png", "rust scab", "train"),
    ("rust/c.png", "rust", "val"),
    ("rust/d.png", "rust", "test"),
)


def leaf_mask(width: int, height: int) -> np.ndarray:
    """Return an oblong that touches no edge: (H, W) bool."""
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 4 : height // 2, width // 8 : -width // 8] = True
    return mask


@dataclass
class Shelf:
    """A workspace with a dataset, a mask set, and a synthetic set of each kind."""

    workspace: Workspace
    dataset: Dataset
    masks: Run
    sets: dict[str, Run]

    def export(self, folder: Path, made: str, **settings: Any) -> ExportResult:
        """Export a set into a folder."""
        return export(self.config(made, **settings), self.workspace, Watcher(folder))

    def config(self, made: str, **settings: Any) -> ExportConfig:
        """Return the settings of a set's export."""
        return ExportConfig(run=self.sets[made].id, **settings)


def write_dataset(workspace: Workspace, root: Path) -> Dataset:
    """Write photographs 48 px wide and 40 high, and import them by hand."""
    rows = []
    for number, (image, labels, split) in enumerate(REALS):
        picture = draw_leaf(labels, seed=number)[:40]
        write_bytes(root / image, encode_png(picture))
        rows.append({
            "image": image, "labels": labels, "group": f"leaf-{number}", "split": split, "width": 48, "height": 40,
            "sha256": hashlib.sha256((root / image).read_bytes()).hexdigest(),
            "bytes": (root / image).stat().st_size, "mask": "", "phash": f"{number:016x}",
        })  # fmt: skip
    card = Card(
        root=str(root), source=str(root), format="folders", license="CC-BY-4.0", created=0, settings={"seed": 3}
    )
    return save(workspace, "leaves", pd.DataFrame(rows), card)


def write_masks(workspace: Workspace, dataset: Dataset) -> Run:
    """Write a mask for each photograph but one."""
    run = create_run(workspace, "masks", ExportConfig(run="any"))
    kept = dataset.records[dataset.records["image"] != "healthy/b.png"]
    for image in kept["image"]:
        write_bytes(mask_path(run.folder, image), encode_png(leaf_mask(48, 40).astype(np.uint8) * 255))
    card = MaskCard(dataset=dataset.ref, delta=0.4, model="m", model_sha256="m", skipped={"healthy/b.png": "damaged"})
    save_card(run.folder, card)
    return run


def write_set(workspace: Workspace, kind: str, rows: list[dict[str, Any]], of: type[Provenance] = Provenance) -> Run:
    """Write a synthetic set as its verb does."""
    run = create_run(workspace, kind, ExportConfig(run="any"), title="Leaves made")
    ledger = Ledger(run.folder)
    for number, values in enumerate(rows):
        row = of.model_validate({
            "file": f"{number:06d}-ab.png", "label_rule": "given", "source": "", "source_sha256": "",
            "source_labels": "", "group": f"g{number}", "split": "train", "chain": (STEP,), "size_px": SIZE_PX,
            "seed": number, "run": run.id, "config_hash": "12", "code_version": "0.1.0", "source_license": "",
            "weights_license": "MIT", **values,
        })  # fmt: skip
        content = encode_png(draw_leaf(row.labels, 100 + number, SIZE_PX), {PNG_KEY: row.model_dump_json()})
        write_bytes(run.folder / "images" / row.file, content)
        ledger.append(row, hashlib.sha256(content).hexdigest(), f"{number:016x}")
    ledger.write_tables()
    run.finish("done")
    return run


def translated(dataset: Dataset, image: str, **values: Any) -> dict[str, Any]:
    """Return the recipe of a translation."""
    source = dataset.records.set_index("image").loc[image]
    told = {"source": image, "source_sha256": source["sha256"], "source_labels": "healthy", "group": source["group"]}
    return {**told, "labels": "rust", "dataset": dataset.ref, "source_license": dataset.card.license, **values}


@pytest.fixture(scope="session")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """See `Shelf`; read-only."""
    root = tmp_path_factory.mktemp("shelf")
    workspace = Workspace(root / "workspace")
    dataset = write_dataset(workspace, root / "photos")
    masks = write_masks(workspace, dataset)
    sources, named = ("healthy/a.png", "healthy/b.png"), {"masks": masks.id, "chain": (STEP, STEP)}
    vote = {"votes": (VOTE,), "min_confidence": 0.75}
    noise = {"dataset": dataset.ref, "labels": ""}
    sets = {
        "chain": write_set(workspace, "synthesize", [translated(dataset, image, **named) for image in sources]),
        "noise": write_set(workspace, "synthesize", [noise, noise, noise]),
        "taught": write_set(workspace, "pseudo-label", [{**noise, "labels": "scab", **vote}] * 2, PseudoLabelled),
        "leaked": write_set(workspace, "synthesize", [translated(dataset, "rust/d.png", split="test")]),
        "nameless": write_set(workspace, "synthesize", [{"dataset": "", "labels": "rust"}]),
        "stranger": write_set(workspace, "synthesize", [{"dataset": "elsewhere@1", "labels": "rust scab"}]),
    }
    return Shelf(workspace, dataset, masks, sets)


@pytest.fixture
def own_shelf(shelves: Shelf, tmp_path: Path) -> Shelf:
    """A copy that a test may damage; the photographs stay where they are."""
    shutil.copytree(shelves.workspace.root, tmp_path / "own")
    own = Workspace(tmp_path / "own")
    sets = {name: Run(own.run(run.id)) for name, run in shelves.sets.items()}
    return Shelf(own, shelves.dataset, shelves.masks, sets)


def decoded(path: Path) -> np.ndarray:
    """Return a picture's pixels."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
