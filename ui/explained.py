"""How a run ended, in words: why it failed, what is safe, what one press would mend."""

from typing import Any

import psutil
import streamlit as st

from leafcore.continuing import run_fixed
from leafcore.errors import LeafError
from leafcore.jobs import KINDS
from leafcore.progress import duration
from leafcore.runs import Failure, Run, Status
from ui import cached, forms
from ui.places import path_of
from ui.service import workspace


def failure_note(run: Run, status: Status, failure: Failure, key: str) -> None:
    """Draw why a run failed, what is kept of it, and a button that queues it again with what would mend it."""
    st.error(failure.message, icon=":material/error:")
    safe = kept(status, failure.epoch)
    if safe:
        st.caption(f":material/verified: {safe}")
    if failure.fix:
        from_where = f", from step {status.safe:,}" if status.safe else ""
        if st.button(
            f"Fix and run again: {in_words(run, failure.fix)}{from_where}",
            type="primary",
            icon=":material/healing:",
            key=f"{key}-fix-{run.id}",
            help="Queues a new run with this one setting changed.",
        ):
            try:
                fixed = run_fixed(workspace(), run)
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.switch_page(path_of("runs"), query_params={"run": fixed.id})


def in_words(run: Run, fix: dict[str, Any]) -> str:
    """Return changed settings for people: "Learning rate 0.0002 → 0.0001"."""
    fields = KINDS[run.kind].config.model_fields
    before = run.record.settings
    return ", ".join(
        f"{forms.label_of(name, fields[name])} {before.get(name)} → {value}" for name, value in fix.items()
    )


def kept(status: Status, epoch: int = 0) -> str:
    """Return what a resume need not do again."""
    parts = [f"epoch {epoch} is kept"] if epoch else []
    if status.safe:
        parts.append(f"{status.safe:,} of {status.total:,} steps are safe")
    return ", ".join(parts).capitalize() + "." if parts else ""


def interruption_note(status: Status) -> None:
    """Draw why a run's process is gone, what is safe and what is lost."""
    st.warning(f"{why_interrupted(status, psutil.boot_time())} {what_is_lost(status)}", icon=":material/power_off:")


def why_interrupted(status: Status, booted: float) -> str:
    """Return what became of a run's process, judged by its last sign of life and the machine's start."""
    if status.heartbeat is not None and booted > status.heartbeat:
        return f"The machine restarted at {cached.moment(booted)}."
    when = f" at {cached.moment(status.heartbeat)}" if status.heartbeat else ""
    return f"Its process was ended from outside{when}: killed, or for want of memory."


def what_is_lost(status: Status) -> str:
    """Return what is safe and what a resume will do again."""
    if not status.safe:
        return "Nothing of it was saved yet." if status.total else "Resume begins it again."
    return f"{status.safe:,} of {status.total:,} steps are safe, {duration(status.lost_s)} lost."
