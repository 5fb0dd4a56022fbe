"""What is asked of a diffusion model in the Studio: how strongly it keeps to the class, how noise is taken away."""

from typing import Any

import streamlit as st

from leafcore.denoising import AUTO_GUIDANCE, AUTO_STEPS, GUIDANCE, SAMPLER, SAMPLING_STEPS, nearest_steps
from leafcore.noise import NoiseFacts
from ui.choose import choose_way

GUIDANCES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
STEPS = (5, 10, 15, 20, 30, 50, 100, 200)
TITLES = {"dpm-solver": "DPM-Solver++", "ddim": "DDIM"}


def denoising_settings(facts: NoiseFacts) -> dict[str, Any]:
    """Draw how a diffusion model makes its pictures, and return it by the names of `synthesize`."""
    settings: dict[str, Any] = {}
    if facts.classes:
        settings["guidance"] = st.select_slider(
            "Guidance",
            GUIDANCES,
            value=AUTO_GUIDANCE,
            format_func=lambda strength: f"{strength:g}",
            key="guidance",
            bind="query-params",
            help=GUIDANCE.description,
        )
    sampler = choose_way(
        "Sampler",
        list(TITLES),
        "sampler",
        default="dpm-solver",
        format_func=TITLES.__getitem__,
        help=SAMPLER.description,
    )
    steps = sorted({nearest_steps(sampler, count, facts.timesteps) for count in STEPS})
    if len(steps) == 1:  # nothing to choose from
        return {**settings, "sampler": sampler}
    settings["sampling_steps"] = st.select_slider(
        "Steps",
        steps,
        value=nearest_steps(sampler, AUTO_STEPS[sampler], facts.timesteps),
        key=f"sampling_steps_{sampler}",
        bind="query-params",
        help=SAMPLING_STEPS.description,
    )
    return {**settings, "sampler": sampler}
