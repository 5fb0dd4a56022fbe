"""Precision, recall and density of pictures on the unit circle, where every distance can be seen."""

import numpy as np
import pytest

from leafcore.measure.manifold import densities, distances, lies_within, mean_distance, radii


def at(*degrees: float) -> np.ndarray:
    """Return features in these directions, of various lengths, which must not matter."""
    angles = np.radians(degrees)
    lengths = np.arange(1, len(degrees) + 1)[:, None]
    return (np.stack([np.cos(angles), np.sin(angles)], 1) * lengths).astype(np.float32)


def arc(degrees: float) -> float:
    """Return 1 - cosine."""
    return 1 - np.cos(np.radians(degrees))


REALS = at(0, 10, 30, 90)  # the nearest other one is 10, 10, 20 and 60 degrees away


def test_distances_are_one_minus_cosine():
    assert distances(at(0, 90), at(30, 180)) == pytest.approx(np.array([[arc(30), 2], [arc(60), arc(90)]]), abs=1e-6)


def test_a_radius_reaches_the_kth_nearest_other_picture():
    assert radii(REALS, 1) == pytest.approx([arc(10), arc(10), arc(20), arc(60)], abs=1e-6)
    assert radii(REALS, 2) == pytest.approx([arc(30), arc(20), arc(30), arc(80)], abs=1e-6)


def test_precision_counts_fakes_within_a_ball_of_a_real_picture():
    assert lies_within(at(-5, -15, 45, 151), REALS, 1).tolist() == [True, False, True, False]


def test_recall_is_precision_the_other_way_round():
    fakes = at(0, 4, 50)  # balls of 4, 4 and 46 degrees
    assert lies_within(REALS, fakes, 1).tolist() == [True, True, True, True]
    assert lies_within(REALS, at(0, 4), 1).tolist() == [True, False, False, False]


def test_density_counts_the_balls_around_a_fake():
    # 22 degrees lies in the ball of 30 (8 < 20) only; 5 in those of 0 and 10; 35 of 30 and 90 (55 < 60); 170 of none.
    assert densities(at(22, 5, 35, 170), REALS, 1).tolist() == [1, 2, 2, 0]
    assert densities(at(170), REALS, 2).tolist() == [0]


def test_of_one_distribution_density_is_about_one_and_precision_is_fooled_by_an_odd_picture():
    rng = np.random.default_rng(0)
    reals, fakes = rng.normal(size=(2, 400, 8)).astype(np.float32) + [4, *[0] * 7]
    assert densities(fakes, reals).mean() == pytest.approx(1, abs=0.1)
    far = -np.abs(fakes)  # on the other side, where one real picture is the mistake of somebody
    odd = np.concatenate([reals, far.mean(0, keepdims=True)])
    assert lies_within(far, odd).mean() > 0.9 and densities(far, odd).mean() < 0.3


def test_the_mean_distance_is_over_pairs_of_different_pictures():
    assert mean_distance(at(0, 60, 180)) == pytest.approx((arc(60) + arc(180) + arc(120)) / 3, abs=1e-6)
    assert mean_distance(at(20, 20, 20)) == pytest.approx(0, abs=1e-6)
