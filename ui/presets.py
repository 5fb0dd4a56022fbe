"""The choice of a preset: the same names on every page, and what the chosen one is for."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from leafcore.config import Config
from ui.choose import choose_way

TITLES = {"wgan-gp": "WGAN-GP", "128px": "128 px", "small-data": "Small data"}


def preset_title(name: str) -> str:
    """Return what people call a preset."""
    return TITLES.get(name, name.capitalize())


def choose_preset(config: type[Config], key: str, *, default: str = "draft", **options: Any) -> str:
    """Draw the presets of a config and what the chosen one is for, where its name does not say.

    Args:
        config: Whose presets.
        key: Of the widget.
        default: The one that is chosen to begin with.
        **options: Passed on to `st.segmented_control`.

    Returns:
        The chosen preset's name.
    """
    presets: Sequence[str] = list(config.PRESETS)
    told = [f"{preset_title(name)}: {config.PURPOSES[name]}." for name in presets if name in config.PURPOSES]
    chosen = choose_way(
        "Preset",
        presets,
        key,
        default=default,
        format_func=preset_title,
        help="  \n".join(told) or None,
        **{"bind": None, **options},
    )
    if chosen in config.PURPOSES:
        st.caption(f"{preset_title(chosen)}: {config.PURPOSES[chosen]}.")
    return chosen
