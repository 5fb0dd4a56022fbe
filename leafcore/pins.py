"""Looking weights up and pinning them, those too that an unfinished training run has yet to save."""

from leafcore.checkpoints import Checkpoint, epochs, open_checkpoint
from leafcore.runs import ACTIVE, Run
from leafcore.train.configs import RECIPES
from leafcore.workspace import Workspace

Pinned = tuple[str, Checkpoint | None, list[str]]


def pin(workspace: Workspace, ref: str) -> Pinned:
    """Look weights up.

    Returns:
        What a run records; the weights, or None if a run has yet to save them; and that run's id, or their origin's.

    Raises:
        NotFoundError: There is nothing by that name.
        CheckpointError: Its card is damaged, or it has other weights than the name says.
    """
    run_id = ref.partition("@")[0]
    promised = _promised_epoch(workspace, ref)
    if promised:
        return f"{run_id}@{promised}", None, [run_id]
    checkpoint = open_checkpoint(workspace, ref)
    origin = checkpoint.card.run
    return checkpoint.ref, checkpoint, [origin] if origin and workspace.run(origin).exists() else []


def _promised_epoch(workspace: Workspace, ref: str) -> int:
    """Return the epoch that a name means if an unfinished training run has yet to save it, else 0.

    A run's bare id means the last epoch that is saved; before there is one, the last that will be.
    """
    run_id, _, epoch = ref.partition("@")
    if "#" in ref or not is_pending(workspace, run_id):
        return 0
    run = Run(workspace.run(run_id))
    if run.kind not in RECIPES:
        return 0
    saved = max(epochs(run.folder), default=0)
    last = int(run.record.settings["epochs"]) + int(run.record.settings.get("epochs_decay", 0))
    wanted = int(epoch) if epoch.isdecimal() else 0 if epoch or saved else last
    return wanted if saved < wanted <= last else 0


def is_pending(workspace: Workspace, run_id: str) -> bool:
    """Whether a name is a run's that has yet to make what is asked of it."""
    folder = workspace.run(run_id)
    return (folder / "status.json").exists() and Run(folder).status().state in ACTIVE
