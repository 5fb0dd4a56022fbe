"""How far two raters agree beyond chance."""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from leafcore.measure.stats import Interval


def cohens_kappa(
    first: Sequence[Hashable], second: Sequence[Hashable], words: Sequence[Hashable], *, weighted: bool = False
) -> Interval:
    """Return Cohen's kappa of two raters with its 95 % interval (Cohen 1960; Fleiss, Cohen and Everitt 1969).

    Args:
        first: What one rater says of each item.
        second: What the other says of the same items.
        words: What can be said, in order.
        weighted: Whether words that lie further apart disagree more, by the square of how far (Fleiss and Cohen 1973).

    Returns:
        1 for perfect agreement, 0 for what chance gives; NaN where there are no items or chance alone gives 1, and
        without ends of the interval where all agree or one rater has one word only, for that tells no spread. The ends
        are normal, so of few items they can lie beyond what kappa can be: those are cut off at -1 and 1.
    """
    from statsmodels.stats.inter_rater import cohens_kappa as estimate

    column = {word: index for index, word in enumerate(words)}
    table = np.zeros((len(words), len(words)))
    for one, other in zip(first, second, strict=True):
        table[column[one], column[other]] += 1
    used = (table.sum(0) + table.sum(1)) > 0
    if used.sum() < 2:
        return Interval(math.nan, math.nan, math.nan)
    with np.errstate(divide="ignore", invalid="ignore"):  # of tests of kappa = 0, which nobody asks for here
        found = estimate(table, wt="quadratic" if weighted else None)
    if not found.std_kappa > 0:
        return Interval(float(found.kappa), math.nan, math.nan)
    return Interval(float(found.kappa), max(-1.0, float(found.kappa_low)), min(1.0, float(found.kappa_upp)))
