"""What moves while something runs: the status strip, and the progress of a run. Timers stop when nothing runs."""

import time

import streamlit as st

from leafcore import devices
from leafcore.journey import SAMPLE
from leafcore.lanes import server_of
from leafcore.progress import duration
from leafcore.runs import ACTIVE, Run, State, Status, list_runs, open_run
from leafcore.status import MADE_OF_RUNS
from leafcore.train.configs import RECIPES
from ui import explained, steering
from ui.places import path_of
from ui.service import workspace

REFRESH = "2s"
STALE_S = 30.0
COLORS: dict[State, str] = {
    "queued": "blue",
    "running": "green",
    "stopping": "orange",
    "done": "gray",
    "failed": "red",
    "stopped": "orange",
    "paused": "orange",
    "interrupted": "orange",
}
ICONS: dict[State, str] = {
    "queued": ":material/schedule:",
    "running": ":material/autorenew:",
    "stopping": ":material/hourglass_bottom:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "stopped": ":material/stop_circle:",
    "paused": ":material/pause_circle:",
    "interrupted": ":material/power_off:",
}


def active_runs(*kinds: str) -> list[Run]:
    """Return what runs or waits, of some kinds or of all if none is named, the oldest first."""
    runs = (run for run in reversed(list_runs(workspace())) if not kinds or run.kind in kinds)
    return [run for run in runs if run.status().state in ACTIVE]


def status_strip() -> None:
    """Draw the machine's state under the navigation: device, running, queue, disk."""
    st.fragment(_strip, run_every=REFRESH if active_runs() else None)(bool(active_runs()))


def _strip(was_busy: bool) -> None:
    active = active_runs()
    if was_busy and not active:
        st.rerun()
    gpus = devices.gpus()
    for gpu in gpus:
        st.caption(f":material/memory: {gpu.name}: {gpu.used_bytes / 1e9:.1f} of {gpu.total_bytes / 1e9:.0f} GB")
    if not gpus:
        st.caption(":material/memory: No GPU: runs use the CPU, at preview sizes.")
    running = [run for run in active if run.status().state != "queued"]
    for run in running[:2]:
        status = run.status()
        st.progress(status.fraction, text=f"{run.record.title}: {_brief(run, status)}")
    waiting = len(active) - len(running)
    free = devices.free_disk_bytes(workspace().root) / 1e9
    if active:
        st.page_link(
            path_of("runs"),
            label=f"{len(running)} at work, {waiting} waiting",
            icon=":material/list:",
            query_params={"run": (running or active)[0].id},
        )
    st.caption(f":material/hard_drive: {free:.0f} GB free")


def _brief(run: Run, status: Status) -> str:
    if status.eta_s is None:
        return f"{status.fraction:.0%}" if status.total else status.phase
    return f"{status.fraction:.0%}, {duration(status.eta_s)} left{of_step(run)}"


def progress_panel(run: Run, *, key: str = "panel") -> None:
    """Draw a run's progress, live while it lasts; the page is drawn anew once when it ends."""
    state = run.status().state
    live = state in ACTIVE
    st.fragment(_panel, run_every=REFRESH if live else None)(run.id, state, key)


def _panel(run_id: str, drawn_state: State, key: str) -> None:
    run = open_run(workspace(), run_id)
    status = run.status()
    if drawn_state in ACTIVE and status.state not in ACTIVE:
        st.rerun()
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{run.record.title}**")
            st.badge(status.state, icon=ICONS[status.state], color=COLORS[status.state])
            st.space("stretch")
            steering.buttons(run, status, key)
        _facts(run, status, key)


