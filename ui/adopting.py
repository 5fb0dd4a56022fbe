"""The box that takes in weights which others published."""

import streamlit as st

from ui import forms, live


def adopt_box() -> None:
    """Draw the settings of taking weights in, what is being read, and how the last one ended."""
    with st.expander("Use published weights", icon=":material/deployed_code_update:"):
        run = forms.settings_form("adopt", "", submit_label="Add")
        if run is not None:
            st.session_state["adopt_run"] = run.id
        done = live.follow("adopt")
        if done is not None:
            result = done.result()
            st.caption(f":material/check: `{result['checkpoint']}` is here, a {result['backbone']}.")
