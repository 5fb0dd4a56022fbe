"""Making pictures scarce: what few pictures of a disease mean can only be learned where there were more."""

import numpy as np
import pandas as pd

from leafcore.data.configs import ScarceConfig
from leafcore.data.derived import Settings, SplitResult, require_own, result_of, save_derived
from leafcore.data.manifest import Dataset, load
from leafcore.data.notices import notices
from leafcore.data.splits import assign_splits
from leafcore.progress import Progress
from leafcore.workspace import Workspace


def scarce(config: ScarceConfig, workspace: Workspace, progress: Progress) -> SplitResult:
    """Write a dataset that keeps at most so many pictures of each label set, or of those named; rarer ones stay.

    Single pictures are dropped, not groups: of a leaf with four photographs one may stay. Groups are divided by no
    split all the same.

    - after-split: train is thinned; validation and test stay, so that scores can be compared with the whole dataset's.
    - before-split: everything is thinned, then split again by group, as the DCGAN study did; the test split shrinks.

    Raises:
        NotFoundError: There is no such dataset.
        DatasetError: The new name is that of another dataset.
    """
    dataset = load(workspace, config.dataset)
    require_own(workspace, config.name, dataset)
    progress.phase("thinning")
    records = thin(dataset, config)
    settings: Settings = {
        "from": dataset.ref,
        "limit": config.limit,
        "order": config.order,
        "seed": config.seed,
    }
    if config.labels:
        settings["labels"] = ", ".join(config.labels)
    if config.order == "before-split":
        settings |= {"val": config.val, "test": config.test}
    is_tested = config.order == "before-split" and config.test > 0
    warnings = tuple(notices(records, skipped=dataset.card.skipped, alike=(), is_tested=is_tested))
    for warning in warnings:
        progress.warn(warning)
    return result_of([save_derived(workspace, config.name, records, dataset, settings, warnings)])


def thin(dataset: Dataset, config: ScarceConfig) -> pd.DataFrame:
    """Return the records that stay, with their splits."""
    records = dataset.records
    if config.order == "after-split":
        train = records["split"] == "train"
        return records[~train | _drawn(records[train], config).reindex(records.index, fill_value=False)]
    kept = records[_drawn(records, config)]
    return kept.assign(split=assign_splits(kept, val=config.val, test=config.test, seed=config.seed))


def _drawn(records: pd.DataFrame, config: ScarceConfig) -> pd.Series:
    """Draw at most so many pictures of each label set; a smaller limit draws some of the same."""
    order = pd.Series(np.random.default_rng(config.seed).permutation(len(records)), index=records.index)
    kept: pd.Series = order.groupby(records["labels"]).rank() <= config.limit
    return kept | ~records["labels"].isin(config.labels) if config.labels else kept
