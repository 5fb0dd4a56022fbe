"""The commands that steer runs: stop, extend, repeat, fix, delete, empty the trash, and the order of the queue."""

from collections.abc import Callable
from typing import Any, get_args

from leafcore.continuing import again, extend, run_fixed
from leafcore.errors import ConfigError
from leafcore.files import size_bytes
from leafcore.lanes import end_at_once
from leafcore.queue import Move, cancel_pending, expectations, hold_until, move, next_time, queue
from leafcore.runs import Run, open_run
from leafcore.trash import delete_run, empty_trash, restore_run
from leafcore.workspace import Workspace

Answer = dict[str, Any]


def add_steering(command: Callable[..., Any]) -> None:
    """Add the commands to the parser.

    Args:
        command: Adds one and returns its parser, given its name, a summary, and what it calls.
    """
    added = command("stop", "Ask a run to save and end.", _stop)
    added.add_argument("run", metavar="RUN")
    how = added.add_mutually_exclusive_group()
    how.add_argument("--pause", action="store_true", help="It keeps its place in the queue for when it is resumed.")
    how.add_argument("--now", action="store_true", help="End it without saving; it goes back to its last saved state.")
    added = command("extend", "Queue a run that trains a translation for more epochs.", _extend)
    added.add_argument("run", metavar="RUN")
    added.add_argument("--epochs", type=int, required=True, metavar="N", help="How many more, at the full rate.")
    added = command("again", "Queue a training again from the start, with other seeds.", _again)
    added.add_argument("run", metavar="RUN")
    added.add_argument("--seeds", required=True, metavar="N[,N...]", help="A run for each: 1,2.")
    added = command("fix", "Queue a failed run again, with the settings that its failure asks for.", _fix)
    added.add_argument("run", metavar="RUN")
    added = command("delete", "Move a run into the trash, unless something was made of it.", _delete)
    added.add_argument("run", metavar="RUN")
    added.add_argument("--undo", action="store_true", help="Take it out of the trash again.")
    command("empty-trash", "Remove the deleted runs for good; frees the disk.", _empty_trash)
    _add_queue(command("queue", "Show the runs that wait, in the order in which they run; change it.", _queue))


def _add_queue(parser: Any) -> None:
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--next", metavar="RUN", help="Run this one next.")
    change.add_argument("--up", metavar="RUN", help="Let this one change places with the one before.")
    change.add_argument("--down", metavar="RUN", help="Let this one change places with the one after.")
    change.add_argument("--cancel-pending", action="store_true", help="Stop all that wait; what runs goes on.")
    change.add_argument("--hold", metavar="RUN", help="Let this one begin no earlier than at --until.")
    parser.add_argument("--until", metavar="HH:MM", help="The next time that the clock shows this; now, if not given.")


def _stop(arguments: Any, workspace: Workspace) -> Answer:
    run = open_run(workspace, arguments.run)
    if arguments.now:
        return {**_named(run), "state": "stopped", "units_to_do_again": end_at_once(run)}
    run.request_stop("pause" if arguments.pause else "user")
    return {**_named(run), "state": run.status().state}


def _extend(arguments: Any, workspace: Workspace) -> Answer:
    return _named(extend(workspace, open_run(workspace, arguments.run), arguments.epochs))


def _again(arguments: Any, workspace: Workspace) -> Answer:
    parts = [part.strip() for part in arguments.seeds.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ConfigError(f"seeds: got {arguments.seeds!r}, expected whole numbers with commas between them: 1,2.")
    runs = again(workspace, open_run(workspace, arguments.run), [int(part) for part in parts])
    return {"runs": [{**_named(run), "title": run.record.title} for run in runs]}


def _fix(arguments: Any, workspace: Workspace) -> Answer:
    return _named(run_fixed(workspace, open_run(workspace, arguments.run)))


def _delete(arguments: Any, workspace: Workspace) -> Answer:
    if arguments.undo:
        return _named(restore_run(workspace, arguments.run))
    run = open_run(workspace, arguments.run)
    size = size_bytes(run.folder)
    return {"run": run.id, "path": str(delete_run(workspace, run)), "bytes": size}


def _empty_trash(arguments: Any, workspace: Workspace) -> Answer:
    del arguments
    return {"bytes": empty_trash(workspace)}


def _queue(arguments: Any, workspace: Workspace) -> Answer:
    if arguments.cancel_pending:
        return {"stopped": [run.id for run in cancel_pending(workspace)]}
    if arguments.hold:
        hold_until(open_run(workspace, arguments.hold), next_time(arguments.until) if arguments.until else None)
    for where in get_args(Move):
        if chosen := getattr(arguments, where):
            move(workspace, open_run(workspace, chosen), where)
    expected = expectations(workspace)
    rows = [{"run": run.id, "title": run.record.title, "about_s": expected.get(run.id)} for run in queue(workspace)]
    return {"queue": rows}


def _named(run: Run) -> Answer:
    return {"run": run.id, "path": str(run.folder)}
