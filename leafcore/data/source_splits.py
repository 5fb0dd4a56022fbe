"""Splits that a source comes with: a published test split stays the test split."""

from collections.abc import Iterator

import pandas as pd

from leafcore.data.notices import some
from leafcore.data.splits import assign_splits
from leafcore.errors import DatasetError

WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "": "",
}
_FIRST = ["test", "val", "train"]  # where a group goes of which the source has put pictures into several


def split_name(word: str) -> str | None:
    """Return what a source's word for a split means: train, val, test, empty for none; None if it is no such word."""
    return WORDS.get(word.strip().lower())


def split_names(words: pd.Series, where: str) -> list[str]:
    """Return the splits that a column of a table names.

    Args:
        words: One per row, in the table's order.
        where: The table and the column, for the message.

    Raises:
        DatasetError: A row says something else.
    """
    names = [split_name(str(word)) for word in words]
    for row, name in enumerate(names):
        if name is None:
            raise DatasetError(
                f"{where}: got {words.iloc[row]!r} in row {row + 2}; expected train, val, valid, validation or test, "
                "or nothing."
            )
    return [name or "" for name in names]


def keep_splits(records: pd.DataFrame, *, val: float, test: float, seed: int) -> pd.Series:
    """Split what the source has not split itself.

    What the source holds out stays held out. A held-out split that it lacks is drawn from the rest. A group never
    straddles: where the source has divided one, all of it goes to the test split, else to validation.

    Args:
        records: Columns `group`, `labels` and `fixed_split`: the source's own split, empty for none.
        val: Share of validation, where the source has none.
        test: Share of the test split, where the source has none.
        seed: Of what is drawn.

    Returns:
        The split per record.
    """
    held_out = set(records["fixed_split"])
    split = _side(records).where(lambda side: side.isin(["val", "test"]))
    free = records[split.isna()]
    if not free.empty:
        shares = {"val": 0.0 if "val" in held_out else val, "test": 0.0 if "test" in held_out else test}
        split[free.index] = assign_splits(free, **shares, seed=seed)
    return split


def moved(records: pd.DataFrame) -> pd.Series:
    """Return which pictures cannot stay in their source's split because others of their group are elsewhere.

    Args:
        records: Columns `group` and `fixed_split`.
    """
    return (records["fixed_split"] != "") & (records["fixed_split"] != _side(records))


def moved_notice(records: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence if any picture was moved."""
    elsewhere = records.loc[moved(records), "image"].tolist()
    if elsewhere:
        pictures = "1 picture" if len(elsewhere) == 1 else f"{len(elsewhere)} pictures"
        yield (
            f"Moved out of the source's own split: {pictures}, because others of the group are on another side. "
            f"They are: {some(elsewhere, shown=8)}."
        )


def _side(records: pd.DataFrame) -> pd.Series:
    """Return where the source has put each record's group; empty if nowhere."""
    rank = records["fixed_split"].map({name: number for number, name in enumerate(_FIRST)}).fillna(len(_FIRST))
    side: pd.Series = rank.groupby(records["group"]).transform("min").map(dict(enumerate([*_FIRST, ""])))
    return side.astype(object)
