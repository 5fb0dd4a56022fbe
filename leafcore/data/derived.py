"""What splitting and thinning write: versions, and datasets whose pictures are another dataset's."""

import time
from collections.abc import Sequence

import pandas as pd
from pydantic import BaseModel

from leafcore.data.manifest import SPLITS, Dataset, list_datasets, load, save
from leafcore.errors import DatasetError
from leafcore.workspace import Workspace, check_name

Settings = dict[str, bool | str | int | float | None]  # of a card: how a dataset was made


class SplitResult(BaseModel):
    """What became of a split.

    Attributes:
        dataset: What was written, `name@version`; of several folds the first.
        datasets: All that was written.
        groups: How many groups of pictures there are.
        splits: Pictures per split, by `name@version`.
        warnings: What a person should know.
    """

    dataset: str
    datasets: tuple[str, ...]
    groups: int
    splits: dict[str, dict[str, int]]
    warnings: tuple[str, ...]


def save_derived(
    workspace: Workspace,
    name: str,
    records: pd.DataFrame,
    source: Dataset,
    settings: Settings,
    warnings: tuple[str, ...],
) -> Dataset:
    """Write a dataset of another name whose pictures are another dataset's.

    Args:
        workspace: Where it goes.
        name: What it is called; see `require_own`.
        records: Its pictures.
        source: Where they are from.
        settings: How it was made; "from" names the source.
        warnings: What a person should know.
    """
    update = {"created": time.time(), "parent": "", "settings": settings, "warnings": warnings}
    return save(workspace, name, records, source.card.model_copy(update=update))


def require_own(workspace: Workspace, name: str, source: Dataset) -> None:
    """Refuse to write under the name of a dataset that was not made from the same one.

    Raises:
        ConfigError: It is no name for a dataset.
        DatasetError: It is the name of another dataset.
    """
    check_name(name, "dataset")
    if name in list_datasets(workspace):
        origin = str(load(workspace, name).card.settings.get("from", ""))
        if origin.partition("@")[0] != source.name:
            raise DatasetError(
                f"name: there is already a dataset {name!r}, not made from {source.name}; choose another."
            )


def result_of(written: Sequence[Dataset]) -> SplitResult:
    """Return what was done."""
    splits = {one.ref: {name: int((one.records["split"] == name).sum()) for name in SPLITS} for one in written}
    return SplitResult(
        dataset=written[0].ref,
        datasets=tuple(splits),
        groups=int(written[0].records["group"].nunique()),
        splits=splits,
        warnings=tuple(dict.fromkeys(text for one in written for text in one.card.warnings)),
    )
