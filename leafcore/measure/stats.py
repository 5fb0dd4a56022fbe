"""Intervals of shares and means; those of scores are in `bootstrap.py`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
JACKKNIFE_FOLDS = 20
LEAST_GROUPS = 3  # test groups that show a label, below which resampling cannot tell how sure its F1 is
LEAST_GROUPS_IN_ALL = 10  # test groups below which it cannot tell how sure a score over all is; see `bootstrap.py`


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
    return _wilson(hits / trials, trials)


def group_share(hits: Sequence[bool], group: Sequence[str]) -> Interval:
    """Return a share of pictures with its 95 % score interval, the wider the more pictures of a group are alike.

    Wilson's interval of Kish's effective number of pictures (Dean and Pagano 2015, "Evaluating confidence interval
    methods for binomial proportions in clustered surveys", J. Survey Statistics and Methodology 3(4)). Where all hit,
    or none, nothing tells how alike the pictures of a group are, and each group counts as one.

    Args:
        hits: (N,) whether a picture does what is counted, N at least 1.
        group: (N,) what each picture belongs to.
    """
    hit = np.asarray(hits, float)
    names, member = np.unique(np.asarray(group, str), return_inverse=True)
    share, number = float(hit.mean()), len(hit)
    if share in {0.0, 1.0}:
        return _wilson(share, len(names))
    of_groups = np.bincount(member, hit - share, minlength=len(names))
    effect = float((of_groups**2).sum()) / (number * share * (1 - share))  # 1 where each picture is a group
    return _wilson(share, number / max(1.0, effect))


def _wilson(share: float, trials: float) -> Interval:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * trials, trials, method="wilson")
    return Interval(share, float(low), float(high))


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


def dealt(group: Sequence[str] | np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of each picture, (N,) int: whole groups, dealt at random; a fold each where there are fewer."""
    names, member = np.unique(np.asarray(group, str), return_inverse=True)
    return np.asarray((rng.permutation(len(names)) % folds)[member])


def jackknife_sd(
    estimate: Callable[..., float], *groups: Sequence[str], folds: int = JACKKNIFE_FOLDS, seed: int = 0
) -> float:
    """Return the standard deviation of an estimate from independent samples: the delete-a-group jackknife.

    Kott 2001, "The delete-a-group jackknife", J. Official Statistics 17(4). Unlike a bootstrap it never shows a picture
    twice, which distances between sets, biased as they are in the number of pictures, would take for likeness.

    Args:
        estimate: Given (n,) rows of each sample, returns a number.
        *groups: Of each sample, what each of its pictures belongs to; whole groups are left out.
        folds: In how many parts each sample's groups are dealt; each is left out once.
        seed: Of the dealing.

    Returns:
        NaN where a sample has fewer than `LEAST_GROUPS` groups.
    """
    rng = np.random.default_rng(seed)
    rows = [np.arange(len(group)) for group in groups]
    variance = 0.0
    for sample, group in enumerate(groups):
        if len(set(group)) < LEAST_GROUPS:
            return math.nan
        fold = dealt(group, folds, rng)
        parts = int(fold.max()) + 1
        without = [estimate(*rows[:sample], np.flatnonzero(fold != part), *rows[sample + 1 :]) for part in range(parts)]
        variance += (parts - 1) * float(np.var(without))
    return math.sqrt(variance)
