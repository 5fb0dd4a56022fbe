"""Intervals of shares and means; those of scores are in `bootstrap.py`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
LEAST_GROUPS = 3  # test groups that show a label, below which resampling cannot tell how sure its F1 is


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; both ends are NaN where too little is known for one."""

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there is an interval at all."""
        return not math.isnan(self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside; False where there is no interval."""
        return self.low > 0 or self.high < 0


def exact_interval(hits: int, trials: int) -> Interval:
    """Return a share with its exact 95 % interval (Clopper and Pearson 1934).

    Args:
        hits: How many of the trials succeeded.
        trials: At least 1.
    """
    from scipy.special import betaincinv

    low = float(betaincinv(hits, trials - hits + 1, 0.025)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 0.975)) if hits < trials else 1.0
    return Interval(hits / trials, low, high)


def wilson_interval(hits: int, trials: int) -> Interval:
    """Return a share with its 95 % score interval (Wilson 1927), close to 95 % even of few trials.

    Args:
        hits: How many of the trials succeeded.
        trials: At least 1.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, trials, method="wilson")
    return Interval(hits / trials, float(low), float(high))


def group_means(values: np.ndarray, group: Sequence[str], seed: int = 0) -> np.ndarray:
    """Return means over pictures with their 95 % intervals: a bootstrap over groups (percentile method, 2,000 draws).

    Args:
        values: (N, K) float, one row per picture.
        group: (N,) what each picture belongs to; groups are drawn, with all their pictures.
        seed: Of the bootstrap.

    Returns:
        (3, K) float64: mean, low, high; NaN ends where there are fewer than `LEAST_GROUPS` groups.
    """
    names, member = np.unique(np.asarray(group, str), return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, member, values)
    counts = np.bincount(member, minlength=len(names)).astype(float)
    mean = values.mean(0)
    if len(names) < LEAST_GROUPS:
        return np.stack([mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)])
    share = np.full(len(names), 1 / len(names))
    drawn = np.random.default_rng(seed).multinomial(len(names), share, size=RESAMPLES).astype(float)
    resampled = (drawn @ sums) / (drawn @ counts)[:, None]
    return np.stack([mean, *np.percentile(resampled, [2.5, 97.5], axis=0)])
