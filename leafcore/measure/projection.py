"""A map of pictures: features in two dimensions, neighbours beside each other."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

ARRANGED_BY = 50  # principal components that t-SNE reads
FITTED = 10_000  # points that t-SNE arranges itself, in a minute or two on two cores; the others are placed among them
PERPLEXITY = 30.0
NEIGHBOURS = 5


def principal_components(features: np.ndarray, components: int, *, seed: int = 0) -> np.ndarray:
    """Return features of unit length, as far as their first principal components tell them apart.

    Args:
        features: (N, D) float32.
        components: How many to keep, fewer where there are fewer pictures or features.
        seed: Of the randomized decomposition.

    Returns:
        (N, min(components, N, D)) float32, the most telling first; zeros if all pictures are the same.
    """
    count, units = min(components, *features.shape), unit_length(features)
    if (units == units[0]).all():
        return np.zeros((len(units), count), np.float32)
    reduced: np.ndarray = PCA(count, svd_solver="randomized", random_state=seed).fit_transform(units)
    return reduced.astype(np.float32)


def unit_length(features: np.ndarray) -> np.ndarray:
    """Return features scaled to length 1, (N, D) float32, so that products are cosines; zeros stay."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: np.ndarray = (features / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def project(components: np.ndarray, *, seed: int = 0, fitted: int = FITTED) -> np.ndarray:
    """Arrange pictures on a map: t-SNE (van der Maaten 2014, "Accelerating t-SNE using Tree-Based Algorithms").

    It reads the first 50 components and starts from the first two, so that the map's large lines are those of the
    features (Kobak and Berens 2019). Of more than `fitted` pictures a random sample is arranged; each other one lies at
    the mean place of its 5 nearest neighbours in the sample, the nearer the heavier.

    Args:
        components: (N, C) float32, as `principal_components` returns them.
        seed: Of the sample; the same seed gives the same map.
        fitted: How many pictures t-SNE arranges itself.

    Returns:
        (N, 2) float32; of fewer than four pictures simply their first two principal components.
    """
    count, reduced = len(components), components[:, :ARRANGED_BY]
    if count < 4:
        return np.pad(reduced, ((0, 0), (0, max(0, 2 - reduced.shape[1]))))[:, :2]
    rows = np.arange(count)
    if count > fitted:
        rows = np.sort(np.random.default_rng(seed).choice(count, fitted, replace=False))
    places = np.empty((count, 2), np.float32)
    places[rows] = _arrange(reduced[rows], seed)
    others = np.setdiff1d(np.arange(count), rows)
    if len(others):
        places[others] = _place(reduced[others], reduced[rows], places[rows])
    return places


def _arrange(reduced: np.ndarray, seed: int) -> np.ndarray:
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    scale = reduced[:, 0].std()
    if reduced.shape[1] < 2 or scale == 0.0:  # all alike: nothing to start from
        start: np.ndarray | str = "random"
    else:
        start = reduced[:, :2] / scale * 1e-4
    places: np.ndarray = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(reduced)
    return places


def _place(others: np.ndarray, sample: np.ndarray, places: np.ndarray) -> np.ndarray:
    nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(sample))).fit(sample)
    distances, rows = nearest.kneighbors(others)
    weights = 1.0 / np.maximum(distances, 1e-6)
    weights /= weights.sum(1, keepdims=True)
    placed: np.ndarray = np.einsum("nk,nkd->nd", weights, places[rows])
    return placed
