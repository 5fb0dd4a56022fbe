"""How often a test split was opened. Every comparison is one more look at it, and looks add up: so they are counted."""

from pathlib import Path

from filelock import FileLock

from leafcore.data.manifest import Dataset
from leafcore.files import read_json, write_json
from leafcore.workspace import Workspace


def count_opening(workspace: Workspace, dataset: Dataset, run_id: str) -> int:
    """Note that a comparison opens a dataset version's test split; once, however often the comparison is resumed.

    The note lies beside the version: `datasets/<name>/<version>.opened.json`. An edited version's test split is that of
    the version it was edited from, but for the edits: what was noted there counts as well.

    Args:
        workspace: Where the dataset is.
        dataset: Whose test split.
        run_id: The comparison.

    Returns:
        How many comparisons have opened it, this one included.
    """
    folder = workspace.dataset(dataset.name)
    workspace.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.locks / f"opened-{dataset.name}.lock", is_singleton=False):
        opened = _noted(folder, dataset.version)
        if run_id not in opened:
            write_json(_note(folder, dataset.version), {"comparisons": [*opened, run_id]})
        family = _family(folder, dataset.version)
        return len({comparison for version in family for comparison in _noted(folder, version)})


def _family(folder: Path, version: str) -> list[str]:
    """Return a version and those it was edited from."""
    found: list[str] = []
    while version not in found and (card := folder / f"{version}.json").exists():
        found.append(version)
        version = str(read_json(card).get("parent", ""))
    return found


def _note(folder: Path, version: str) -> Path:
    return folder / f"{version}.opened.json"


def _noted(folder: Path, version: str) -> list[str]:
    try:
        comparisons: list[str] = read_json(_note(folder, version))["comparisons"]
        return comparisons
    except FileNotFoundError:
        return []
