import numpy as np
import pytest

from leafcore.measure.bootstrap import GroupBootstrap
from leafcore.measure.calibration import BINS, bin_of, calibration_error, curve, judged

TRUTH = np.array([[1, 0], [0, 1], [0, 1]], bool)
SAID = np.array([[0.9, 0.1], [0.8, 0.2], [0.35, 0.65]])


def test_a_picture_of_one_class_is_judged_by_its_highest_probability():
    said, true, picture = judged(TRUTH, SAID, exclusive=True)
    assert said.tolist() == [0.9, 0.8, 0.65] and true.tolist() == [True, False, True] and picture.tolist() == [0, 1, 2]


def test_a_picture_of_several_labels_is_judged_by_all():
    said, true, picture = judged(TRUTH, SAID, exclusive=False)
    assert said.tolist() == SAID.ravel().tolist() and true.tolist() == TRUTH.ravel().tolist()
    assert picture.tolist() == [0, 0, 1, 1, 2, 2]


def test_the_curve_by_hand():
    said, true = np.array([0.05, 0.61, 0.65, 0.95, 1.0]), np.array([False, True, False, True, True])
    found = curve(said, true)
    assert [n for _, _, n in found] == [1, 2, 2] and [share for _, share, _ in found] == [0, 0.5, 1]
    assert [mean for mean, _, _ in found] == pytest.approx([0.05, 0.63, 0.975])


def test_every_probability_is_in_a_bin():
    assert set(bin_of(np.linspace(0, 1, 1001))) == set(range(BINS))


def test_the_calibration_error_by_hand():
    said, true = np.array([0.05, 0.61, 0.65, 0.95, 1.0]), np.array([False, True, False, True, True])
    seeds = [(said, true, np.arange(5))] * 2
    (found,) = calibration_error(seeds, np.arange(5), GroupBootstrap(5, 2, seed=0)).intervals()
    assert found.value == pytest.approx((1 * 0.05 + 2 * 0.13 + 2 * 0.025) / 5)
    assert found.low <= found.value <= found.high <= 1


def test_probabilities_that_come_true_as_often_as_said_have_next_to_no_error():
    rng = np.random.default_rng(0)
    said = rng.random(4000)
    seeds = [(said, rng.random(4000) < said, np.arange(4000) // 10)]
    (found,) = calibration_error(seeds, np.arange(400), GroupBootstrap(400, 1, seed=0)).intervals()
    assert (
        found.value
        < 0.03
        < calibration_error(
            [(np.sqrt(said), seeds[0][1], seeds[0][2])], np.arange(400), GroupBootstrap(400, 1, seed=0)
        ).point[0]
    )
