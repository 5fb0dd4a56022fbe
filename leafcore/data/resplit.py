"""Splitting a dataset again: other shares, other groups, folds, or one group left out."""

import time
from dataclasses import dataclass, replace

import pandas as pd

from leafcore.data.classes import LabelPolicy, admitted
from leafcore.data.configs import ResplitConfig
from leafcore.data.derived import Settings, SplitResult, require_own, result_of, save_derived
from leafcore.data.manifest import Dataset, load, make_current, save, version_of, versions
from leafcore.data.notices import notices
from leafcore.data.rules import Rules, settings_of
from leafcore.data.splits import assign_folds, assign_splits, hold_out
from leafcore.errors import DatasetError
from leafcore.progress import Progress
from leafcore.workspace import Workspace

SHOWN_GROUPS = 5  # named in a message


@dataclass(frozen=True)
class Division:
    """A dataset as it would be split.

    Attributes:
        tables: The records with their new groups and splits: one table, or one per fold.
        warnings: What a person should know, per table.
        policy: How pictures of several labels are treated.
    """

    tables: tuple[pd.DataFrame, ...]
    warnings: tuple[tuple[str, ...], ...]
    policy: LabelPolicy


def divide(dataset: Dataset, config: ResplitConfig, progress: Progress) -> Division:
    """Group and split a dataset again; nothing is written.

    Raises:
        DatasetError: No picture has one label only, the leaf map is none, a picture cannot be read any more, there are
            fewer groups than folds, or there is no such group to leave out.
    """
    rules = Rules(config)
    policy = dataset.card.label_policy if config.label_policy == "keep" else config.label_policy
    known = dataset.records[admitted(dataset.records["labels"], policy)].reset_index(drop=True)
    if known.empty:
        raise DatasetError(f"label_policy: every picture of {dataset.ref} has several labels; single-only leaves none.")
    records = known if config.keep_groups else known.assign(group=known["image"])
    grouping = rules.group(records, dataset.root, progress)
    progress.phase("splitting")
    records = records.assign(group=grouping.groups)
    if config.folds:
        splits = assign_folds(records, folds=config.folds, val=config.val, seed=config.seed)
    elif config.leave_out:
        is_test = grouping.members(config.leave_out)
        if not is_test.any():
            raise DatasetError(_unknown_group(dataset, config.leave_out, grouping.groups))
        splits = [hold_out(records, is_test.to_numpy(dtype=bool), val=config.val, seed=config.seed)]
    else:
        splits = [assign_splits(records, val=config.val, test=config.test, seed=config.seed)]
    tables = tuple(records.assign(split=split) for split in splits)
    is_tested = bool(config.test or config.folds or config.leave_out)
    found = tuple(grouping.notices(records["image"]))
    skipped, alike = dataset.card.skipped, grouping.alike
    warnings = (notices(table, skipped=skipped, alike=alike, is_tested=is_tested) for table in tables)
    return Division(tables, tuple((*found, *said) for said in warnings), policy)


def _unknown_group(dataset: Dataset, name: str, groups: pd.Series) -> str:
    largest = groups.value_counts().head(SHOWN_GROUPS)
    named = ", ".join(
        f"{group} ({count} {'picture' if count == 1 else 'pictures'})" for group, count in largest.items()
    )
    return f"leave_out: got {name!r}, expected a group of {dataset.name}; the largest are: {named}."


def resplit(config: ResplitConfig, workspace: Workspace, progress: Progress) -> SplitResult:
    """Split a dataset again, as a new version of it; a test split that its source published is divided like the rest.

    Folds become datasets of their own, all at once, NAME-fold-1-of-K and so on: a bare name means one current version,
    so only by name can every fold be chosen wherever a dataset is, and all K come from one partition.

    Raises:
        NotFoundError: There is no such dataset.
        ConfigError: A fold's name would be too long.
        DatasetError: As `divide`; or a fold's name is that of another dataset.
    """
    dataset = load(workspace, config.dataset)
    names = [f"{dataset.name}-fold-{fold}-of-{config.folds}" for fold in range(1, config.folds + 1)]
    for name in names:
        require_own(workspace, name, dataset)
    division = divide(dataset, config, progress)
    for warning in dict.fromkeys(text for said in division.warnings for text in said):
        progress.warn(warning)
    settings = _settings(config)
    dataset = replace(dataset, card=dataset.card.model_copy(update={"label_policy": division.policy}))
    written = []
    for fold, (table, warnings) in enumerate(zip(division.tables, division.warnings, strict=True), start=1):
        if names:
            said = {"from": dataset.ref, **settings, "fold": fold}
            written.append(save_derived(workspace, names[fold - 1], table, dataset, said, warnings))
        else:
            written.append(_save_version(workspace, dataset, table, settings, warnings))
    return result_of(written)


def _settings(config: ResplitConfig) -> Settings:
    """Return what the card says of how the splits were made."""
    settings: Settings = {"val": config.val, "seed": config.seed}
    if config.folds:
        settings["folds"] = config.folds
    elif config.leave_out:
        settings["leave_out"] = config.leave_out
    else:
        settings["test"] = config.test
    if not config.keep_groups:
        settings["keep_groups"] = False
    return settings | settings_of(config)


def _save_version(
    workspace: Workspace,
    dataset: Dataset,
    records: pd.DataFrame,
    settings: Settings,
    warnings: tuple[str, ...],
) -> Dataset:
    """Write a version of the same dataset; one that is there already becomes the current one, and keeps its card."""
    version = version_of(records.sort_values("image"), dataset.card.label_policy)
    if version in versions(workspace, dataset.name):
        make_current(workspace, dataset.name, version)
        return load(workspace, dataset.name)
    update = {"created": time.time(), "parent": dataset.version, "settings": settings, "warnings": warnings}
    return save(workspace, dataset.name, records, dataset.card.model_copy(update=update))
