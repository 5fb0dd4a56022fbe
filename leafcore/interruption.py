"""Why a run's process is gone although nobody asked it to end, as a typed failure with what would mend it."""

import psutil

from leafcore.checkpoints import epochs
from leafcore.jobs import KINDS
from leafcore.progress import size
from leafcore.remedies import remedy
from leafcore.runs import Failure, Run, Status

NEARLY_FULL = 0.1  # of what a run had and could still take; less than that left, and its memory was nearly full
LEAST_BYTES = 256 * 1024**2  # less than that left, whoever had the rest, and it was so too


def interruption(run: Run, status: Status, booted: float | None = None) -> Failure | None:
    """Return why a run is interrupted, judged by its last sign of life; None if it is not.

    Args:
        run: The run.
        status: How it stands.
        booted: When the machine started, in seconds since 1970; asked of the machine if not given.

    Returns:
        The failure `restarted` (nothing is to be changed), or `killed`: with the settings of a run with less memory, if
        that was nearly full, else with none, for a resume will do.
    """
    if status.state != "interrupted":
        return None
    saved = epochs(run.folder)
    epoch = saved[-1] if saved else 0
    if status.heartbeat is not None and status.heartbeat < (psutil.boot_time() if booted is None else booted):
        return Failure(code="restarted", message="The machine restarted.", epoch=epoch)
    if not was_nearly_full(status):
        return Failure(code="killed", message="Its process was killed from outside.", epoch=epoch)
    known = run.kind in KINDS
    fix = remedy("out_of_memory", KINDS[run.kind].config, run.record.settings) if known else {}
    message = (
        f"Its process was killed, probably because the memory was full: it held {size(status.memory_bytes or 0)}, "
        f"{size(status.free_bytes or 0)} were left."
    )
    return Failure(code="killed", message=message, fix=fix, epoch=epoch)


def was_nearly_full(status: Status) -> bool:
    """Whether there was hardly any memory left when a run last gave a sign of life."""
    if status.memory_bytes is None or status.free_bytes is None:
        return False
    return status.free_bytes < max(LEAST_BYTES, NEARLY_FULL * (status.memory_bytes + status.free_bytes))
