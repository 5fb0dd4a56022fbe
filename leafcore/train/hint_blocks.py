"""What a hint is, and the blocks of recorded points by which rules look at curves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

BLOCK = 25  # recorded points that one median is of
LASTING = 4  # blocks after which a rule speaks

Curves = Mapping[str, pd.Series]
Episode = tuple[int, int | None]  # the step where it began, and the one where it ended if it has


@dataclass(frozen=True)
class Hint:
    """Something that the curves of a run show.

    Attributes:
        name: A word for programs, such as "unfooled".
        title: A few words for a chart.
        seen: A sentence: what is seen.
        advice: A sentence: what to do.
        begins: The step where it began.
        ends: The step where it ended, or None if it is so now.
    """

    name: str
    title: str
    seen: str
    advice: str
    begins: int
    ends: int | None = None


def loss_words(name: str) -> str:
    """Return a scalar's name as people say it: "cycle a" for `cycle_a`."""
    return name.replace("_", " ")


def medians(values: pd.Series, quantile: float = 0.5, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """Return each whole block's first step, and a quantile of its values."""
    whole = values.dropna()
    whole = whole[: len(whole) // block * block]
    rank = round(quantile * (block - 1))  # blocks are short and odd: one of their values is their quantile
    blocks = whole.to_numpy().reshape(-1, block)
    return whole.index.to_numpy()[::block], np.partition(blocks, rank, axis=1)[:, rank]


def together(curves: Curves, *names: str) -> tuple[np.ndarray, list[np.ndarray]] | None:
    """Return the blocks of scalars that are reported at the same steps, or None if one of them is not there."""
    if not all(name in curves for name in names):
        return None
    blocks = [medians(curves[name]) for name in names]
    count = min(len(steps) for steps, _ in blocks)
    return blocks[0][0][:count], [medians[:count] for _, medians in blocks]


def episodes(steps: np.ndarray, holds: np.ndarray, lasting: int = LASTING) -> Iterator[Episode]:
    """Yield the last time that something held for `lasting` blocks, if it ever did."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
    times = [(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True) if end - begin >= lasting]
    for begin, end in times[-1:]:
        yield int(steps[begin]), int(steps[end]) if end < len(steps) else None
