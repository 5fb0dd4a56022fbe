"""The health of a dataset: what was found, shown, and what a person decides about it."""

import streamlit as st

from leafcore.data.fixes import exclude_odd
from leafcore.data.manifest import Dataset
from leafcore.data.traits import MEANING
from leafcore.health import HealthReport
from ui import cached, forms, live
from ui.copying import copy_as
from ui.decisions import decision_button, undo_button
from ui.twins import pairs_box


def health_box(dataset: Dataset) -> None:
    """Draw the newest health report of a version, and the way to the next."""
    working = live.active_runs("health")
    newest = cached.newest_health(dataset)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Check again" if newest else "Check health",
            type="secondary" if newest else "primary",
            icon=":material/health_and_safety:",
            key="check_health",
            disabled=bool(working),
        )
        copy_as("health", {"dataset": dataset.ref}, "health")
        if pressed and forms.queue("health", {"dataset": dataset.ref}):
            st.rerun()
        undo_button(dataset, "Undo the last decision", "undo_edit")
        st.caption("Looks for the same photograph under two names, for labels that disagree, and for odd files.")
    for run in working:
        live.progress_panel(run, key="health")
    if newest is not None:
        report = HealthReport.model_validate(newest.result()).as_of(dataset)
        _numbers(report)
        pairs_box(dataset, report)
        _odd_files(dataset, report)


def _numbers(report: HealthReport) -> None:
    with st.container(horizontal=True):
        st.metric("Conflicts", len(report.conflicts), border=True, help="The same file under different labels.")
        st.metric("Identical", len(report.identical), border=True, help="The same file twice.")
        st.metric("Near-duplicates", len(report.near_duplicates), border=True, help="The same photograph, saved again.")
        st.metric("Across splits", report.straddling, border=True, help="Pairs on different sides of a split.")
        st.metric("Odd files", sum(len(files) for files in report.traits.values()), border=True)
        st.metric("Unreadable", len(report.skipped), border=True)


def _odd_files(dataset: Dataset, report: HealthReport) -> None:
    """Draw the files that are odd in some way, each way with its fix, and those that cannot be read."""
    for trait, files in report.traits.items():
        with st.expander(f"{len(files)} {trait}: {MEANING.get(trait, '')}", icon=":material/report:"):
            st.dataframe([{"file": file} for file in files])
            label = f"Exclude all {len(files)}"
            decision_button(dataset, label, exclude_odd(dataset, trait), f"odd_{trait}", icon=":material/delete:")
    if report.skipped:
        with st.expander(f"{len(report.skipped)} unreadable", icon=":material/broken_image:"):
            st.dataframe([{"file": file.image, "why": file.reason} for file in report.skipped])
