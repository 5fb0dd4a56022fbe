"""Checks of what a config names on the disk: files and folders become paths that mean the same in every process."""

import errno
import os
from pathlib import Path
from typing import Any

from leafcore.data.kaggle import kaggle_source
from leafcore.data.manifest import load
from leafcore.data.nonleaf import RENDERED
from leafcore.data.writing import require_target
from leafcore.errors import ConfigError, DatasetError
from leafcore.upstream.configs import require_weights_target
from leafcore.workspace import Workspace

Checked = tuple[Any, list[str]]  # what the run records, and the ids of the runs it uses


def check_folder(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look for a folder of pictures without a leaf, unless they are to be drawn."""
    del workspace, config
    if value == RENDERED:
        return value, []
    if not value.strip():
        raise ConfigError("nonleaf: empty, expected a folder of pictures without a leaf, or 'rendered'.")
    folder = absolute(value)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such folder.")
    return str(folder), []


def check_source(workspace: Workspace, config: Any, value: Path) -> Checked:
    """Look for what is to be imported, unless it is to be fetched."""
    del workspace, config
    if kaggle_source(value):
        return value, []
    source = absolute(value)
    if not source.exists():
        raise DatasetError(f"{source}: there is no such file or folder.")
    return source, []


def check_file(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look for a file, if one is named."""
    del workspace, config
    if not value.strip():
        return "", []
    file = absolute(value)
    if not file.is_file():
        raise DatasetError(f"{file}: there is no such file.")
    return str(file), []


def check_picture(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look for a picture: a file, or `RUN/FILE` of a synthetic set."""
    run_id, _, file = value.partition("/")
    is_named = bool(file) and Path(file).name == file and not value.startswith((".", "~"))
    made = workspace.runs / run_id / "images" / file
    if is_named and made.is_file():
        return str(made), [run_id]
    return check_file(workspace, config, value)


def check_saved(workspace: Workspace, config: Any, value: str) -> Checked:
    """Look for weights that other programs saved: a file, or a folder of files."""
    del workspace, config
    path = absolute(value)
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder.")
    return str(path), []


def absolute(path: str | Path) -> Path:
    """Return a path that means the same in every process: a worker's working folder is another one than a command's.

    Raises:
        DatasetError: No file could have that name.
    """
    try:
        found = Path(os.path.expanduser(path)).resolve()
        found.exists()
    except ValueError:  # a zero byte, or text that is no Unicode
        raise DatasetError(f"{str(path)!r}: no file can be called so.") from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise DatasetError(f"{str(path)[:80]}…: longer than a path may be.") from None
    return found


def check_target(workspace: Workspace, config: Any, value: Path) -> Checked:
    """Refuse a folder that a dataset cannot be written to."""
    target = absolute(value)
    require_target(load(workspace, config.dataset), target)
    return target, []


def check_weights_target(workspace: Workspace, config: Any, value: Path) -> Checked:
    """Refuse a folder that weights cannot be written to."""
    del workspace, config
    target = absolute(value)
    require_weights_target(target)
    return target, []
