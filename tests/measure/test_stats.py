import math

import numpy as np
import pytest
from scipy.stats import binomtest

from leafcore.measure.stats import Interval, exact_interval, group_means, wilson_interval

# --- exact intervals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", [1, 2, 7, 20, 40])
def test_the_exact_interval_is_scipys(trials):
    for hits in range(trials + 1):
        reference = binomtest(hits, trials).proportion_ci(0.95, method="exact")
        got = exact_interval(hits, trials)
        assert (got.value, got.low, got.high) == pytest.approx(
            (hits / trials, reference.low, reference.high), abs=1e-12
        )


@pytest.mark.parametrize(
    ("low", "high", "excludes"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False), (0.0, 0.3, False), (-1, 0.0, False)],
)
def test_an_interval_that_touches_zero_includes_it(low, high, excludes):
    assert Interval((low + high) / 2, low, high).excludes_zero is excludes


def test_an_interval_without_ends_is_not_known_and_excludes_nothing():
    unknown = Interval(0.7, math.nan, math.nan)
    assert not unknown.is_known and not unknown.excludes_zero and Interval(0.7, 0.6, 0.8).is_known


def test_wilsons_interval_is_the_formula_of_1927():
    z, n, p = 1.959963984540054, 20, 0.25
    centre, half = (p + z**2 / (2 * n)), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    got = wilson_interval(5, 20)
    assert (got.value, got.low, got.high) == pytest.approx(
        (p, (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)), abs=1e-12
    )
    assert (wilson_interval(0, 20).low, wilson_interval(20, 20).high) == pytest.approx((0, 1))


# --- means over groups ------------------------------------------------------------------------------------------------


def test_a_group_is_drawn_with_all_its_pictures():
    values = np.array([[0.0], [0.0], [0.0], [0.9], [0.3]])
    mean, low, high = group_means(values, ["a", "a", "a", "b", "c"])[:, 0]
    assert mean == pytest.approx(0.24), "of the pictures, not of the groups"
    assert low == 0.0 and high == pytest.approx(0.9), "all of one group may be drawn"


def test_means_of_too_few_groups_have_no_interval():
    found = group_means(np.ones((6, 2)), list("aaabbb"))
    assert (found[0] == 1).all() and np.isnan(found[1:]).all()


def test_an_interval_of_means_narrows_as_groups_come():
    rng = np.random.default_rng(0)
    widths = []
    for count in (10, 1000):
        _, low, high = group_means(rng.random((count, 1)), [str(index) for index in range(count)])[:, 0]
        widths.append(high - low)
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(1 / 12 / 1000), rel=0.1) and widths[1] < widths[0] / 5
