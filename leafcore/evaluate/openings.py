"""How often a test split was opened. Every comparison is one more look at it, and looks add up: so they are counted."""

from pathlib import Path

from filelock import FileLock

from leafcore.data.manifest import Dataset, read_card, versions
from leafcore.files import read_json, write_json
from leafcore.workspace import Workspace


def count_opening(workspace: Workspace, dataset: Dataset, run_id: str) -> int:
    """Note that a comparison opens a dataset version's test split; once, however often the comparison is resumed.

    The note lies beside the version: `datasets/<name>/<version>.opened.json`. Versions that were edited from one
    another have much of their test split in common: what was noted of any of them counts as well.

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
        family = _family(workspace, dataset)
        return len({comparison for version in family for comparison in _noted(folder, version)})


def _family(workspace: Workspace, dataset: Dataset) -> set[str]:
    """Return a version, those it was edited from, those edited from any of them, and so on."""
    parents = {
        version: read_card(workspace, dataset.name, version).parent for version in versions(workspace, dataset.name)
    }
    family, grown = set[str](), {dataset.version}
    while grown != family:
        family = grown
        children = {version for version, parent in parents.items() if parent in family}
        grown = family | children | ({parents.get(version, "") for version in family} - {""})
    return family


def _note(folder: Path, version: str) -> Path:
    return folder / f"{version}.opened.json"


def _noted(folder: Path, version: str) -> list[str]:
    try:
        comparisons: list[str] = read_json(_note(folder, version))["comparisons"]
        return comparisons
    except FileNotFoundError:
        return []
