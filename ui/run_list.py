"""The runs there are: which, how they stand, how large; a row opens its run."""

from collections.abc import Sequence

import streamlit as st

from leafcore.jobs import KINDS
from leafcore.progress import duration
from leafcore.runs import Run, Status
from ui import cached, live


def run_list(runs: Sequence[Run]) -> None:
    """Draw some runs as a table that can be narrowed by kind and state.

    Args:
        runs: The newest first.
    """
    states = {run.id: run.status() for run in runs}
    with st.container(horizontal=True, gap="medium"):
        kinds = st.multiselect(
            "Kind",
            sorted({run.kind for run in runs}),
            key="kinds",
            bind="query-params",
            format_func=title_of,
            width=320,
        )
        wanted = st.multiselect(
            "State", sorted({status.state for status in states.values()}), key="states", bind="query-params", width=320
        )
    shown = [run for run in runs if (not kinds or run.kind in kinds) and (not wanted or states[run.id].state in wanted)]
    if not shown:
        st.caption("No run is of that kind and state.")
        return

    def open_row() -> None:
        rows = st.session_state["run_rows"].selection.rows
        if rows:
            st.query_params["run"] = shown[rows[0]].id

    st.dataframe(
        [_row(run, states[run.id]) for run in shown],
        column_config={
            "Run": st.column_config.TextColumn(width="medium"),
            "Done": st.column_config.ProgressColumn(format="percent"),
            "MB": st.column_config.NumberColumn(format="%.1f"),
        },
        hide_index=True,
        height=min(320, 38 + 35 * len(shown)),
        key="run_rows",
        on_select=open_row,
        selection_mode="single-row",
        alt="Runs; a click on a row opens its run below",
    )


def _row(run: Run, status: Status) -> dict[str, object]:
    return {
        "Run": run.record.title,
        "Kind": title_of(run.kind),
        "State": status.state,
        "Done": 1.0 if status.state == "done" else round(status.fraction, 2),
        "Left": "" if status.eta_s is None else f"{duration(status.eta_s)}{live.of_step(run)}",
        "MB": cached.size_bytes(run) / 1e6,
        "Queued": cached.when(run),
    }


def title_of(kind: str) -> str:
    """Return what a person calls a kind of run."""
    return KINDS[kind].title if kind in KINDS else kind
