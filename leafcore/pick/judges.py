"""Which classifier judges the fakes of a translation. Free of torch, so that it is chosen before a run is queued."""

from collections.abc import Iterable, Iterator

from leafcore.checkpoints import Checkpoint, list_checkpoints, open_checkpoint
from leafcore.data.labels import split_labels
from leafcore.errors import NotFoundError
from leafcore.runs import list_runs
from leafcore.workspace import Workspace


def newest_judge(workspace: Workspace, dataset: str, label_sets: Iterable[str]) -> Checkpoint | None:
    """Return the newest classifier of a dataset version, at its best epoch, or None.

    Args:
        workspace: Where to look, in runs and among checkpoints.
        dataset: `name@version`: a classifier of another version may have learned from this one's validation pictures.
        label_sets: What it must be able to name.
    """
    wanted = list(label_sets)
    found = [one for one in _classifiers(workspace, dataset) if all(can_name(one, labels) for labels in wanted)]
    return max(found, key=lambda one: one.card.created, default=None)


def can_name(checkpoint: Checkpoint, labels: str) -> bool:
    """Whether a classifier can give a picture this label set."""
    known = set(checkpoint.card.description.get("labels", ()))
    several = bool(checkpoint.card.description.get("multi_label"))
    return set(split_labels(labels)) <= known if several else labels in known


def _classifiers(workspace: Workspace, dataset: str) -> Iterator[Checkpoint]:
    """Yield the classifiers of a dataset version: finished runs and checkpoints."""
    for run in list_runs(workspace, "classifier"):
        if run.record.settings["dataset"] == dataset and run.status().state == "done":
            try:
                yield open_checkpoint(workspace, f"{run.id}@{run.result()['best_epoch']}")
            except NotFoundError:
                continue  # its weights were removed since
    for checkpoint in list_checkpoints(workspace, "classifier"):
        if checkpoint.card.description.get("dataset") == dataset:
            yield checkpoint
