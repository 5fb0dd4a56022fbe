"""What a person should know about a dataset that has just been split."""

from collections.abc import Iterator, Sequence

import pandas as pd

from leafcore.data.classes import LEFT_OUT
from leafcore.data.manifest import Skipped
from leafcore.data.straddles import find_straddles


def notices(
    records: pd.DataFrame, *, skipped: Sequence[Skipped], alike: Sequence[tuple[str, str]], is_tested: bool
) -> Iterator[str]:
    """Yield a sentence per thing that a person should know.

    Args:
        records: Columns as in a manifest.
        skipped: Files that are not in it.
        alike: Pairs of pictures that show the same photograph in two files.
        is_tested: Whether some were to be kept for the test.
    """
    left_out = [file for file in skipped if file.reason == LEFT_OUT]
    if left_out:
        counted = (
            "1 picture with several labels was"
            if len(left_out) == 1
            else (f"{len(left_out)} pictures with several labels were")
        )
        yield f"{counted} left out; single-only keeps none of them."
    bad = [file for file in skipped if file.reason != LEFT_OUT]
    if bad:
        named = some([f"{file.image}: {file.reason.removesuffix('.')}" for file in bad], shown=3)
        yield f"{len(bad)} {'file was' if len(bad) == 1 else 'files were'} skipped: {named}."
    if is_tested or (records["split"] == "test").any():
        yield from (_untested(str(labels), members) for labels, members in without_test(records))
    else:
        yield "No picture is kept for the test, so nothing can be claimed about any label."
    copies = records[records["sha256"].duplicated(keep=False)]
    same = copies[copies.groupby("sha256")["labels"].transform("nunique") > 1]
    if not same.empty:
        conflicts = [
            " = ".join(f"{image} ({labels})" for image, labels in zip(files["image"], files["labels"], strict=True))
            for _, files in same.groupby("sha256", sort=False)
        ]
        yield (
            f"Identical files with different labels: {len(conflicts)}; all are kept, those alike in one group. "
            f"Look at them: {some(conflicts, shown=8)}."
        )
    if alike:
        group = records.set_index("image")["group"]
        joined = all(group[one] == group[other] for one, other in alike)
        yield (
            f"The same photograph in two files: {len(alike)}; all are kept{', those alike in one group' * joined}. "
            f"Look at them: {some([' = '.join(pair) for pair in alike], shown=8)}."
        )
    straddles = find_straddles(records, alike)
    if straddles.clusters:
        shown = [" = ".join(images) for images in straddles.clusters]
        yield (
            f"On two sides of the split: {len(shown)} photographs in several files, for near_duplicates is off. The "
            f"dataset's page moves them to one side: {some(shown, shown=8)}."
        )


def without_test(records: pd.DataFrame) -> Iterator[tuple[object, pd.DataFrame]]:
    """Yield the label sets of which no picture is in the test split, with their pictures."""
    tested = records.loc[records["split"] == "test", "labels"].unique()
    yield from records[~records["labels"].isin(tested)].groupby("labels")


def _untested(labels: str, members: pd.DataFrame) -> str:
    """Say why nothing can be claimed about a label set."""
    images = "image" if len(members) == 1 else "images"
    together = " of one group" if len(members) > 1 and members["group"].nunique() == 1 else ""
    splits = [name for name in ("train", "val") if name in set(members["split"])]
    where = {"train": "train only", "val": "validation only"}.get(" ".join(splits), "train and validation only")
    return f"{labels} has {len(members)} {images}{together}: {where}, so nothing can be claimed about it."


def some(items: Sequence[str], shown: int) -> str:
    """Return the first of some items, and how many more there are."""
    more = f"; and {len(items) - shown} more" if len(items) > shown else ""
    return "; ".join(items[:shown]) + more
