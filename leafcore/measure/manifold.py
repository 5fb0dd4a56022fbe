"""How well one set of pictures covers another, by each picture's nearest neighbours in the features of a backbone.

The region of a set is the union of balls around its pictures, each as wide as the way to the k-th nearest other one
(Kynkäänniemi, Karras, Laine, Lehtinen, Aila 2019, "Improved precision and recall metric for assessing generative
models", arXiv 1904.06991, equation 1). Distances are 1 - cosine.
"""

import numpy as np

from leafcore.measure.projection import unit_length

NEIGHBOURS = 5  # k of Naeem et al. 2020, also for precision and recall, as in their code


def radii(features: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Return how far each picture is from its k-th nearest other one, (N,) float32.

    Args:
        features: (N, D) float32, N more than `neighbours`.
        neighbours: k.
    """
    among = distances(features, features)
    np.fill_diagonal(among, np.inf)
    kth: np.ndarray = np.partition(among, neighbours - 1, axis=1)[:, neighbours - 1]
    return kth


def distances(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return 1 - cosine of each picture to each other, (N, M) float32 in [0, 2]."""
    apart: np.ndarray = 1.0 - unit_length(features) @ unit_length(others).T
    return apart


def lies_within(features: np.ndarray, others: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Say of each picture whether it lies in the region of others, (N,) bool.

    The share of fakes within the region of real pictures is precision, that of real pictures within the region of
    fakes is recall (Kynkäänniemi et al. 2019, equation 2).

    Args:
        features: (N, D) float32.
        others: (M, D) float32, M more than `neighbours`.
        neighbours: k.
    """
    within = distances(features, others) < radii(others, neighbours)
    return np.asarray(within.any(1))


def densities(fakes: np.ndarray, reals: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Return in how many balls of real pictures each fake lies, over k, (N,) float64; their mean is density.

    Naeem, Oh, Uh, Choi, Yoo 2020, arXiv 2002.09797, equation 5. Unlike precision it is not fooled by one odd real
    picture with a wide ball; about 1 for fakes of the real distribution, and not bounded by 1.

    Args:
        fakes: (N, D) float32.
        reals: (M, D) float32, M more than `neighbours`.
        neighbours: k.
    """
    inside: np.ndarray = (distances(fakes, reals) < radii(reals, neighbours)).sum(1) / neighbours
    return inside


def mean_distance(features: np.ndarray) -> float:
    """Return the mean distance of two different pictures of a set, in [0, 2]: 0 if all are alike.

    It is what Zhu et al. 2017 ("Toward multimodal image-to-image translation", arXiv 1711.11586, section 4) take of
    LPIPS, here of the distance 1 - cosine between a backbone's last features.

    Args:
        features: (N, D) float32, N at least 2.
    """
    count, total = len(features), unit_length(features).sum(0, dtype=np.float64)
    return float(1.0 - (total @ total - count) / (count * (count - 1)))
