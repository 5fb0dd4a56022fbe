"""How a model that draws from a prompt is to draw: the same widgets for a prompt and for steps of a chain."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from leafcore.denoising import PROMPT_GUIDANCE, PROMPT_STEPS, STRENGTH
from leafcore.prompts import PromptFacts
from leafcore.synthesize.configs import SynthesizeConfig
from ui.choose import choose_way
from ui.denoising import TITLES

FIELDS = SynthesizeConfig.model_fields
SLIDERS = {  # title, least, most, step, start
    "guidance": ("Guidance", 1.0, 20.0, 0.5, PROMPT_GUIDANCE),
    "lora_strength": ("LoRA strength", 0.0, 2.0, 0.05, 1.0),
    "strength": ("Strength", 0.05, 1.0, 0.05, STRENGTH),
}


def wish_settings(facts: PromptFacts, prefix: str = "prompt") -> dict[str, Any]:
    """Draw what is wanted of one model, and return it by the names of `synthesize`.

    Args:
        facts: What the model was taught.
        prefix: Of the widgets' keys, and so of what a link carries.
    """
    prompt = st.text_input("Prompt", placeholder=facts.prompt, key=prefix, bind="query-params")
    for token in facts.missing_tokens(prompt) if prompt else ():
        st.caption(f":orange[Without **{token}**, the word for what was taught.]")
    return {"prompt": prompt, **_how([facts], prefix)}


def step_settings(steps: Sequence[PromptFacts], prefix: str = "draw") -> dict[str, Any]:
    """Draw how the steps of a chain draw, all of them alike; return it by the names of `synthesize`.

    Args:
        steps: What the model of each was taught; at least one.
        prefix: Of the widgets' keys, and so of what a link carries.
    """
    with st.expander("Drawing", icon=":material/brush:"):
        if len(steps) == 1:
            settings = wish_settings(steps[0], prefix)
        else:
            st.caption("Each draws what it was taught: " + "; ".join(one.prompt for one in steps) + ".")
            settings = _how(steps, prefix)
        return {**settings, "strength": wish_slider("strength", prefix)}


def _how(steps: Sequence[PromptFacts], prefix: str) -> dict[str, Any]:
    """Draw all but the prompt and what is for sources."""
    negative = st.text_input("Not wanted", key=f"{prefix}_negative", bind="query-params")
    found: dict[str, Any] = {"negative": negative, "guidance": wish_slider("guidance", prefix)}
    found["sampling_steps"] = st.slider(
        "Steps",
        1,
        100,
        PROMPT_STEPS,
        key=f"{prefix}_steps",
        bind="query-params",
        help=FIELDS["sampling_steps"].description,
    )
    found["sampler"] = choose_way(
        "Sampler", list(TITLES), f"{prefix}_sampler", default="dpm-solver", format_func=TITLES.__getitem__
    )
    if any(one.method == "lora" for one in steps):
        found["lora_strength"] = wish_slider("lora_strength", prefix)
    return found


def wish_slider(name: str, prefix: str = "prompt") -> float:
    """Draw a setting."""
    title, least, most, step, start = SLIDERS[name]
    return st.slider(
        title, least, most, start, step, key=f"{prefix}_{name}", bind="query-params", help=FIELDS[name].description
    )
