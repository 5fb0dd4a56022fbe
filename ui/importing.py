"""The import box: pictures come in from a folder."""

import streamlit as st

from ui import cached, forms, live


def import_box(*, expanded: bool) -> None:
    """Draw what brings a dataset in.

    Args:
        expanded: Whether it stands open, as it does while there is no dataset.
    """
    with st.expander("Import a dataset", icon=":material/upload:", expanded=expanded):
        st.caption(
            "Pictures are read where they lie and never copied. Choose a folder that holds one folder per class, or "
            "one with Plant Pathology 2021's train.csv (image, labels) and its images."
        )
        imported = forms.settings_form("import", "", submit_label="Import")
        if imported is not None:
            st.session_state["import_run"] = imported.id
        importing = [run for run in live.active_runs() if run.kind == "import"]
        for run in importing:
            live.progress_panel(run, key="import")
        latest = cached.runs_of("import", state="failed")[:1]
        if latest and not importing and latest[0].id == st.session_state.get("import_run"):
            live.progress_panel(latest[0], key="import")
