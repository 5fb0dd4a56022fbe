"""From which probability a label is named, where a picture may show several: chosen on validation pictures."""

import numpy as np

from leafcore.measure.scores import THRESHOLD


def choose_thresholds(targets: np.ndarray, probabilities: np.ndarray, *, exclusive: bool) -> np.ndarray:
    """Return, label by label, the threshold with the highest F1.

    Maximising F1 by thresholding each label's probability: Lipton, Elkan and Naryanaswamy 2014, "Optimal thresholding
    of classifiers to maximize F1 measure". Candidates lie half-way between neighbouring probabilities; of equals the
    one nearest to 0.5 is taken, so that a few pictures do not move it far.

    Args:
        targets: (N, labels), 0 or 1, of validation pictures.
        probabilities: (N, labels) float in [0, 1].
        exclusive: Whether a picture is of exactly one label: then the most probable one is named, and nothing chosen.

    Returns:
        (labels,) float64 in [0, 1]; 0.5 where nothing can be chosen: no validation picture shows the label.
    """
    truth = np.asarray(targets, bool)
    chosen = np.full(truth.shape[1], THRESHOLD)
    if exclusive:
        return chosen
    for label in np.flatnonzero(truth.any(axis=0)):
        chosen[label] = _best(truth[:, label], np.asarray(probabilities[:, label], np.float64))
    return chosen


def _best(truth: np.ndarray, said: np.ndarray) -> float:
    values = np.unique(said)
    candidates = np.append((values[:-1] + values[1:]) / 2, THRESHOLD)
    named = said >= candidates[:, None]  # (candidates, N)
    hits = (named & truth).sum(1)
    f1 = 2 * hits / (named.sum(1) + truth.sum())
    best = candidates[np.isclose(f1, f1.max(), rtol=0, atol=1e-12)]
    return float(best[np.abs(best - THRESHOLD).argmin()])
