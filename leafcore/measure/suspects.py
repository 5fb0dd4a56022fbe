"""Which labels are suspect: what a classifier that never saw a picture says about the labels it was given.

Confident learning (Northcutt, Jiang, Chuang 2021, arXiv 1911.00068) ranks labels by their out-of-fold probability, the
self-confidence. Of a picture that may have several labels each is judged by itself, given or not, and the judgements
are joined by an exponential moving average from the best to the worst (Thyagarajan, Snorrason, Northcutt, Mueller 2022,
arXiv 2211.13895, section 3).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from leafcore.measure.scores import predicted_labels

FOLDS = 5
INVERSE_PENALTY = 10.0  # best of 3, 10, 30 and 100 at finding labels flipped in orchard photographs
EMA_ALPHA = 0.8  # the paper's


@dataclass(frozen=True)
class Judgement:
    """What speaks for and against the labels of some pictures.

    Attributes:
        probabilities: (N, labels) float32 in [0, 1], out of fold; NaN where a label cannot be judged, because all
            pictures that have it are of one group, or all but those of one group have it.
        suggested: (N, labels) bool: the labels that the other pictures speak for; as given where nothing is known.
        confidence: (N,) float32 in [0, 1]: how probable is what is least probable about the labels; NaN if unknown.
        suspect: (N,) float32 in [0, 1], the most suspicious 1; 0 if nothing is known.
    """

    probabilities: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    suspect: np.ndarray


def judge_labels(
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    *,
    multi_label: bool,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Judgement:
    """Judge the labels of pictures by those of the others; pictures of one group never judge each other.

    Args:
        features: (N, D) float32, each of about the same length.
        targets: (N, labels) bool, the labels as they were given.
        groups: (N,) of any type.
        multi_label: Whether a picture may have several labels; else exactly one.
        seed: Of the folds.
        report: Told how many folds of how many are done.
    """
    probabilities = _out_of_fold(features, targets, groups, multi_label, seed, report)
    known = ~np.isnan(probabilities)
    agrees = np.where(targets, probabilities, 1.0 - probabilities)
    if not multi_label:
        agrees = np.where(targets, probabilities, np.nan)
        known &= known[np.arange(len(targets)), targets.argmax(1)][:, None]
    agrees[~known] = np.nan
    suggested = targets.copy()
    decided = known.any(1)
    guess = predicted_labels(np.where(known, probabilities, 0.0)[decided], multi_label)
    suggested[decided] = np.where(known[decided], guess, targets[decided])
    confidence = np.full(len(targets), np.nan, np.float32)
    confidence[decided] = np.nanmin(agrees[decided], axis=1)
    suspect = np.zeros(len(targets), np.float32)
    suspect[decided] = 1.0 - _moving_average(agrees[decided])
    return Judgement(probabilities, suggested, confidence, np.clip(suspect, 0.0, 1.0))


def _moving_average(agrees: np.ndarray) -> np.ndarray:
    """Return the exponential moving average of each row from its largest value to its smallest, leaving NaN out."""
    ordered = -np.sort(-agrees, axis=1)  # NaN last
    average = ordered[:, 0]
    for column in ordered.T[1:]:
        average = np.where(np.isnan(column), average, EMA_ALPHA * column + (1.0 - EMA_ALPHA) * average)
    return average


def _out_of_fold(
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    multi_label: bool,
    seed: int,
    report: Callable[[int, int], None],
) -> np.ndarray:
    probabilities = np.full(targets.shape, np.nan, np.float32)
    sets = np.unique(targets, axis=0, return_inverse=True)[1].reshape(-1)
    folds = min(FOLDS, len(np.unique(groups)), np.bincount(sets).max(initial=0))  # no more than the largest set fills
    if folds < 2 or targets.shape[1] < 2:
        return probabilities
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a label set rarer than there are folds: some folds lack it
        parts = [part for part in splitter.split(features, sets, groups) if len(part[1])]  # few groups may leave none
    for done, (train, rest) in enumerate(parts, start=1):
        if multi_label:
            for label in range(targets.shape[1]):
                probabilities[rest, label] = _one_label(features[train], targets[train, label], features[rest])
        else:
            probabilities[rest] = _all_labels(features[train], targets[train], features[rest])
        report(done, len(parts))
    return probabilities


def _one_label(features: np.ndarray, given: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the probability of a label in other pictures, (M,); NaN where there is nothing to learn from."""
    if given.all() or not given.any():
        return np.full(len(others), np.nan, np.float32)
    model = LogisticRegression(C=INVERSE_PENALTY, solver="newton-cholesky").fit(features, given)
    probabilities: np.ndarray = model.predict_proba(others)[:, 1]
    return probabilities


def _all_labels(features: np.ndarray, targets: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the probability of each label in other pictures, (M, labels); NaN for those that none here has."""
    probabilities = np.full((len(others), targets.shape[1]), np.nan, np.float32)
    given = targets.argmax(1)
    present = np.unique(given)
    if len(present) > 1:
        model = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit(features, given)
        probabilities[:, present] = model.predict_proba(others)
    return probabilities
