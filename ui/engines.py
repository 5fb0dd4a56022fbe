"""What can be trained: a card for each recipe."""

from collections.abc import Sequence

import streamlit as st

from leafcore.known import known_times
from leafcore.progress import duration
from leafcore.train.configs import RECIPES
from ui.service import workspace

CARD_PX = 184  # four in a row of a laptop, and the other three below


def engine_cards(chosen: str, presets: Sequence[str]) -> None:
    """Draw what each recipe makes, what it needs, and how long it takes on this machine.

    Args:
        chosen: The recipe that is marked.
        presets: Whose times are named, in this order.
    """
    known = known_times(workspace())
    with st.grid(len(RECIPES), min_column_width=CARD_PX, gap="small"):
        for name, row in RECIPES.items():
            with st.container(border=True, gap="xsmall", height="stretch"):
                mark = ":primary[:material/check_circle:] " if name == chosen else ""
                st.markdown(f"{mark}**{row.title}**")
                st.caption(row.makes)
                st.caption(f":material/database: {row.needs}")
                found = known.get(name, {})
                times = [f"{preset} {duration(found[preset])}" for preset in presets if preset in found]
                if times:
                    st.caption(f":material/timer: {'  ·  '.join(times)}", help="Measured on this machine.")
