"""The box that takes in weights which others published."""

import streamlit as st

from ui import cached, forms, live


def adopt_box() -> None:
    """Draw the settings of taking weights in, what is being read, and how the last one ended."""
    with st.expander("Use published weights", icon=":material/deployed_code_update:"):
        run = forms.settings_form("adopt", "", submit_label="Add")
        if run is not None:
            st.session_state["adopt_run"] = run.id
        for working in live.active_runs():
            if working.kind == "adopt":
                live.progress_panel(working, key="adopt")
        ended = [*cached.runs_of("adopt"), *cached.runs_of("adopt", state="failed")]
        newest = next((run for run in ended if run.id == st.session_state.get("adopt_run")), None)
        if newest is None:
            return
        if newest.status().failure is not None:
            live.progress_panel(newest, key="adopt")
            return
        result = newest.result()
        st.caption(f":material/check: `{result['checkpoint']}` is here, a {result['backbone']}.")
