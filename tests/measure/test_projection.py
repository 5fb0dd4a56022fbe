import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from leafcore.measure.projection import principal_components, project, unit_length


def clusters(each: int = 40, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(3), each)
    return (rng.normal(size=(3, size))[kinds] * 4 + rng.normal(size=(3 * each, size))).astype(np.float32), kinds


def purity(places: np.ndarray, kinds: np.ndarray) -> float:
    """Return the share of nearest neighbours on the map that are of the same kind."""
    rows = NearestNeighbors(n_neighbors=6).fit(places).kneighbors(return_distance=False)
    return float((kinds[rows] == kinds[:, None]).mean())


@pytest.mark.parametrize("fitted", [1000, 60], ids=["all arranged", "half placed among the others"])
def test_what_is_alike_lies_together(fitted):
    features, kinds = clusters()
    places = project(principal_components(features, 8), fitted=fitted)
    assert places.shape == (120, 2) and places.dtype == np.float32
    assert purity(places, kinds) > 0.95


def test_the_same_seed_gives_the_same_map():
    features, _ = clusters()
    one, other = (project(features, seed=3, fitted=60) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_few_pictures_get_a_map(count):
    places = project(principal_components(clusters()[0][:count], 8))
    assert places.shape == (count, 2) and np.isfinite(places).all()


def test_equal_pictures_get_a_map():
    assert np.isfinite(project(principal_components(np.ones((12, 6), np.float32), 4))).all()


def test_components_are_those_of_unit_features():
    features, _ = clusters()
    reduced = principal_components(features, 12)
    units = unit_length(features)
    np.testing.assert_allclose(np.linalg.norm(units, axis=1), 1, atol=1e-6)
    centred = units - units.mean(0)
    np.testing.assert_allclose(reduced @ reduced.T, centred @ centred.T, atol=1e-4)


def test_nothing_has_no_length():
    np.testing.assert_array_equal(unit_length(np.zeros((2, 3), np.float32)), np.zeros((2, 3)))
