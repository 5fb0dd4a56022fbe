"""Checks of what names a trained classifier, and of what it is to look at."""

from typing import Any

from leafcore.errors import CheckpointError, DatasetError
from leafcore.path_checks import Checked, absolute
from leafcore.pins import pin
from leafcore.runs import Run
from leafcore.workspace import Workspace


def check_classifier(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look up a classifier; a run's bare id means its best epoch once it is done."""
    del config
    ref, checkpoint, used = pin(workspace, best_epoch_of(workspace, value))
    if checkpoint is not None and checkpoint.card.recipe != "classifier":
        raise CheckpointError(f"model: {value} is a {checkpoint.card.recipe} model, expected a classifier.")
    return ref, used


def best_epoch_of(workspace: Workspace, ref: str) -> str:
    """Return `run@epoch` for the bare id of a finished training run, of its best epoch; any other name as it is."""
    folder = workspace.run(ref)
    if "@" in ref or "#" in ref or not (folder / "config.json").exists():
        return ref
    best = Run(folder).result().get("best_epoch")
    return f"{ref}@{best}" if best else ref


def check_pictures(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look for a picture or a folder of pictures."""
    del workspace, config
    if not value.strip():
        return "", []
    path = absolute(value)
    if not path.exists():
        raise DatasetError(f"path: {path} is not there; expected a picture, or a folder of pictures.")
    return str(path), []
