"""The queue: what you see is the order in which it runs."""

import time
from datetime import time as Clock
from zoneinfo import ZoneInfo

import streamlit as st

from leafcore.jobs import choose_lane
from leafcore.progress import duration
from leafcore.queue import cancel_pending, expectations, hold_until, move, next_time, queue, queue_left, waits_for
from leafcore.runs import Run
from ui import cached
from ui.service import workspace
from ui.steering import ask

REFRESH = "2s"


def queue_box() -> None:
    """Draw the runs that wait, with what changes their order; nothing if none waits."""
    waiting = bool(queue(workspace()))
    if waiting:
        st.fragment(_box, run_every=REFRESH)()


def _box() -> None:
    waiting = queue(workspace())
    if not waiting:
        st.rerun()
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/format_list_numbered: **Queue** · {_whole()}")
            st.space("stretch")
            if st.button("Cancel all waiting", key="queue-cancel", help="What runs goes on."):
                ask(lambda: cancel_pending(workspace()))
        expected = expectations(workspace())
        for number, run in enumerate(waiting):
            _row(number, run, expected.get(run.id), is_last=number == len(waiting) - 1)


def _whole() -> str:
    left_s, unknown = queue_left(workspace())
    known = f"about {duration(left_s)} in all" if left_s else ""
    not_known = f"{unknown} of unknown length" if unknown else ""
    return " + ".join(part for part in (known, not_known) if part)


def _row(number: int, run: Run, expected: float | None, *, is_last: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{number + 1}. {run.record.title} :small[:gray[{_facts(run, expected)}]]", width="stretch")
        with st.container(horizontal=True, width="content", gap="small"):  # they wrap together
            for where, icon, note, off in (
                ("next", "vertical_align_top", "Run next", number == 0),
                ("up", "arrow_upward", "Move up", number == 0),
                ("down", "arrow_downward", "Move down", is_last),
            ):
                if st.button(
                    "",
                    icon=f":material/{icon}:",
                    key=f"queue-{where}-{run.id}",
                    help=note,
                    disabled=off,
                    type="tertiary",
                ):
                    ask(lambda where=where: move(workspace(), run, where))
            _hold(run)
            if st.button("", icon=":material/close:", key=f"queue-stop-{run.id}", help="Cancel", type="tertiary"):
                ask(run.request_stop)


def _facts(run: Run, expected: float | None) -> str:
    parts = [choose_lane(run), f"about {duration(expected)}" if expected is not None else ""]
    held = run.status().not_before
    if held and held > time.time():
        parts.append(f"not before {cached.moment(held)}")
    if waits_for(workspace(), run):
        parts.append("waits for another run")
    return "  ·  ".join(part for part in parts if part)


def _hold(run: Run) -> None:
    with st.popover(
        "", icon=":material/schedule:", key=f"queue-hold-{run.id}", help="Start at a set hour", type="tertiary"
    ):
        clock = st.time_input("Not before", Clock(22, 0), key=f"queue-clock-{run.id}", step=900)
        if st.button("Set", key=f"queue-set-{run.id}", type="primary"):
            zone = ZoneInfo(st.context.timezone or "UTC")
            ask(lambda: hold_until(run, next_time(f"{clock:%H:%M}", zone)))
        if run.status().not_before and st.button("Start as soon as possible", key=f"queue-free-{run.id}"):
            ask(lambda: hold_until(run, None))
