"""How well masks fit the exact ones of composites: leaves pasted over photographs, none of which LFLSeg has seen.

Prints JSON; writes the ten worst test pictures as a sheet (picture, heat map, refined mask, exact mask). LFLSeg learns
from orchard photographs, drawn leaves, and photographs without a leaf other than the composites' backgrounds. The
composites are halved so that no leaf and no background is in both halves; the best threshold is that of the validation
half, and everything is reported for the test half. The claim: refined masks reach a mean IoU of at least 0.85 there.
Ten minutes on two cores with weights at hand, an hour and a half without.

    python -m benchmarks.mask_quality [--data ../shared/data] [--workspace PATH --model RUN] [--sheet worst.png]
"""

import argparse
import csv
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from leafcore.cli import TerminalProgress
from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.data.mask_sets import PLAIN, REFINED, Refinement
from leafcore.data.rendered import plan_images, render_leaf
from leafcore.files import write_bytes
from leafcore.images import encode_png, load_mask, load_square, overlay_mask, sheet
from leafcore.jobs import execute, submit
from leafcore.masks.configs import DELTA
from leafcore.masks.lflseg import open_lflseg
from leafcore.masks.maps import heat_overlay
from leafcore.masks.refine import refine
from leafcore.measure.masks import boundary_f, intersection_over_union
from leafcore.measure.stats import group_means
from leafcore.threads import in_order
from leafcore.train.configs import LFLSegConfig
from leafcore.workspace import Workspace

SIDE = 256  # px of the composites
DRAWN = 700  # leaves drawn beside the photographs
DELTAS = np.arange(0.05, 1.0, 0.05).round(2)
CLAIM = 0.85
PREFIXES = ("imagenet_", "bsds_")  # of files of `nonleaf`, before the name that the composites' table has


@dataclass(frozen=True)
class Composite:
    """A picture, where its exact leaf is, what LFLSeg sees in it, and what it was put together from."""

    name: str
    picture: np.ndarray
    exact: np.ndarray
    cam: np.ndarray
    group: int
    background: str


# --- LFLSeg -----------------------------------------------------------------------------------------------------------


def train(data: Path, workspace: Workspace, epochs: int, steps: int) -> str:
    """Train LFLSeg on what holds no leaf and no background of the composites; return the run's id."""
    with (data / "apple_field.csv").open() as table:
        used = {Path(row["background_source"]).stem for row in csv.DictReader(table)}
    pictures, others = workspace.root / "mixed", workspace.root / "nonleaf"
    for file in (data / "field" / "train_images").iterdir():
        link(file, pictures / "field" / file.name)
    for file in (data / "nonleaf").iterdir():
        stem = file.stem
        for prefix in PREFIXES:
            stem = stem.removeprefix(prefix)
        if stem not in used:
            link(file, others / file.name)
    for plan in plan_images(DRAWN, seed=0):
        leaf = render_leaf(plan.labels, SIDE, leaf_seed=plan.leaf_seed, view_seed=plan.view_seed)
        write_bytes(pictures / "rendered" / plan.name, encode_png(leaf.image))
    with TerminalProgress(workspace.root) as progress:
        import_dataset(ImportConfig(source=pictures, name="mixed"), workspace, progress)
        config = LFLSegConfig.build(
            {"dataset": "mixed", "nonleaf": str(others), "size_px": 224, "epochs": epochs, "max_steps_per_epoch": steps}
        )
        run = submit(workspace, "lflseg", config)
        execute(workspace, run, lane="cpu", owner="cli", echo=progress)
    return run.id


