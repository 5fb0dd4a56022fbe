"""A new comparison: which synthetic sets, which arms, which doses; then the settings of the classifiers."""

from typing import Any, get_args

import streamlit as st

from leafcore.evaluate.configs import ARM_TITLES, BASELINE, EvaluateConfig, Heuristic
from leafcore.runs import Run
from ui import forms
from ui.choose_sets import choose_sets
from ui.presets import choose_preset

DOSES = (25, 50, 100, 200, 300, 400)
POOLING = {"pooled": "Together", "each": "One arm each", "both": "Both"}
FIELDS = EvaluateConfig.model_fields


def new_comparison_box(sets: list[Run]) -> Run | None:
    """Draw the choice and the form; return the queued run, right after the press.

    Args:
        sets: The runs that hold synthetic sets, newest first.
    """
    kept: dict[str, Any] = {"persist_state": "session"}
    chosen = choose_sets(sets, "evaluate", "sets", **kept)
    arms = [arm for arm in ARM_TITLES if arm != BASELINE]
    first = [arm for arm in FIELDS["arms"].default if arm != BASELINE]
    compared = st.pills(
        "Compared with real pictures alone", arms, selection_mode="multi", default=first, key="eval_arms",
        format_func=ARM_TITLES.get, help=FIELDS["arms"].description, **kept,
    )  # fmt: skip
    pooling = "pooled"
    if len(chosen) > 1:
        pooling = st.segmented_control(
            "Several sets", list(POOLING), default="pooled", required=True, key="eval_pooling",
            format_func=POOLING.get, help=FIELDS["pooling"].description, **kept,
        )  # fmt: skip
    with st.grid(2, min_column_width=300):
        doses = st.pills(
            "Doses", DOSES, selection_mode="multi", key="eval_doses", format_func=lambda dose: f"{dose} %",
            help=FIELDS["doses"].description, **kept,
        )  # fmt: skip
        rules = st.pills(
            "Rules", get_args(Heuristic), selection_mode="multi", key="eval_rules",
            help=FIELDS["heuristics"].description, **kept,
        )  # fmt: skip
    preset = choose_preset(EvaluateConfig, "eval_preset")
    fixed = {
        "synthetic": tuple(chosen),
        "arms": (BASELINE, *compared),
        "pooling": pooling,
        "doses": tuple(sorted(doses)),
        "heuristics": tuple(rules),
    }
    return forms.settings_form("evaluate", preset, fixed=fixed, submit_label="Run comparison")
