"""What can be trained: the facts of the chosen recipe, and those of all of them for who is still choosing."""

from collections.abc import Sequence

import streamlit as st

from leafcore.known import known_times
from leafcore.progress import duration
from leafcore.train.configs import RECIPES
from ui.service import workspace


def recipe_facts(chosen: str, presets: Sequence[str]) -> None:
    """Draw what a recipe makes, what it needs, and how long it takes on this machine; all others are folded away.

    Args:
        chosen: The recipe.
        presets: Whose times are named, in this order.
    """
    times = {
        name: "  ·  ".join(f"{preset} {duration(found[preset])}" for preset in presets if preset in found)
        for name, found in known_times(workspace()).items()
    }
    row = RECIPES[chosen]
    parts = [row.makes, f":material/database: {row.needs}"]
    parts += [f":material/timer: {times[chosen]}, measured on this machine"] if times.get(chosen) else []
    st.caption("  \n".join(parts))
    with st.expander("What each of them makes and needs", icon=":material/compare_arrows:"):
        for name, row in RECIPES.items():
            took = f" :material/timer: {times[name]}" if times.get(name) else ""
            st.markdown(f"**{row.title}**  \n{row.makes} :gray[:material/database: {row.needs}{took}]")
