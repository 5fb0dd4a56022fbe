"""The choice of the synthetic sets that a form is about; the form begins with the dataset that they were made for."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from leafcore.runs import Run
from ui import cached


def choose_sets(sets: Sequence[Run], kind: str, key: str, *, first: int = 1, **options: Any) -> list[str]:
    """Draw the choice; say where the form's dataset is not theirs.

    Args:
        sets: The runs that hold synthetic sets, newest first.
        kind: Of the form, whose dataset follows the choice until somebody chooses another.
        key: Of the widget.
        first: How many are chosen to begin with.
        **options: Passed on to `st.multiselect`.

    Returns:
        The ids of the chosen runs.
    """
    titles = cached.titles(sets)
    chosen = st.multiselect(
        "Synthetic sets", list(titles), default=list(titles)[:first], format_func=titles.get, key=key, **options
    )
    by_id = {run.id: run for run in sets}
    theirs = list(dict.fromkeys(cached.dataset_of(by_id[run_id]) for run_id in chosen))
    field, followed = f"{kind}-dataset", f"{kind}-dataset_of"
    if chosen and st.session_state.get(followed) != chosen:
        st.session_state[followed] = chosen
        there = [name for name in theirs if name in cached.dataset_names()]
        if there:
            st.session_state[field] = there[0]
    others = [name for name in theirs if name != st.session_state.get(field)]
    if others and field in st.session_state:
        made = "were made" if len(chosen) > 1 else "was made"
        which = ("Some of them" if len(theirs) > 1 else "They") if len(chosen) > 1 else "It"
        st.caption(
            f":material/info: {which} {made} for `{'`, `'.join(others)}`, not for `{st.session_state[field]}`, whose "
            "photographs are taken below."
        )
    return chosen
