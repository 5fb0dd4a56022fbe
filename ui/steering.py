"""What can be asked of a run: pause, stop, end, resume; and once it has ended: go on from it, or delete it."""

from collections.abc import Callable

import streamlit as st

from leafcore.continuing import EXTENDABLE, again, extend, next_seeds
from leafcore.errors import LeafError
from leafcore.files import size_bytes
from leafcore.jobs import KINDS
from leafcore.lanes import end_at_once
from leafcore.lineage import lineage_of
from leafcore.progress import size
from leafcore.runs import ACTIVE, RESUMABLE, Run, Status
from leafcore.train.configs import RECIPES
from leafcore.trash import delete_run, empty_trash, in_trash, restore_run
from ui.links import form_link
from ui.places import path_of
from ui.service import workspace


def buttons(run: Run, status: Status, key: str) -> None:
    """Draw what can be asked of a run now; each button says what follows."""
    if status.state == "queued":
        _button("Cancel", "close", f"{key}-stop-{run.id}", "Takes it out of the queue.", run.request_stop)
    if status.state == "running":
        _button(
            "Pause",
            "pause",
            f"{key}-pause-{run.id}",
            "Saves, then waits; keeps its place in the queue for Resume.",
            lambda: run.request_stop("pause"),
        )
        _button("Stop", "stop", f"{key}-stop-{run.id}", "Saves, then ends; it can be resumed.", run.request_stop)
    if status.state in {"running", "stopping"}:
        with st.popover("End now", icon=":material/bolt:", key=f"{key}-end-{run.id}"):
            st.caption(_cost(run, status))
            _button("End without saving", "bolt", f"{key}-kill-{run.id}", None, lambda: end_at_once(run))
    if status.state in RESUMABLE:
        _button("Resume", "play_arrow", f"{key}-resume-{run.id}", "Goes on from what was saved.", run.requeue)


def _cost(run: Run, status: Status) -> str:
    if run.kind not in RECIPES and not status.safe:
        return "Ends at once. What lies in its folder stays."
    return f"Ends at once. A resume goes back to step {status.safe:,}: {max(0, status.done - status.safe):,} are lost."


def _button(label: str, icon: str, key: str, note: str | None, request: Callable[[], object]) -> None:
    if st.button(label, icon=f":material/{icon}:", key=key, help=note):
        ask(request)


def ask(request: Callable[[], object]) -> None:
    """Ask for something, then draw the page anew; what is in the way is said in a line."""
    try:
        request()
    except LeafError as error:
        st.toast(str(error), icon=":material/error:")
    else:
        st.rerun()


def more(run: Run) -> None:
    """Draw what can be made of a run: a new one from its settings, more epochs, room on the disk."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.kind in RECIPES:
            st.page_link(
                path_of("train"),
                label="New run from this one",
                icon=":material/content_copy:",
                query_params=form_link(run),
            )
            _again(run)
        if run.status().state in ACTIVE:
            return
        if issubclass(KINDS[run.kind].config, EXTENDABLE) and (run.folder / "state.pt").exists():
            _extend(run)
        _delete(run)


def _again(run: Run) -> None:
    with st.popover("Other seeds", icon=":material/casino:", key=f"again-{run.id}"):
        st.caption("The same training from the start, once per seed: so a comparison sees how much the seed matters.")
        count = st.number_input("Runs", 1, 10, 2, key=f"again-count-{run.id}")
        seeds = next_seeds(workspace(), run, int(count))
        if st.button(
            f"Queue seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}",
            type="primary",
            key=f"again-queue-{run.id}",
        ):
            try:
                queued = again(workspace(), run, seeds)
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.switch_page(path_of("runs"), query_params={"run": queued[0].id})


def _extend(run: Run) -> None:
    with st.popover("Extend", icon=":material/more_time:", key=f"extend-{run.id}"):
        epochs = st.number_input("More epochs", 1, 10_000, 10, key=f"extend-epochs-{run.id}")
        if run.record.settings.get("epochs_decay"):
            st.caption("They are trained at the full learning rate; then it falls again.")
        if st.button("Queue", type="primary", key=f"extend-queue-{run.id}"):
            try:
                longer = extend(workspace(), run, int(epochs))
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.switch_page(path_of("runs"), query_params={"run": longer.id})


def _delete(run: Run) -> None:
    with st.popover("Delete", icon=":material/delete:", key=f"delete-{run.id}"):
        needed_by = lineage_of(workspace(), run).direct
        if needed_by:
            st.caption("It is needed by " + ", ".join(f"{node.what} {node.title}" for node in needed_by) + ".")
        else:
            st.caption(f"Frees {size(size_bytes(run.folder))} once the trash is emptied.")
        _button_if(not needed_by, "Move to the trash", f"delete-run-{run.id}", lambda: delete_run(workspace(), run))


def _button_if(enabled: bool, label: str, key: str, request: Callable[[], object]) -> None:
    if st.button(label, key=key, disabled=not enabled):
        ask(request)


def trash_note() -> None:
    """Draw the run that was deleted last, with the way back; and the end of all that were."""
    deleted = in_trash(workspace())
    if not deleted:
        return
    last = max(deleted, key=lambda run: run.folder.stat().st_ctime)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f":material/delete: {last.record.title} is in the trash.")
        _button("Undo", "undo", f"restore-{last.id}", None, lambda: restore_run(workspace(), last.id))
        with st.popover("Empty the trash", icon=":material/delete_forever:", key="empty-trash"):
            runs = "1 run" if len(deleted) == 1 else f"{len(deleted)} runs"
            st.caption(f"Removes {runs} for good, {size(size_bytes(workspace().trash))}.")
            _button("Remove for good", "delete_forever", "empty-trash-now", None, lambda: empty_trash(workspace()))
