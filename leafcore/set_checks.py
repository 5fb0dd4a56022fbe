"""Looking up who judges synthetic sets, before a run is made of it; see `checks.py`."""

from typing import Any

from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import CheckpointError
from leafcore.path_checks import Checked
from leafcore.pick.configs import AUTO, NO_JUDGE
from leafcore.pick.judges import can_name, newest_judge
from leafcore.pins import is_pending, pin
from leafcore.workspace import Workspace


def check_set_judge(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose the judge of synthetic sets now, so that a run that waits or resumes has the same one.

    Raises:
        CheckpointError: It is no classifier, or cannot name what the sets show.
    """
    if value == NO_JUDGE:
        return value, []
    there = [run_id for run_id in config.synthetic if not is_pending(workspace, run_id)]
    shown = {str(one) for run_id in there for one in open_synthetic_set(workspace, run_id).manifest["labels"]} - {""}
    if value == AUTO:
        found = newest_judge(workspace, load(workspace, config.dataset).ref, shown) if shown else None
        if found is None:
            return NO_JUDGE, []
        value = found.ref
    ref, checkpoint, used = pin(workspace, value)
    if checkpoint is not None and checkpoint.card.recipe != "classifier":
        raise CheckpointError(f"judge: {value} is a {checkpoint.card.recipe} model, expected a classifier.")
    unknown = [] if checkpoint is None else [one for one in sorted(shown) if not can_name(checkpoint, one)]
    if unknown:
        raise CheckpointError(f"judge: {value} cannot name {' or '.join(unknown)}; choose a classifier that can.")
    return ref, used
