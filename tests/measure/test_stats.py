import math

import numpy as np
import pytest
from scipy.stats import binomtest

from leafcore.measure.stats import (
    Interval,
    exact_interval,
    group_means,
    group_share,
    jackknife_sd,
    wilson_interval,
)

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


# --- shares and jackknives over groups --------------------------------------------------------------------------------


def ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def test_of_pictures_that_are_groups_of_their_own_a_share_has_wilson_s_interval():
    hits = [True] * 7 + [False] * 5
    assert ends(group_share(hits, [str(row) for row in range(12)])) == pytest.approx(ends(wilson_interval(7, 12)))


def test_pictures_that_are_there_four_times_tell_as_much_as_once():
    hits, groups = [True] * 7 + [False] * 5, [str(row) for row in range(12)]
    assert ends(group_share(hits * 4, groups * 4)) == pytest.approx(ends(wilson_interval(7, 12)))


def test_where_all_hit_each_group_counts_as_one():
    found = group_share([True] * 40, ["a"] * 20 + ["b"] * 20)
    assert ends(found) == pytest.approx(ends(wilson_interval(2, 2)))


def test_the_jackknife_of_a_mean_is_its_standard_error():
    """Each picture left out in turn: exactly sd / sqrt(n) of each sample, added as variances."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=20), rng.normal(size=15)
    names = [str(row) for row in range(20)]
    sd = jackknife_sd(lambda a, b: float(first[a].mean() - second[b].mean()), names, names[:15])
    assert sd == pytest.approx(np.sqrt(first.var(ddof=1) / 20 + second.var(ddof=1) / 15))


def test_the_jackknife_leaves_whole_groups_out():
    values = np.repeat(np.random.default_rng(1).normal(size=10), 6)
    groups = np.repeat([str(row) for row in range(10)], 6).tolist()
    sd = jackknife_sd(lambda rows: float(values[rows].mean()), groups)
    assert sd == pytest.approx(values[::6].std(ddof=1) / np.sqrt(10)), "sixty pictures, but ten groups"


def test_two_groups_are_too_few_for_a_jackknife():
    assert np.isnan(jackknife_sd(lambda rows: float(len(rows)), ["a", "a", "b"]))
