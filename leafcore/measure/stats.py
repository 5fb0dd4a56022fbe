"""Intervals. Pictures of one group are not independent, so groups are resampled, not pictures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
JACKKNIFE_FOLDS = 20
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


def confusion_counts(targets: np.ndarray, predicted: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Return true positives, false positives and false negatives of each group and label.

    Args:
        targets: (N, labels) bool.
        predicted: (N, labels) bool.
        group: (N,) int in [0, groups).
        groups: How many groups there are.

    Returns:
        (3, groups, labels) float64.
    """
    targets, predicted = np.asarray(targets, bool), np.asarray(predicted, bool)
    cells = (targets & predicted, ~targets & predicted, targets & ~predicted)
    counts = np.zeros((3, groups, targets.shape[1]))
    for index, cell in enumerate(cells):
        np.add.at(counts[index], group, cell)
    return counts


def f1_from_counts(counts: np.ndarray) -> np.ndarray:
    """Return 2 tp / (2 tp + fp + fn) for counts (3, ..., labels), 0 where nothing can be divided."""
    true_positive, false_positive, false_negative = counts
    divisor = 2 * true_positive + false_positive + false_negative
    f1: np.ndarray = np.divide(2 * true_positive, divisor, out=np.zeros_like(divisor), where=divisor > 0)
    return f1


@dataclass(frozen=True)
class BootstrapF1:
    """F1 of two arms and their difference, per label and macro.

    Attributes:
        first: (labels + 1) intervals of the first arm; the last is macro-F1.
        second: The same of the second arm.
        difference: The same of second minus first.
    """

    first: list[Interval]
    second: list[Interval]
    difference: list[Interval]


def paired_bootstrap(first: np.ndarray, second: np.ndarray, labels: np.ndarray, seed: int) -> BootstrapF1:
    """Bootstrap F1 over groups, paired across arms and hierarchical over seeds (percentile method, 2,000 resamples).

    A resample draws the test groups with replacement, the same for both arms, and training seeds with replacement.

    Where a resample holds no picture of a label, its F1 is undefined and left out, of macro-F1 as well; to count it as
    0 would blame the classifier for the draw (Forman and Scholz 2010, "Apples-to-apples in cross-validation studies",
    SIGKDD Explorations 12(1)). Simulated with five labels of 20 groups and one of 2 or 3, intervals of
    macro-F1 so contain the true one in 94 % and 94 % of 400 test splits; with 0 in 87 % and 92 %, resampled within
    labels in 81 % and 88 %. A label's own interval contains it in 75 % with 2 groups, 88 % with 3, 95 % with 5: below
    `LEAST_GROUPS` none is given.

    Args:
        first: (seeds, 3, groups, labels), from `confusion_counts`, of the first arm.
        second: The same shape, of the second arm, over the same groups.
        labels: (labels,) bool: which count in macro-F1; those with a test picture.
        seed: Of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    seeds, _, groups, _ = first.shape
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES).astype(float)  # (R, groups)
    drawn = rng.integers(seeds, size=(RESAMPLES, seeds))
    shows = first[0, 0] + first[0, 2] > 0  # (groups, labels): true positives and false negatives are true pictures
    present = weights @ shows > 0  # (R, labels)
    known = np.append(shows.sum(0) >= LEAST_GROUPS, groups >= LEAST_GROUPS and labels.any())  # (labels + 1,)
    arms = []
    for counts in (first, second):
        point = _with_macro(f1_from_counts(np.moveaxis(counts.sum(2), 1, 0)), labels).mean(0)  # (labels + 1,)
        resampled = np.einsum("rg,scgl->csrl", weights, counts)  # (3, seeds, R, labels)
        f1 = _with_macro(np.where(present, f1_from_counts(resampled), np.nan), labels)  # (seeds, R, labels + 1)
        arms.append((point, f1[drawn, np.arange(RESAMPLES)[:, None]].mean(1)))  # (R, labels + 1)
    (point_a, resamples_a), (point_b, resamples_b) = arms
    return BootstrapF1(
        _intervals(point_a, resamples_a, known),
        _intervals(point_b, resamples_b, known),
        _intervals(point_b - point_a, resamples_b - resamples_a, known),
    )


def _with_macro(f1: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Append the mean over the counted labels to (..., labels); NaN is left out of it."""
    counted = f1[..., labels]
    defined = ~np.isnan(counted)
    number = defined.sum(-1, keepdims=True)
    total = np.where(defined, counted, 0.0).sum(-1, keepdims=True)
    macro = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return np.concatenate([f1, macro], axis=-1)


def _intervals(point: np.ndarray, resamples: np.ndarray, known: np.ndarray) -> list[Interval]:
    """Return an interval per column of (R, columns) resamples, without ends where it is not known."""
    ends = np.full((2, len(point)), np.nan)
    if known.any():
        ends[:, known] = np.nanpercentile(resamples[:, known], [2.5, 97.5], axis=0)
    return [Interval(float(p), float(low), float(high)) for p, low, high in zip(point, *ends, strict=True)]


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
        names, member = np.unique(np.asarray(group, str), return_inverse=True)
        if len(names) < LEAST_GROUPS:
            return math.nan
        parts = min(folds, len(names))
        fold = (rng.permutation(len(names)) % parts)[member]
        without = [estimate(*rows[:sample], np.flatnonzero(fold != part), *rows[sample + 1 :]) for part in range(parts)]
        variance += (parts - 1) * float(np.var(without))
    return math.sqrt(variance)
