"""How well probabilities rank pictures, in every resample at once: weighted, and without a threshold."""

import numpy as np

from leafcore.measure.bootstrap import divide

AT_ONCE = 4_000_000  # numbers held in memory


def ranked(
    truth: np.ndarray, said: np.ndarray, group: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the area under the ROC curve, and average precision, of pictures whose groups have weights.

    The same as scikit-learn's `roc_auc_score` and `average_precision_score` with `sample_weight`, which sort once for
    each resample; here it is once for all of them.

    Args:
        truth: (N,) bool.
        said: (N,) float: what is ranked by; equals share their rank.
        group: (N,) int in [0, groups).
        weights: (R, groups) float, not below 0: each resample's.

    Returns:
        (R,) float64 in [0, 1] each; NaN where no picture, or every one, weighs something and is true.
    """
    _, rank = np.unique(said, return_inverse=True)
    order = np.argsort(rank, kind="stable")
    starts = np.flatnonzero(np.diff(rank[order], prepend=-1))
    rows = max(1, AT_ONCE // max(1, len(truth)))
    members = group[order]
    parts = [_ranked(truth[order], starts, weights[at : at + rows][:, members]) for at in range(0, len(weights), rows)]
    auroc, precision = (np.concatenate(each) for each in zip(*parts, strict=True))
    return auroc, precision


def _ranked(truth: np.ndarray, starts: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both of weights (R, N) in rising order of rank, where each rank starts at a position."""
    positive = np.add.reduceat(weights * truth, starts, axis=1)  # (R, ranks)
    negative = np.add.reduceat(weights * ~truth, starts, axis=1)
    positives, negatives = positive.sum(1), negative.sum(1)
    below = np.cumsum(negative, axis=1) - negative / 2  # negatives ranked lower, half of the equals
    auroc = divide((positive * below).sum(1), positives * negatives, np.nan)
    hits = np.cumsum(positive[:, ::-1], axis=1)  # named, from the highest rank down
    precision = divide(hits, hits + np.cumsum(negative[:, ::-1], axis=1))
    average = divide((precision * positive[:, ::-1]).sum(1), positives, np.nan)
    return auroc, np.where(negatives > 0, average, np.nan)
