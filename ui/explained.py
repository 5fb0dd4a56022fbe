"""How a run ended, in words: why it failed, what is safe, what one press would mend."""

from typing import Any

import streamlit as st

from leafcore.continuing import goes_on, run_fixed
from leafcore.errors import LeafError
from leafcore.interruption import interruption
from leafcore.jobs import KINDS
from leafcore.progress import duration
from leafcore.runs import Failure, Run, Status
from leafcore.status import MADE_OF_RUNS
from leafcore.train.configs import RECIPES
from ui import cached, forms
from ui.links import form_link
from ui.places import path_of
from ui.service import workspace

KEEPING = {  # kinds that keep every picture, epoch or classifier they are through with
    "embed", "evaluate", "masks", "predict", "probes", "pseudo-label", "quality", "realfake", "score", "synthesize",
}  # fmt: skip


def failure_note(run: Run, status: Status, failure: Failure, key: str) -> None:
    """Draw why a run failed, what is kept of it, and what would mend it."""
    st.error(failure.message, icon=":material/error:")
    safe = kept(status, failure.epoch)
    if safe:
        st.caption(f":material/verified: {safe}")
    fix_buttons(run, status, failure.fix, key)


def interruption_note(run: Run, status: Status, key: str) -> None:
    """Draw why a run's process is gone, what is safe and what is lost, and what would mend it if a resume would not."""
    found = interruption(run, status)
    if found is None:
        return
    when = f" Last seen {cached.moment(status.heartbeat)}." if status.heartbeat else ""
    st.warning(f"{found.message}{when}", icon=":material/power_off:")
    epoch = f"Epoch {found.epoch} is kept. " if found.epoch else ""
    st.caption(f":material/verified: {epoch}{what_is_lost(status, run.kind)}")
    fix_buttons(run, status, found.fix, key)


def fix_buttons(run: Run, status: Status, fix: dict[str, Any], key: str) -> None:
    """Draw the two ways to begin again with what would mend a run: at once, or after a look at the settings."""
    if not fix:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        from_where = f", from step {status.safe:,}" if status.safe and goes_on(run, fix) else ""
        if st.button(
            f"Fix and run again: {in_words(run, fix)}{from_where}",
            type="primary",
            icon=":material/healing:",
            key=f"{key}-fix-{run.id}",
            help="Queues a new run with this changed.",
        ):
            try:
                fixed = run_fixed(workspace(), run)
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.switch_page(path_of("runs"), query_params={"run": fixed.id})
        if run.kind in RECIPES:
            st.page_link(
                path_of("train"),
                label="Review first",
                icon=":material/edit:",
                query_params=form_link(run, fix),
                help="Opens the settings with this change. What is queued there begins anew.",
            )


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


def what_is_lost(status: Status, kind: str) -> str:
    """Return what is safe and what a resume will do again.

    Args:
        status: How the run stands.
        kind: Its kind: a training counts what it saves; what others have finished lies in their folders, or in runs.
    """
    if status.safe:
        of = f" of {status.total:,}" if status.safe <= status.total else ""  # while loading, pictures are counted
        goes_on = "" if kind in RECIPES else " Resume goes on from there."
        return f"{status.safe:,}{of} steps are safe, {duration(status.lost_s)} lost.{goes_on}"
    if kind in MADE_OF_RUNS:
        return "Its finished steps are runs of their own, and stay. Resume goes on within the one that was cut short."
    if status.total and kind in KEEPING:
        return "What it has finished is kept. Resume goes on from there."
    return "Nothing of it was saved yet." if status.total and kind in RECIPES else "Resume begins it again."
