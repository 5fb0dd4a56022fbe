"""The report of a comparison: made once, then downloaded as a page or as a ZIP with tables and replay."""

import streamlit as st

from leafcore.access import signed
from leafcore.progress import size
from leafcore.runs import Run
from ui import cached, forms, live
from ui.copying import copy_as


def report_buttons(comparison: Run) -> None:
    """Draw the buttons that make a comparison's report, or download the newest one."""
    values = {"run": comparison.id}
    for run in live.active_runs("report"):
        if run.record.settings["run"] == comparison.id:
            live.progress_panel(run, key="report")
            return
    made = next((run for run in cached.runs_of("report") if run.record.settings["run"] == comparison.id), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if made is not None:
            result = made.result()
            st.link_button(
                f"Download report ({size(result['bytes'])})",
                signed(f"/api/runs/{made.id}/report"),
                icon=":material/description:",
                help="One HTML page that opens without network.",
            )
            st.link_button(
                f"Tables and replay, ZIP ({size(result['zip_bytes'])})",
                signed(f"/api/runs/{made.id}/report.zip"),
                icon=":material/folder_zip:",
                help="The page, CSV tables, the model card, and a script that makes the numbers anew.",
            )
        label, kind = ("Make report", "secondary") if made is None else ("Make anew", "tertiary")
        pressed = st.button(label, type=kind, icon=":material/summarize:", key="report")  # type: ignore[arg-type]
        copy_as("report", values, "report")
    if made is not None:
        st.caption(":material/print: Print as PDF: open the page, then print it; it is laid out for A4.")
    if pressed and forms.queue("report", values):
        st.rerun()
