import numpy as np
import pytest

from leafcore.measure.masks import boundary_f, intersection_over_union


def test_intersection_over_union_by_hand():
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    one[:2], other[1:3] = True, True
    assert intersection_over_union(one, other) == pytest.approx(4 / 12)
    assert intersection_over_union(one, one) == 1 and intersection_over_union(one, ~one) == 0
    assert intersection_over_union(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


@pytest.fixture
def square():
    mask = np.zeros((100, 100), bool)
    mask[30:70, 30:70] = True
    return mask


def test_outlines_within_the_tolerance_agree(square):
    near, far = np.roll(square, 2, axis=0), np.roll(square, 12, axis=0)
    assert boundary_f(square, square) == 1.0
    assert boundary_f(square, near, tolerance=2 / 142) == 1.0, "2 px of a diagonal of 141"
    assert boundary_f(square, far, tolerance=2 / 142) < 0.7


def test_boundary_f_is_the_harmonic_mean_of_precision_and_recall(square):
    half = square.copy()
    half[:, 50:] = False
    outline, cut = 4 * 39, 2 * 39 + 2 * 19  # px
    # Of the half's outline the inner edge is wrong, but for what lies within 1 px of the square's; it holds the rest.
    precision = (cut - 38 + 2) / cut
    recall = (39 + 2 * 20 + 1) / outline
    expected = 2 * precision * recall / (precision + recall)
    assert boundary_f(half, square, tolerance=1 / 142) == pytest.approx(expected, abs=0.02)


def test_outlines_that_are_not_there(square):
    nothing = np.zeros_like(square)
    assert boundary_f(nothing, nothing) == 1.0 and boundary_f(nothing, ~nothing) == 1.0
    assert boundary_f(nothing, square) == 0.0 and boundary_f(square, nothing) == 0.0
    away = np.roll(square, 30, axis=(0, 1)) & square
    assert boundary_f(np.pad(square, 100)[:200, :200], np.pad(away, 100)[-200:, -200:], 1 / 283) == 0.0
