"""What a page shows, in its address, so that a refresh and a link find it again.

Streamlit makes an entry in the browser's history of each write, and one that comes before the browser has turned to
the page goes to the address of the page before. So what a script says of the address is written once, at its end.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

SAID = "address_said"  # in the session: what the running script has said so far


def say(**shown: object) -> None:
    """Let the address carry what the page shows, by parameter; a list repeats it. Callbacks write it themselves."""
    told = {name: value if isinstance(value, list) else str(value) for name, value in shown.items()}
    st.session_state.setdefault(SAID, {}).update(told)


@contextmanager
def written_at_the_end() -> Iterator[None]:
    """Write what is said meanwhile, also if the page stops; nothing if the visitor is led to another."""
    st.session_state[SAID] = {}
    try:
        yield
    except StopException:
        _write()
        raise
    _write()


def _write() -> None:
    said = st.session_state.pop(SAID, {})
    changed = {name: value for name, value in said.items() if st.query_params.get_all(name) not in (value, [value])}
    if changed:
        st.query_params.update(changed)
