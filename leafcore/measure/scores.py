"""Scores of predictions against what is true. The arithmetic is scikit-learn's."""

from collections.abc import Sequence

import numpy as np

THRESHOLD = 0.5  # of a sigmoid


def predicted_labels(
    probabilities: np.ndarray, multi_label: bool, thresholds: np.ndarray | float = THRESHOLD
) -> np.ndarray:
    """Decide which labels probabilities mean; every picture gets at least one.

    Args:
        probabilities: (N, labels) float in [0, 1].
        multi_label: Whether a picture may have several.
        thresholds: From which probability a label is named, one for all or (labels,), if a picture may have several.

    Returns:
        (N, labels) bool: the most probable label alone, unless a picture may have several; then all at or above their
        thresholds, and the most probable one only where none is.
    """
    best = np.zeros(probabilities.shape, bool)
    if len(probabilities):
        best[np.arange(len(probabilities)), probabilities.argmax(1)] = True
    if not multi_label:
        return best
    passed = probabilities >= thresholds
    passed[~passed.any(1)] = best[~passed.any(1)]
    return passed


def set_probability(probabilities: np.ndarray, decided: np.ndarray, *, exclusive: bool) -> np.ndarray:
    """Return how probable it is that each picture has exactly the labels that were decided for it.

    Args:
        probabilities: (N, labels) float in [0, 1].
        decided: (N, labels) bool, as `predicted_labels` returns it.
        exclusive: Whether they are a softmax's, of one label each; else every label is told for itself, and the
            probability is the product over all labels of p where it was decided for, of 1 - p where against.

    Returns:
        (N,) float64 in [0, 1].
    """
    values, chosen = np.asarray(probabilities, np.float64), np.asarray(decided, bool)
    if exclusive:
        one: np.ndarray = np.where(chosen, values, 0.0).sum(1)
        return one
    product: np.ndarray = np.where(chosen, values, 1.0 - values).prod(1)
    return product


def macro_f1(targets: np.ndarray, predicted: np.ndarray) -> float:
    """Return the unweighted mean of F1 over the labels that occur in `targets`.

    Args:
        targets: (N, labels), 0 or 1.
        predicted: (N, labels), 0 or 1.
    """
    occurs = np.asarray(targets).sum(0) > 0
    if not occurs.any():
        return 0.0
    return float(per_label(targets, predicted)["f1"][occurs].mean())


def per_label(targets: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall, F1 and support of each label, each (labels,); 0 where nothing can be divided."""
    from sklearn.metrics import precision_recall_fscore_support  # heavy, and pages need what is above only

    precision, recall, f1, support = precision_recall_fscore_support(
        np.asarray(targets).astype(int), np.asarray(predicted).astype(int), average=None, zero_division=0
    )
    return {"precision": precision, "recall": recall, "f1": f1, "support": support}


def set_confusion(true_sets: Sequence[str], predicted_sets: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Count which label set was taken for which.

    Args:
        true_sets: The label set of each picture, all in `names`.
        predicted_sets: What was predicted; a set outside `names` counts in the last column.
        names: The label sets, in order.

    Returns:
        (len(names), len(names) + 1) int: rows are true, columns predicted, the last column is any other set.
    """
    from sklearn.metrics import confusion_matrix

    known = set(names)
    shown = [name if name in known else "" for name in predicted_sets]
    matrix: np.ndarray = confusion_matrix(list(true_sets), shown, labels=[*names, ""])
    return matrix[:-1]
