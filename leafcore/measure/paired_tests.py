"""Tests of classifiers that were judged on the same pictures. They speak of test sampling, not of training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXACT_BELOW = 25  # discordant pictures


@dataclass(frozen=True)
class PairedTest:
    """McNemar's 2 x 2 table and its test.

    Attributes:
        both: Pictures that both get right.
        first: Those that only the first gets right.
        second: Those that only the second gets right.
        neither: Those that neither gets right.
        p: Two-sided.
    """

    both: int
    first: int
    second: int
    neither: int
    p: float


def mcnemar(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """Test whether two classifiers are equally often right (McNemar 1947).

    The exact binomial test below 25 discordant pictures, else chi-squared with the continuity correction (Edwards
    1948; Dietterich 1998, "Approximate statistical tests for comparing supervised classification learning algorithms").

    Args:
        first: (N,) bool, where the first is right.
        second: (N,) bool, the same of the second.
    """
    from statsmodels.stats.contingency_tables import mcnemar as test

    table = np.array([[(first & second).sum(), (first & ~second).sum()], [(~first & second).sum(), 0]])
    table[1, 1] = len(first) - table.sum()
    found = test(table, exact=bool(table[0, 1] + table[1, 0] < EXACT_BELOW), correction=True)
    return PairedTest(int(table[0, 0]), int(table[0, 1]), int(table[1, 0]), int(table[1, 1]), float(found.pvalue))


def cochran_q(right: np.ndarray) -> tuple[float, float]:
    """Test whether several classifiers are equally often right (Cochran 1950).

    Args:
        right: (N, classifiers) bool.

    Returns:
        Q and p; 0 and 1 where no picture tells them apart.
    """
    from statsmodels.stats.contingency_tables import cochrans_q

    if (right == right[:, :1]).all():
        return 0.0, 1.0
    found = cochrans_q(right.astype(int))
    return float(found.statistic), float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p after Holm's correction for testing several things at once (Holm 1979), in the order given.

    The same as statsmodels' `multipletests`, which collects the whole process's garbage with every call.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1)
    return [float(value) for value in corrected]
