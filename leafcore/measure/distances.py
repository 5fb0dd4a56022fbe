"""How far sets of pictures are from each other, by the features of a frozen backbone. IS is torchmetrics'.

Features that another network gave have another scale: a distance is only ever compared with one in the same features.
"""

import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import nn
from torchmetrics.image.inception import InceptionScore

from leafcore.measure.manifold import radii
from leafcore.measure.projection import unit_length
from leafcore.measure.stats import JACKKNIFE_FOLDS, dealt, jackknife_sd

KID_FROM = 20  # pictures in each set, below which no KID is told
FID_FROM = 200  # the same of FID, whose bias grows as sets shrink (Binkowski et al. 2018, section 4)
IS_FROM = 200  # the same of the inception score, which ten splits of less than 20 pictures each would cap
MOST_OF_KID = 10_000  # pictures of each set, for what they cost grows with the square
ROWS = 512  # of the kernel, computed at once
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


def kid(
    fakes: np.ndarray,
    reals: np.ndarray,
    groups: Sequence[str] | None = None,
    real_groups: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the kernel inception distance: the unbiased squared MMD with the kernel (x y / D + 1)^3.

    Binkowski, Sutherland, Arbel, Gretton 2018, "Demystifying MMD GANs", arXiv 1801.01401, section 4; of whole sets, not
    of subsets of one size, whose spread would be that of the smaller set whatever the other one's size.

    Args:
        fakes: (N, D) float32; of more than 10,000 so many are drawn, and of the reals.
        reals: (M, D) float32.
        groups: (N,) what each fake belongs to; None: each stands for itself.
        real_groups: (M,) the same of the reals.
        seed: Of the folds that are left out, and of what is drawn.

    Returns:
        The distance, which may be a little below 0, and its standard deviation, see `jackknife_sd`.

    Raises:
        ValueError: A set has fewer than four pictures.
    """
    if min(len(fakes), len(reals)) < 4:
        raise ValueError(f"KID: got {len(fakes)} fakes and {len(reals)} reals, expected at least 4 of each.")
    rng = np.random.default_rng(seed)
    made, made_fold = _folded(fakes, groups, rng)
    real, real_fold = _folded(reals, real_groups, rng)
    within_made, within_real = _kernel_sums(made, made_fold), _kernel_sums(real, real_fold)
    across = _kernel_sums(made, made_fold, real, real_fold)
    counts, real_counts = np.bincount(made_fold), np.bincount(real_fold)

    def distance(kept: np.ndarray, real_kept: np.ndarray) -> float:
        """Return it of some folds of either set."""
        n, m = counts[kept].sum(), real_counts[real_kept].sum()
        fakes_alike = within_made[np.ix_(kept, kept)].sum() / (n * (n - 1))
        reals_alike = within_real[np.ix_(real_kept, real_kept)].sum() / (m * (m - 1))
        return float(fakes_alike + reals_alike - 2 * across[np.ix_(kept, real_kept)].sum() / (n * m))

    folds, real_folds = np.arange(len(counts)), np.arange(len(real_counts))
    sd = jackknife_sd(distance, folds.astype(str).tolist(), real_folds.astype(str).tolist())
    return distance(folds, real_folds), sd


def _folded(
    features: np.ndarray, groups: Sequence[str] | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return features as float64, drawn where there are too many, and the fold of each; a fold holds whole groups."""
    rows = np.sort(rng.permutation(len(features))[:MOST_OF_KID])
    belongs = np.arange(len(features)).astype(str) if groups is None else np.asarray(groups, str)
    return features[rows].astype(np.float64), dealt(belongs[rows], JACKKNIFE_FOLDS, rng)


def _kernel_sums(
    xs: np.ndarray, x_fold: np.ndarray, ys: np.ndarray | None = None, y_fold: np.ndarray | None = None
) -> np.ndarray:
    """Return the kernel's sum over all pairs of two folds, (folds, folds) float64; of one set, over different points.

    Args:
        xs: (N, D) float64.
        x_fold: (N,) int.
        ys: (M, D) float64; None: the same set.
        y_fold: (M,) int.
    """
    others, other_fold = (xs, x_fold) if ys is None or y_fold is None else (ys, y_fold)
    member = np.eye(other_fold.max() + 1)[other_fold]
    sums = np.zeros((x_fold.max() + 1, member.shape[1]))
    for start in range(0, len(xs), ROWS):
        rows = slice(start, start + ROWS)
        kernel = (xs[rows] @ others.T / xs.shape[1] + 1) ** 3
        if ys is None:
            np.fill_diagonal(kernel[:, start:], 0.0)
        np.add.at(sums, x_fold[rows], kernel @ member)
    return sums


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
