"""A choice among runs that a link carries by id: titles change and repeat, ids do neither.

Streamlit's own `bind="query-params"` writes the shown title into the address, so this small twin of it writes the id.
"""

from collections.abc import Mapping

import streamlit as st


def choose(label: str, titles: Mapping[str, str], key: str, **options: object) -> str:
    """Draw a select box whose choice is part of the address.

    Args:
        label: Of the box.
        titles: What can be chosen, by id, with titles for people; the first is the default.
        key: Of the widget, and of the address.
        **options: Passed on to `st.selectbox`.

    Returns:
        The chosen id; the first one if the address names something that is not here any more, which is said.
    """
    wanted, applied = st.query_params.get(key), st.session_state.get(f"{key}_applied")
    if wanted is not None and wanted != applied:
        st.session_state[f"{key}_applied"] = wanted
        if wanted in titles:
            st.session_state[key] = wanted
        else:
            st.info(f"`{wanted}` is not here any more; this is the newest.", icon=":material/info:")

    def remember() -> None:
        st.query_params[key] = st.session_state[f"{key}_applied"] = st.session_state[key]

    return str(
        st.selectbox(
            label,
            list(titles),
            format_func=lambda choice: titles.get(choice, choice),
            key=key,
            on_change=remember,
            persist_state="session",
            **options,  # type: ignore[arg-type]
        )
    )
