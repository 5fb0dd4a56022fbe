import numpy as np

from leafcore.measure import neighbors
from leafcore.measure.neighbors import similar_pairs
from leafcore.measure.projection import unit_length


def units(count: int, seed: int = 0) -> np.ndarray:
    return unit_length(np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32))


def names(count: int) -> np.ndarray:
    return np.array([f"{row:03d}" for row in range(count)])


def by_hand(vectors: np.ndarray, lowest: float) -> set[tuple[int, int]]:
    cosines = vectors @ vectors.T
    count = len(vectors)
    return {(i, j) for i in range(count) for j in range(i + 1, count) if cosines[i, j] >= lowest}


def test_all_pairs_above_the_bound_are_found(monkeypatch):
    vectors = units(60)
    monkeypatch.setattr(neighbors, "BLOCK_CELLS", 60 * 7)  # so that the last block is a short one
    first, second, cosines = similar_pairs(vectors, names(60), lowest=0.9, most=10_000)
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    assert set(pairs) == by_hand(vectors, 0.9) and len(pairs) > 20
    np.testing.assert_allclose(cosines, [vectors[i] @ vectors[j] for i, j in pairs], atol=1e-6)
    assert (np.diff(cosines) <= 0).all()


def test_of_too_many_pairs_the_most_alike_are_kept(monkeypatch):
    vectors = units(60)
    monkeypatch.setattr(neighbors, "BLOCK_CELLS", 60 * 7)
    everything = similar_pairs(vectors, names(60), lowest=0.5, most=10_000)
    some = similar_pairs(vectors, names(60), lowest=0.5, most=25)
    for whole, part in zip(everything, some, strict=True):
        np.testing.assert_array_equal(part, whole[:25])


def test_the_same_file_twice_is_no_pair():
    vectors = np.repeat(units(1), 3, axis=0)
    first, second, _ = similar_pairs(vectors, np.array(["a", "b", "a"]), lowest=0.9, most=10)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (1, 2)]


def test_a_single_picture_has_no_pair():
    first, second, cosines = similar_pairs(units(1), names(1), lowest=0.9, most=10)
    assert len(first) == len(second) == len(cosines) == 0
