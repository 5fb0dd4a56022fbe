"""Whether probabilities can be taken at their word."""

import numpy as np
from sklearn.calibration import calibration_curve

from leafcore.measure.bootstrap import GroupBootstrap, Resampled, by_group, divide

BINS = 10


def judged(
    targets: np.ndarray, probabilities: np.ndarray, *, exclusive: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the probabilities that are held against the truth.

    Args:
        targets: (N, labels) bool.
        probabilities: (N, labels) float in [0, 1].
        exclusive: Whether a picture is of exactly one label: then its highest probability is judged, else all are.

    Returns:
        What was said, whether it was true, and of which picture: (M,) float64, (M,) bool and (M,) int.
    """
    truth = np.asarray(targets, bool)
    said = np.clip(np.asarray(probabilities, np.float64), 0, 1)  # a softmax may exceed 1 by a rounding
    rows = np.arange(len(said))
    if exclusive:
        best = said.argmax(1)
        return said[rows, best], truth[rows, best], rows
    return said.ravel(), truth.ravel(), np.repeat(rows, said.shape[1])


def curve(said: np.ndarray, true: np.ndarray) -> list[tuple[float, float, int]]:
    """Return what was said, how often it was true, and how many there are, in bins of equal width; none is empty.

    Args:
        said: (M,) float in [0, 1].
        true: (M,) bool.
    """
    share, mean = calibration_curve(true, said, n_bins=BINS, strategy="uniform")
    number = np.bincount(bin_of(said), minlength=BINS)
    return list(zip(mean.tolist(), share.tolist(), number[number > 0].tolist(), strict=True))


def bin_of(said: np.ndarray) -> np.ndarray:
    """Return the bin of each probability, as scikit-learn's `calibration_curve` has them: (M,) int in [0, BINS)."""
    return np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], said)


def calibration_error(
    seeds: list[tuple[np.ndarray, np.ndarray, np.ndarray]], group: np.ndarray, draws: GroupBootstrap
) -> Resampled:
    """Return the expected calibration error, (1,): the mean distance of said and true, weighted by bin.

    Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", equation 3.

    Args:
        seeds: By seed, what `judged` returns.
        group: (N,) int, the group of each picture.
        draws: The bootstrap over those groups.
    """
    groups = draws.weights.shape[1]
    gaps, counts = [], []  # by seed, (groups, BINS)
    for said, true, picture in seeds:
        place = np.eye(BINS)[bin_of(said)]
        gaps.append(by_group(place * (true - said)[:, None], group[picture], groups))
        counts.append(by_group(place, group[picture], groups))
    gap, number = np.stack(gaps), np.stack(counts)
    point = divide(np.abs(gap.sum(1)).sum(-1), number.sum((1, 2)))
    drawn = divide(np.abs(draws.sums(gap)).sum(-1), draws.sums(number).sum(-1))
    return draws.over_seeds(point[:, None], drawn[..., None])