def _facts(run: Run, status: Status, key: str) -> None:
    """Draw phase, done and total, rate, elapsed, time left, and how old the news is."""
    if status.state in ACTIVE:
        st.progress(status.fraction, text="  ·  ".join([status.phase or "waiting in the queue", *counted(run, status)]))
        parts = []
        if status.started:
            parts.append(f"{duration(time.time() - status.started)} elapsed")
        if status.seconds_per_unit:
            parts.append(rate(status.seconds_per_unit, unit_of(run)))
        if status.eta_s is not None:
            parts.append(f"about {duration(status.eta_s)} left{of_step(run)}{split(status)}")
        age = time.time() - status.heartbeat if status.heartbeat else 0.0
        parts.append(f"updated {age:.0f} s ago" if age < STALE_S else f":orange[no news for {duration(age)}]")
        st.caption("  ·  ".join(parts))
    elif status.failure is not None:
        explained.failure_note(run, status, status.failure, key)
    elif status.state == "interrupted":
        explained.interruption_note(run, status, key)
    elif status.state in {"paused", "stopped"}:
        for done in counted(run, status):
            st.caption(f"{done} done")
    for warning in status.warnings:
        st.caption(f":material/warning: {warning}")


def counted(run: Run, status: Status) -> list[str]:
    """Return how much of a run is done, "1,419 of 4,464 steps", if that is known."""
    return [f"{status.done:,} of {status.total:,}{unit_of(run)}"] if status.total else []


def rate(seconds_per_unit: float, unit: str = "") -> str:
    """Return how fast work goes, "2.5 steps per second", or "12 s each" where a unit takes longer than a second.

    Args:
        seconds_per_unit: Above 0.
        unit: What is counted, with a space before it, if it has a name.
    """
    slow = f" per{unit.removesuffix('s')}" if unit else " each"
    return (
        f"{1 / seconds_per_unit:.1f}{unit} per second" if seconds_per_unit <= 1 else f"{seconds_per_unit:.1f} s{slow}"
    )


def unit_of(run: Run) -> str:
    """Return what the progress of a run is counted in, if it has a name: " steps" of a training."""
    return " steps" if run.kind in RECIPES else ""


def of_step(run: Run) -> str:
    """Return " of this step" of a run that is made of runs: how long those to come take is not known."""
    return " of this step" if run.kind in MADE_OF_RUNS else ""


def split(status: Status) -> str:
    """Return what the time left goes to, where it is more than one thing: " (8 min stepping, 20 s saving)"."""
    parts = [f"{duration(seconds)} {what}" for what, seconds in status.eta_parts.items() if seconds >= 1]
    return f" ({', '.join(parts)})" if len(parts) > 1 else ""


def other_server() -> None:
    """Say that another server works on this workspace, if one does."""
    import os

    holder = server_of(workspace())
    if holder is not None and holder["pid"] != os.getpid():
        since = time.strftime("%H:%M", time.localtime(holder["since"]))
        st.warning(
            f"Another Leaf Workbench (process {holder['pid']}, since {since}) works on this workspace. What you queue "
            "here is carried out there.",
            icon=":material/group:",
        )


def sample_run() -> Run | None:
    """Return the run that draws the sample dataset right now, if one does."""
    drawing = (run for run in active_runs("render") if run.record.settings["name"] == SAMPLE)
    return next(drawing, None)


def sample_is_drawn() -> bool:
    """Whether the sample dataset is being drawn right now; says so if it is."""
    drawing = sample_run()
    if drawing is not None:
        st.caption("The sample leaves are being drawn.")
        progress_panel(drawing, key="sample")
    return drawing is not None


def follow(kind: str) -> Run | None:
    """Draw the runs of a kind that are at work, and how the one that was queued on this visit failed, if it did.

    Args:
        kind: A key of `KINDS`; the id of what was queued is in the session under `<kind>_run`.

    Returns:
        The run that was queued on this visit, once it is done.
    """
    for run in active_runs(kind):
        progress_panel(run, key=kind)
    asked = st.session_state.get(f"{kind}_run")
    queued = next((run for run in list_runs(workspace(), kind) if run.id == asked), None)
    if queued is None:
        return None
    state = queued.status().state
    if state == "failed":
        progress_panel(queued, key=kind)
    return queued if state == "done" else None
