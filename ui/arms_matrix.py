"""A comparison at work: arms x seeds, filling in as each classifier is trained."""

import pandas as pd
import streamlit as st

from leafcore.evaluate.cells import cell_name
from leafcore.evaluate.result import Planned, read_planned
from leafcore.runs import ACTIVE, Run, open_run
from ui import cached, live
from ui.service import workspace


def working_box(run: Run) -> None:
    """Draw how a comparison goes: its progress, and what validation says of every classifier so far."""
    live.progress_panel(run, key="evaluate")
    st.fragment(_matrix, run_every=live.REFRESH if run.status().state in ACTIVE else None)(run.id)


def _matrix(run_id: str) -> None:
    run = open_run(workspace(), run_id)
    planned = read_planned(run.folder)
    if planned is None:
        return
    st.dataframe(matrix(run, planned), hide_index=True, alt="Arms and seeds, and how far each classifier is")
    st.caption(
        "Partial: best macro-F1 on validation so far. ✓ trained, ▶ at work; the test split is judged at the end."
    )


def matrix(run: Run, planned: Planned) -> pd.DataFrame:
    """Return a row per arm and a column per seed: done or at work, and the best score on validation so far."""
    curves = cached.curves(run)

    def told(arm: str, seed: int) -> str:
        name = cell_name(arm, seed)
        scores = curves.get(f"{name} val_macro_f1")
        best = "" if scores is None or scores.empty else f" {scores.max():.3f}"
        folder = run.folder / "cells" / name
        return f"✓{best}" if (folder / "test.npz").exists() else f"▶{best}" if folder.exists() else "·"

    return pd.DataFrame(
        {
            "arm": part.title,
            "train pictures": part.train_images,
            **{f"seed {seed}": told(arm, seed) for seed in planned.seeds},
        }
        for arm, part in planned.arms.items()
    )
