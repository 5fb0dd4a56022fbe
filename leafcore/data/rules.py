"""Group rules as settings say them, carried out on a dataset's pictures."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leafcore.data.configs import GroupRules
from leafcore.data.derived import Settings
from leafcore.data.duplicates import Pair, near_duplicates, thumbnails
from leafcore.data.groups import groups_by_name, groups_by_run, merge_alike
from leafcore.data.leaf_map import LeafMap, groups_by_leaf, read_leaf_map
from leafcore.progress import Progress

# What is the matter with pictures that a rule says nothing of.
_SILENT = {
    "group_camera": "do not say which camera took them (EXIF)",
    "group_day": "do not say when they were taken (EXIF)",
    "group_regex": "have a file name that does not match",
    "leaf_map": "are not in the leaf map",
    "group_run": "have no number in their file name",
}


@dataclass(frozen=True)
class Grouping:
    """Who belongs together.

    Attributes:
        groups: The group per record.
        alike: Pairs of pictures that show the same photograph in two files, whether they were joined or not.
        said: What each rule says per record, by setting; "group" is what was known before. Empty where it is silent.
    """

    groups: pd.Series
    alike: tuple[tuple[str, str], ...]
    said: Mapping[str, pd.Series]

    def members(self, name: str) -> pd.Series:
        """Return which records are in the groups that a name means: a group's own, or one that a rule gives."""
        carry = self.groups == name
        for names in self.said.values():
            carry |= names == name
        return self.groups.isin(self.groups[carry])

    def notices(self, images: pd.Series) -> Iterator[str]:
        """Yield what rules could not say, and which of them joined nothing."""
        for setting, names in self.said.items():
            silent = names == ""
            if silent.any() and setting in _SILENT:
                yield (
                    f"{setting}: {silent.sum()} of {len(names)} pictures {_SILENT[setting]}, such as "
                    f"{images[silent].iloc[0]}; they stay in the groups they had."
                )
            if setting in _SILENT and not silent.all() and not names[~silent].duplicated().any():
                yield f"{setting}: joins no two pictures."


class Rules:
    """Group rules that are ready to be carried out: a leaf map has been read.

    Raises:
        DatasetError: The leaf map is missing, or none.
    """

    def __init__(self, config: GroupRules) -> None:
        self._config = config
        path = Path(config.leaf_map).expanduser()
        self._leaves: LeafMap | None = read_leaf_map(path) if config.leaf_map else None

    def group(self, records: pd.DataFrame, root: Path, progress: Progress) -> Grouping:
        """Join what belongs together: same file, same photograph, same name by any rule.

        Args:
            records: Columns `image`, `group` (what is known already), `sha256`, `phash`, `taken` and `camera`.
            root: Where the pictures' paths start.
            progress: Told what is done.

        Raises:
            DatasetError: A picture cannot be read any more.
        """
        progress.phase("comparing")
        alike = [(pair.first, pair.second) for pair in _same_photographs(records, root)]
        said = dict(self._said(records))
        groups = merge_alike(records, alike if self._config.near_duplicates else [], list(said.values()))
        image = records["image"].tolist()
        named = tuple((image[first], image[second]) for first, second in alike)
        return Grouping(groups, named, {**said, "group": records["group"]})

    def _said(self, records: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
        """Yield what each rule says, the one that joins most first: it names the groups."""
        if self._config.group_camera:
            yield "group_camera", records["camera"].astype(object)
        if self._config.group_day:
            yield "group_day", records["taken"].astype(object)
        if self._config.group_regex:
            yield "group_regex", groups_by_name(records, re.compile(self._config.group_regex))
        if self._leaves is not None:
            yield "leaf_map", groups_by_leaf(records, self._leaves)
        if self._config.group_run:
            yield "group_run", groups_by_run(records, self._config.group_run)


def settings_of(rules: GroupRules) -> Settings:
    """Return the rules that differ from their defaults, for a dataset's card; of a file its name."""
    fields = GroupRules.model_fields
    values: Settings = {name: getattr(rules, name) for name in fields if getattr(rules, name) != fields[name].default}
    if rules.leaf_map:
        values["leaf_map"] = Path(rules.leaf_map).name
    return values


def _same_photographs(records: pd.DataFrame, root: Path) -> list[Pair]:
    """Return the pairs that show the same photograph in two files; only pictures of similar hashes are opened."""
    return near_duplicates(records, thumbnails(records, root))