def link(file: Path, to: Path) -> None:
    """Put a file in a folder without copying it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if not to.exists():
        to.symlink_to(file.resolve())


# --- composites -------------------------------------------------------------------------------------------------------


def composites(data: Path, workspace: Workspace, model: str) -> list[Composite]:
    """Return all composites as LFLSeg sees them."""
    with (data / "apple_field.csv").open() as table:
        rows = list(csv.DictReader(table))
    groups = groups_of([row["leaf_source"] for row in rows], [row["background_source"] for row in rows])
    paths = [data / "apple_field" / row["image"] for row in rows]
    looks = open_lflseg(workspace, model, torch.device("cpu")).look(paths)
    return [
        Composite(
            name=row["image"],
            picture=load_square(path, SIDE),
            exact=load_mask(data / "apple_field_mask" / row["mask"]),
            cam=look.cam if look.cam is not None else np.zeros((7, 7), np.float32),
            group=int(group),
            background=row["background"],
        )
        for row, path, look, group in zip(rows, paths, looks, groups, strict=True)
    ]


def groups_of(leaves: list[str], backgrounds: list[str]) -> np.ndarray:
    """Return a group per picture, (N,) int: pictures that share a leaf or a background are in one."""
    count = len(leaves)
    _, first = np.unique(leaves, return_inverse=True)
    _, second = np.unique(backgrounds, return_inverse=True)
    nodes = count + np.concatenate([first, second + first.max() + 1])  # after the pictures, what they are made of
    edges = (np.ones(2 * count), (np.tile(np.arange(count), 2), nodes))
    size = int(nodes.max()) + 1
    return np.asarray(connected_components(coo_matrix(edges, (size, size)), directed=False)[1][:count])


def halves(shown: list[Composite], seed: int) -> tuple[list[Composite], list[Composite]]:
    """Return a validation and a test half that share no group."""
    order = np.random.default_rng(seed).permutation(np.unique([one.group for one in shown]))
    validation = set(order[: len(order) // 2].tolist())
    return [one for one in shown if one.group in validation], [one for one in shown if one.group not in validation]


# --- scores -----------------------------------------------------------------------------------------------------------


def masks(shown: list[Composite], delta: float, refinement: Refinement) -> list[np.ndarray]:
    """Return the masks of composites."""
    return list(in_order(lambda one: refine(one.picture, one.cam, delta, refinement).mask, shown, ahead=16))


def scores(shown: list[Composite], found: list[np.ndarray]) -> np.ndarray:
    """Return IoU and boundary F of each mask, (N, 2)."""
    pairs = [(mask, one.exact) for mask, one in zip(found, shown, strict=True)]
    return np.array([[intersection_over_union(*pair), boundary_f(*pair)] for pair in pairs])


def told(shown: list[Composite], values: np.ndarray) -> dict[str, object]:
    """Return mean scores with their intervals, and IoU by kind of background."""
    means = group_means(values, [str(one.group) for one in shown]).round(3)
    kinds = sorted({one.background for one in shown})
    by_kind = {
        kind: [value[0] for value, one in zip(values, shown, strict=True) if one.background == kind] for kind in kinds
    }
    return {
        "images": len(shown),
        "iou": means[0, 0],
        "iou_interval": means[1:, 0].tolist(),
        "iou_median": round(float(np.median(values[:, 0])), 3),
        "boundary_f": means[0, 1],
        "boundary_f_interval": means[1:, 1].tolist(),
        "empty_heat_maps": sum(not one.cam.any() for one in shown),
        "under_0.5": round(float((values[:, 0] < 0.5).mean()), 3),
        "iou_by_background": {kind: round(float(np.mean(part)), 3) for kind, part in by_kind.items()},
    }


def draw_worst(shown: list[Composite], found: list[np.ndarray], values: np.ndarray, target: Path) -> list[str]:
    """Write the ten worst pictures as a sheet; return their names with their IoU, the worst first."""
    worst = np.argsort(values[:, 0], kind="stable")[:10]
    rows = []
    for index in worst:
        one = shown[index]
        drawn = [overlay_mask(one.picture, mask) for mask in (found[index], one.exact)]
        rows.append([one.picture, heat_overlay(one.picture, one.cam), *drawn])
    write_bytes(target, encode_png(sheet([first + second for first, second in zip(rows[:5], rows[5:], strict=True)])))
    return [f"{shown[index].name}: {values[index, 0]:.2f}" for index in worst]


def main() -> None:
    """Train if there are no weights, look, threshold, refine, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--workspace", type=Path, help="Where LFLSeg is, or is to be trained (default: nowhere kept).")
    parser.add_argument("--model", help="A run or checkpoint of LFLSeg; trained first if none is named.")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=90, help="Steps of an epoch.")
    parser.add_argument("--seed", type=int, default=0, help="Of the halves.")
    parser.add_argument("--sheet", type=Path, default=Path("worst_masks.png"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as nowhere:
        workspace = Workspace(asked.workspace or nowhere)
        model = asked.model or train(asked.data, workspace, asked.epochs, asked.steps)
        validation, test = halves(composites(asked.data, workspace, model), asked.seed)
    sweep = [scores(validation, masks(validation, float(delta), PLAIN))[:, 0].mean() for delta in DELTAS]
    best = float(DELTAS[int(np.argmax(sweep))])
    plain, tuned = (scores(test, masks(test, delta, PLAIN)) for delta in (DELTA, best))
    found = masks(test, DELTA, REFINED)
    refined = scores(test, found)
    answer = {
        "model": model,
        "best_delta_of_validation": best,
        "plain_at_0.35": told(test, plain),
        "plain_at_best": told(test, tuned),
        "refined_at_0.35": told(test, refined),
        "worst": draw_worst(test, found, refined, asked.sheet),
        "sheet": str(asked.sheet),
        "claim_met": bool(refined[:, 0].mean() >= CLAIM),
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
