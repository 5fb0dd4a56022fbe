"""Train again the models that come along in `checkpoints/`, on the sample leaves.

Run `python -m scripts.retrain`: an hour and a half on two cores, some minutes on a GPU. What was done is not done
again, so it may be stopped and started. The runs stay in `build/retrain`; the repository gets weights in 16 bits, their
cards, what they have seen, and a sample.
"""

import shutil
from typing import Any

import numpy as np

from leafcore.checkpoints import promote, require_free
from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.images import load_mask
from leafcore.jobs import build_config, choose_lane, execute, submit
from leafcore.journey import SAMPLE
from leafcore.masks.lflseg import open_lflseg
from leafcore.masks.maps import threshold
from leafcore.measure.masks import intersection_over_union
from leafcore.runs import Run, list_runs
from leafcore.terminal import TerminalProgress
from leafcore.train.device import resolve_device
from leafcore.workspace import PROJECT_ROOT, SHIPPED_CHECKPOINTS, Workspace

LFLSEG = "sample-lflseg"
DELTAS = tuple(step / 20 for step in range(1, 11))  # thresholds that are tried: 0.05 to 0.5
TRANSLATION = {  # generators that only add a change: cycle and identity losses would hold them at none
    "size_px": 128, "batch_size": 1, "disc_layers": 3, "precision": "bf16", "epochs": 15, "epochs_decay": 15,
    "save_every": 3, "log_every": 10, "upsampling": "resize", "residual": True, "blend": True, "ema_decay": 0.99,
    "weight_cycle": 1.0, "weight_identity": 0.1,
}  # fmt: skip
AIDED = {  # frog eye's small brown spots are seen only by a discriminator that is aided
    **TRANSLATION, "discriminator": "aided", "disc_filters": 32, "disc_layers": 2, "weight_cycle": 2.0,
    "weight_identity": 0.5, "epochs": 18, "epochs_decay": 18,
}  # fmt: skip
TRANSLATORS = {
    "sample-healthy-to-rust": {"b": "rust", **TRANSLATION},
    "sample-healthy-to-frog-eye": {"b": "frog_eye_leaf_spot", **AIDED},
}
CHOSEN = {
    "sample-healthy-to-rust": 24,
    "sample-healthy-to-frog-eye": 33,
}  # epochs that convince most, by eye, on validation pictures; else the last


def main() -> None:
    """Render, learn masks, train every translator, and put them where the application finds them."""
    workspace = Workspace(PROJECT_ROOT / "build" / "retrain")
    dataset = carry_out(workspace, "render", {"name": SAMPLE}).result()["dataset"]
    lflseg = carry_out(workspace, "lflseg", {"dataset": dataset}, LFLSEG)
    ship(workspace, lflseg, LFLSEG)
    delta = best_delta(workspace, dataset, lflseg)
    masks = carry_out(workspace, "masks", {"dataset": dataset, "model": lflseg.id, "delta": delta, "refine": "grabcut"})
    for name, settings in TRANSLATORS.items():
        made_of = {"dataset": dataset, "masks": masks.id, **settings}
        ship(workspace, carry_out(workspace, "leafgan", made_of, name), name)


def best_delta(workspace: Workspace, dataset: str, lflseg: Run) -> float:
    """Return the threshold whose masks fit the exact ones best, by mean IoU over the validation pictures alone."""
    leaves = load(workspace, dataset)
    records = leaves.select(split="val")
    looks = open_lflseg(workspace, lflseg.id, resolve_device("auto")).look(leaves.paths(records))
    fits = []
    for row, look in zip(leaves.rows(records), looks, strict=True):
        if look.cam is None:
            continue
        exact = load_mask(leaves.root / row["mask"])
        masks = [threshold(look.cam, delta, row["width"], row["height"]) for delta in DELTAS]
        fits.append([intersection_over_union(mask, exact) for mask in masks])
    return DELTAS[int(np.mean(fits, axis=0).argmax())]


def carry_out(workspace: Workspace, kind: str, settings: dict[str, Any], name: str = "") -> Run:
    """Return a finished run of these settings: one that is there, gone on with if it was stopped, or a new one.

    A run that is to be shipped needs its name free, or taken by what it made itself.
    """
    config, _ = check(workspace, build_config(kind, settings, "draft"))
    same = [run for run in list_runs(workspace, kind) if run.record.config_hash == config.digest()]
    if name:
        require_free(workspace, name, run_id=same[0].id if same else "")
    run = same[0] if same else submit(workspace, kind, config)
    if run.status().state != "done":
        with TerminalProgress(run.folder) as bar:
            execute(workspace, run, lane=choose_lane(run), owner="cli", echo=bar)
    return run


def ship(workspace: Workspace, run: Run, name: str) -> None:
    """Copy an epoch of a run into the repository: the chosen one, else the last."""
    promoted = promote(workspace, run.id, name, epoch=CHOSEN.get(name), half=True)
    shutil.copytree(promoted.folder, SHIPPED_CHECKPOINTS / name, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
