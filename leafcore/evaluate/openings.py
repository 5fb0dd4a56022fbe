"""How often test pictures were looked at. Every look is one more chance to choose by them: so looks are counted.

```
openings/<key>.json                     {"test": SHA-256 of the pictures, "versions": name@version, "runs": ids}
datasets/<name>/<version>.opened.json   the same in older workspaces: {"comparisons": ids}
```

What counts is which pictures are looked at, under whatever name: a thinned copy of a dataset is judged by the test
pictures of the whole one. Two test splits that share half the pictures of the smaller one are counted as one, and so
are those of versions that were edited from one another.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from leafcore.data.manifest import Dataset, list_datasets, load, read_card, versions
from leafcore.errors import DatasetError, NotFoundError
from leafcore.files import read_json, write_json
from leafcore.workspace import Workspace

OLDER = ".opened.json"


@dataclass(frozen=True)
class Opening:
    """A test split that was looked at.

    Attributes:
        test: The SHA-256 of its pictures.
        versions: The dataset versions, `name@version`, whose test split it is.
        runs: The runs that looked.
    """

    test: frozenset[str]
    versions: frozenset[str]
    runs: frozenset[str]


def count_opening(workspace: Workspace, dataset: Dataset, run_id: str) -> int:
    """Note that a run looks at a dataset version's test split; once, however often the run is resumed.

    Args:
        workspace: Where the dataset is.
        dataset: Whose test split.
        run_id: The run.

    Returns:
        How many runs have looked at these pictures, this one included; see the module.
    """
    test = _test_of(dataset)
    file = workspace.openings / f"{hashlib.sha256(' '.join(sorted(test)).encode()).hexdigest()[:32]}.json"
    family = {f"{dataset.name}@{version}" for version in _family(workspace, dataset)}
    workspace.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.locks / "openings.lock", is_singleton=False):
        noted = _read(file) if file.exists() else Opening(test, frozenset(), frozenset())
        if run_id not in noted.runs or dataset.ref not in noted.versions:
            told = {"versions": noted.versions | {dataset.ref}, "runs": noted.runs | {run_id}, "test": test}
            write_json(file, {key: sorted(values) for key, values in told.items()})
        openings = [*_noted(workspace), *_noted_before(workspace, family)]
    alike = [one for one in openings if one.versions & family or _are_one(one.test, test)]
    return len(frozenset[str]().union(*(one.runs for one in alike)))


def count_shown(workspace: Workspace, paths: Sequence[Path], run_id: str) -> int:
    """Note that a run looks at files, where any is a test picture of a dataset: by its content, or its place.

    Args:
        workspace: Where the datasets are.
        paths: The files; what cannot be read is nobody's test picture.
        run_id: The run.

    Returns:
        How many runs have looked at the test split that was looked at most, this one included; 0: none is among them.
    """
    shown = {path.resolve() for path in paths if path.is_file()}
    hashes: set[str] = set()
    counts = [0]
    for name in list_datasets(workspace):
        try:
            dataset = load(workspace, name)
        except (DatasetError, NotFoundError):  # damaged: nothing to be looked at
            continue
        records = dataset.select(split="test")
        hashes = hashes or {_sha256(path) for path in shown}
        if not hashes.isdisjoint(records["sha256"]) or not shown.isdisjoint(dataset.paths(records)):
            counts.append(count_opening(workspace, dataset, run_id))
    return max(counts)


def _are_one(first: frozenset[str], second: frozenset[str]) -> bool:
    return 2 * len(first & second) >= min(len(first), len(second)) > 0


def _test_of(dataset: Dataset) -> frozenset[str]:
    return frozenset(str(sha256) for sha256 in dataset.select(split="test")["sha256"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _noted(workspace: Workspace) -> Iterator[Opening]:
    yield from (_read(file) for file in sorted(workspace.openings.glob("*.json")))


def _read(file: Path) -> Opening:
    noted = read_json(file)
    return Opening(*(frozenset(noted[key]) for key in ("test", "versions", "runs")))


def _noted_before(workspace: Workspace, family: set[str]) -> Iterator[Opening]:
    """Yield what older workspaces noted beside each version; of a family, the pictures need not be known."""
    for file in sorted(workspace.datasets.glob(f"*/*{OLDER}")):
        ref = f"{file.parent.name}@{file.name.removesuffix(OLDER)}"
        try:
            test = frozenset[str]() if ref in family else _test_of(load(workspace, ref))
        except (DatasetError, NotFoundError):  # that version is gone, or damaged
            continue
        yield Opening(test, frozenset({ref}), frozenset(read_json(file)["comparisons"]))
