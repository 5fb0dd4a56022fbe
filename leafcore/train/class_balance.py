"""What makes up for rare labels: heavier errors, or pictures that are drawn more often."""

import numpy as np


def class_weights(targets: np.ndarray, *, exclusive: bool) -> np.ndarray:
    """Return how much an error on each label weighs.

    Args:
        targets: (N, labels), 1 where a picture is of the label.
        exclusive: Whether each picture has exactly one.

    Returns:
        (labels,) float32. Of one label each: N / (labels * count), so that every label weighs as much in all (King and
        Zeng 2001; scikit-learn's "balanced"). Of several: what a positive weighs beside a negative, their ratio, as
        `BCEWithLogitsLoss` takes it. A label that no picture has counts as one that a single picture has.
    """
    counts = np.maximum(np.asarray(targets).sum(0), 1)
    total = len(targets)
    weights = total / (len(counts) * counts) if exclusive else np.maximum(total - counts, 1) / counts
    return np.asarray(weights, np.float32)


def picture_weights(targets: np.ndarray) -> np.ndarray:
    """Return how often each picture is drawn, in proportion: as its rarest label asks, one in as many as have it.

    Args:
        targets: (N, labels), 1 where a picture is of the label; each has at least one.

    Returns:
        (N,) float64, positive. Where each picture has one label, all labels come up equally often.
    """
    present = np.asarray(targets, bool)
    counts = present.sum(0)
    rarest = np.where(present, counts, present.shape[0]).min(1)
    return np.asarray(1.0 / rarest, np.float64)
