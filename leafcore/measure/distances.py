"""How far sets of pictures are from each other, by the features of a frozen backbone. KID and IS are torchmetrics'.

Features that another network gave have another scale: a distance is only ever compared with one in the same features.
"""

import warnings
from functools import partial

import numpy as np
import torch
from torch import nn
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from leafcore.measure.manifold import radii
from leafcore.measure.projection import unit_length

KID_FROM = 20  # pictures in each set, below which no KID is told
FID_FROM = 200  # the same of FID, whose bias grows as sets shrink (Binkowski et al. 2018, section 4)
IS_FROM = 200  # the same of the inception score, which ten splits of less than 20 pictures each would cap
SUBSETS = 100
MOST_IN_SUBSET = 1000  # torchmetrics' and Binkowski et al.'s
NEAR_PERCENTILE = 1.0  # of the distances of real pictures to train pictures

_QUIETLY = partial(warnings.catch_warnings, action="ignore", category=UserWarning)  # its buffers may grow, it says


class _Given(nn.Module):
    """Stands where torchmetrics wants a network, and hands on features that are known already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (N, D) features as they are."""
        return features


def kid(fakes: np.ndarray, reals: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """Return the kernel inception distance: the unbiased squared MMD with the kernel (x y / D + 1)^3.

    Binkowski, Sutherland, Arbel, Gretton 2018, "Demystifying MMD GANs", arXiv 1801.01401, section 4. It is the mean
    over 100 subsets of half the smaller set. Halves are what makes their spread the standard deviation of the whole
    (the delete-half jackknife: Shao and Wu 1989, "A general theory for jackknife variance estimation").

    Args:
        fakes: (N, D) float32.
        reals: (M, D) float32.
        seed: Of the subsets.

    Returns:
        The distance, which may be a little below 0, and its standard deviation.

    Raises:
        ValueError: A set has fewer than four pictures.
    """
    smaller = min(len(fakes), len(reals))
    if smaller < 4:
        raise ValueError(f"KID: got {len(fakes)} fakes and {len(reals)} reals, expected at least 4 of each.")
    size = min(smaller // 2, MOST_IN_SUBSET)
    with _QUIETLY(), torch.random.fork_rng(devices=[]):
        metric = KernelInceptionDistance(_Given(fakes.shape[1]), subsets=SUBSETS, subset_size=size)
        torch.manual_seed(seed)  # torchmetrics draws from the process's generator
        metric.update(torch.from_numpy(fakes).double(), real=False)
        metric.update(torch.from_numpy(reals).double(), real=True)
        mean, spread = metric.compute()
    return float(mean), float(spread)


def fid(fakes: np.ndarray, reals: np.ndarray) -> float:
    """Return the Frechet distance of two Gaussians that have the sets' means and covariances.

    Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter 2017, arXiv 1706.08500, equation 6. The trace of the root of
    R^T R S^T S is the sum of the singular values of R S^T: of a few hundred pictures that is a matrix of a few hundred
    rows, so an interval, which takes it forty times, comes fifty times as fast as by the root of the covariances.

    Args:
        fakes: (N, D) float32, N at least 2.
        reals: (M, D) float32, M at least 2.
    """
    first, second = _root(fakes), _root(reals)
    apart = (fakes.mean(0, dtype=np.float64) - reals.mean(0, dtype=np.float64)) ** 2
    shared = np.linalg.svd(first @ second.T, compute_uv=False)
    return float(apart.sum() + (first**2).sum() + (second**2).sum() - 2 * shared.sum())


def _root(features: np.ndarray) -> np.ndarray:
    """Return R with R^T R the covariance, (min(N, D), D) float64."""
    centered = (features - features.mean(0, dtype=np.float64)) / np.sqrt(len(features) - 1)
    rows, columns = centered.shape
    return np.asarray(np.linalg.qr(centered, mode="r")) if rows > columns else centered


def inception_score(logits: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """Return how sure and how varied a classifier is of pictures: exp of the mean KL of p(y|x) to p(y).

    Salimans et al. 2016, arXiv 1606.03498, section 4, over ten splits as there. It needs no real picture, and is only
    compared with one of as many pictures in the same classifier's eyes.

    Args:
        logits: (N, classes) float32, N at least 20.
        seed: Of the splits.

    Returns:
        The mean over the splits, from 1 to the number of classes, and their standard deviation.
    """
    with _QUIETLY(), torch.random.fork_rng(devices=[]):
        metric = InceptionScore(_Given(logits.shape[1]), splits=10)
        torch.manual_seed(seed)  # torchmetrics shuffles by the process's generator
        metric.update(torch.from_numpy(logits).double())
        mean, spread = metric.compute()
    return float(mean), float(spread)


def nearest(
    features: np.ndarray, others: np.ndarray, groups: np.ndarray | None = None, other_groups: np.ndarray | None = None
) -> np.ndarray:
    """Return how far each picture is from the nearest of some others: 1 - cosine, (N,) float32 in [0, 2].

    Args:
        features: (N, D) float32.
        others: (M, D) float32, M at least 1.
        groups: (N,) what each picture belongs to; with `other_groups`, none of its own group is its neighbour.
        other_groups: (M,) the same of the others.

    Returns:
        Infinity where all others are of the picture's own group.
    """
    distances = 1.0 - unit_length(features) @ unit_length(others).T
    if groups is not None and other_groups is not None:
        distances[np.asarray(groups)[:, None] == np.asarray(other_groups)[None]] = np.inf
    closest: np.ndarray = distances.min(1)
    return closest


def nearest_of_reals(
    features: np.ndarray,
    groups: np.ndarray,
    train: np.ndarray,
    train_groups: np.ndarray,
    percentile: float = NEAR_PERCENTILE,
) -> float:
    """Return the distance that all but a few real pictures keep from every train picture of another group.

    A fake that comes nearer shows a train picture again rather than the class. After the nearest-neighbour test of
    memorisation (Meehan, Chaudhuri, Dasgupta 2020, arXiv 2004.05675), which also sets fakes against held-out pictures.

    Args:
        features: (N, D) float32 of real pictures.
        groups: (N,) what each belongs to.
        train: (T, D) float32.
        train_groups: (T,).
        percentile: How many of 100 real pictures are nearer than that.

    Returns:
        NaN where fewer than 20 pictures have a neighbour of another group.
    """
    distances = nearest(features, train, groups, train_groups)
    known = distances[np.isfinite(distances)]
    return float(np.percentile(known, percentile)) if len(known) >= KID_FROM else float("nan")


def covered(fakes: np.ndarray, reals: np.ndarray, neighbors: int = 5) -> np.ndarray:
    """Say of each real picture whether a fake is nearer to it than its k-th nearest real one; their share is coverage.

    Naeem, Oh, Uh, Choi, Yoo 2020, "Reliable fidelity and diversity metrics", arXiv 2002.09797, equation 10; k = 5 as
    there. Fakes that are all alike cover few, however real they look. Distances are 1 - cosine.

    Args:
        fakes: (N, D) float32, N at least 1.
        reals: (M, D) float32, M more than `neighbors`.
        neighbors: k.

    Returns:
        (M,) bool. Of as many fakes as reals from one distribution, about 1 - 1 / 2^k are True.
    """
    within: np.ndarray = nearest(reals, fakes) < radii(reals, neighbors)
    return within
