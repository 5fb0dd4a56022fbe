"""The real pictures that generated ones are held against: of every dataset that their models learned from."""

from collections.abc import Iterable, Sequence

import pandas as pd

from leafcore.checkpoints import Checkpoint
from leafcore.data.manifest import Dataset, load
from leafcore.errors import NotFoundError
from leafcore.progress import Progress
from leafcore.workspace import Workspace


def learned_from(checkpoints: Iterable[Checkpoint], sources: str = "") -> tuple[str, ...]:
    """Return the datasets that generated pictures may have copied from, `name@version` each, once.

    Args:
        checkpoints: The models.
        sources: The dataset of what they translate or draw over, which goes first; empty for none.
    """
    named = (str(one.card.description.get("dataset", "")) for one in checkpoints)
    return tuple(dict.fromkeys(ref for ref in (sources, *named) if ref))


def open_those_here(workspace: Workspace, refs: Sequence[str], progress: Progress) -> list[Dataset]:
    """Return the datasets that are here; of the others, if only some are gone, a person is told."""
    found: list[Dataset] = []
    gone: list[str] = []
    for ref in refs:
        try:
            found.append(load(workspace, ref))
        except NotFoundError:
            gone.append(ref)
    if found and gone:
        progress.warn(f"Copies of pictures of {', '.join(gone)} are not looked for: not in this workspace.")
    return found


def real_pictures(datasets: Sequence[Dataset]) -> pd.DataFrame:
    """Return train and validation pictures of datasets, each once, as the first of them that holds it has it.

    Groups of a dataset with another name than the first are told apart from the first's.

    Returns:
        Columns `path`, `sha256` and `group`.
    """
    tables = []
    for dataset in datasets:
        records = dataset.records[dataset.records["split"].isin(["train", "val"])]
        own = "" if dataset.name == datasets[0].name else f"{dataset.name}/"
        tables.append(
            pd.DataFrame(
                {
                    "path": dataset.paths(records),
                    "sha256": records["sha256"].to_numpy(str),
                    "group": [f"{own}{group}" for group in records["group"]],
                }
            )
        )
    return pd.concat(tables).drop_duplicates("sha256", ignore_index=True)
