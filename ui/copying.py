"""The same without a browser: the command and the request that mean what a page's button does."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from leafcore.errors import LeafError
from leafcore.flags import command_of, request_of, told
from leafcore.jobs import build_config

LABEL = "Copy as CLI / curl"
ICON = ":material/terminal:"


def copy_as(kind: str, values: Mapping[str, Any], key: str, *, disabled: bool = False) -> None:
    """Draw what opens the command and the request of a button.

    Args:
        kind: A key of `KINDS`.
        values: The settings that the button would queue.
        key: Of the widget.
        disabled: Whether the button is.
    """
    with st.popover(LABEL, icon=ICON, type="tertiary", key=f"copy-{key}", disabled=disabled):
        if not disabled:
            snippets(kind, values)


def snippets(kind: str, values: Mapping[str, Any]) -> None:
    """Draw the command and the request; what is wrong with the settings instead, if something is."""
    try:
        config = build_config(kind, {name: value for name, value in values.items() if value is not None})
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    given = told(kind, config)
    st.code(command_of(kind, given), language="bash", wrap_lines=True)
    st.code(request_of(kind, given, _server()), language="bash", wrap_lines=True)


def _server() -> str:
    """Return where the visitor's browser found the server."""
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else "http://localhost:8501"
