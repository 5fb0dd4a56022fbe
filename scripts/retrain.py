"""Train again the models that come along in `checkpoints/`, on the sample leaves.

Run `python -m scripts.retrain`: three hours on two cores, some minutes on a GPU. What was done is not done again, so it
may be stopped and started. The runs stay in `build/retrain`; the repository gets weights in 16 bits, their cards, what
they have seen, and a sample.
"""

import shutil
from typing import Any

from leafcore.checkpoints import promote
from leafcore.cli import TerminalProgress
from leafcore.jobs import build_config, choose_lane, execute, submit
from leafcore.journey import SAMPLE
from leafcore.runs import Run, list_runs
from leafcore.workspace import PROJECT_ROOT, SHIPPED_CHECKPOINTS, Workspace

DELTA = 0.2  # a draft's heat maps are wide: of the thresholds tried, the best IoU with the exact masks
TRANSLATION = {"size_px": 128, "disc_layers": 3, "precision": "bf16", "save_every": 5}
TRANSLATORS = {
    "sample-healthy-to-rust": {"b": "rust", "epochs": 60, "epochs_decay": 60},
    "sample-healthy-to-frog-eye": {"b": "frog_eye_leaf_spot", "epochs": 40, "epochs_decay": 40},
}


def main() -> None:
    """Render, learn masks, train every translator, and put them where the application finds them."""
    workspace = Workspace(PROJECT_ROOT / "build" / "retrain")
    dataset = carry_out(workspace, "render", {"name": SAMPLE}).result()["dataset"]
    lflseg = carry_out(workspace, "lflseg", {"dataset": dataset})
    ship(workspace, lflseg, "sample-lflseg")
    masks = carry_out(workspace, "masks", {"dataset": dataset, "model": lflseg.id, "delta": DELTA})
    for name, settings in TRANSLATORS.items():
        run = carry_out(workspace, "leafgan", {"dataset": dataset, "masks": masks.id, **TRANSLATION, **settings})
        ship(workspace, run, name)


def carry_out(workspace: Workspace, kind: str, settings: dict[str, Any]) -> Run:
    """Return a finished run of these settings: one that is there, gone on with if it was stopped, or a new one."""
    config = build_config(kind, settings, "draft")
    same = [run for run in list_runs(workspace, kind) if run.record.config_hash == config.digest()]
    run = same[0] if same else submit(workspace, kind, config)
    if run.status().state != "done":
        with TerminalProgress(run.folder) as bar:
            execute(workspace, run, lane=choose_lane(run), owner="cli", echo=bar)
    return run


def ship(workspace: Workspace, run: Run, name: str) -> None:
    """Copy a run's last epoch into the repository."""
    promoted = promote(workspace, run.id, name, half=True)
    shutil.copytree(promoted.folder, SHIPPED_CHECKPOINTS / name, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
