"""Generators crossed with classifiers: components of variance by hand, and intervals that hold what they promise."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from leafcore.measure import crossed, stats
from leafcore.measure.bootstrap import CountBootstrap, GroupBootstrap, f1_from_counts
from leafcore.measure.crossed import LEAST_CLASSIFIERS, LEAST_GENERATORS, crossed_mean, mean_squares, spread
from leafcore.measure.stats import LEAST_GROUPS_IN_ALL
from tests.measure.test_bootstrap import LABELS, judged

PROBIT = norm.ppf(0.75)


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr(stats, "RESAMPLES", 400)


# --- where a spread comes from ----------------------------------------------------------------------------------------


def test_the_mean_squares_are_those_of_an_analysis_of_variance():
    table = np.random.default_rng(0).normal(size=(4, 3))
    row, column = np.indices(table.shape).reshape(2, -1)
    cells = pd.DataFrame({"y": table.ravel(), "row": row, "column": column})
    reference = anova_lm(ols("y ~ C(row) + C(column)", cells).fit())
    found = mean_squares(table)
    assert [found.rows, found.columns, found.rest] == pytest.approx(reference["mean_sq"])


def test_components_by_hand():
    table = np.array([[0.0, 1.0], [4.0, 5.0]])  # rows 4 apart, columns 1 apart, nothing else
    found = spread(table)
    assert (found.generators, found.classifiers, found.rest) == pytest.approx((np.sqrt(8), np.sqrt(0.5), 0))


def test_a_negative_component_is_told_as_nothing():
    found = spread(np.array([[0.0, 1.0], [1.0, 0.0]]))  # rows and columns are alike, cells are not
    assert (found.generators, found.classifiers, found.rest) == pytest.approx((0, 0, 1))


def test_the_components_of_many_generators_and_classifiers_are_the_planted_ones():
    rng = np.random.default_rng(1)
    table = 0.3 * rng.normal(size=(400, 1)) + 0.1 * rng.normal(size=(1, 300)) + 0.2 * rng.normal(size=(400, 300))
    found = spread(table)
    assert (found.generators, found.classifiers, found.rest) == pytest.approx((0.3, 0.1, 0.2), rel=0.1)


@pytest.mark.parametrize("shape", [(1, 3), (3, 1)])
def test_one_row_or_column_tells_nothing_of_a_spread(shape):
    assert np.isnan(vars(spread(np.ones(shape)))["generators"])


# --- the interval of the mean -----------------------------------------------------------------------------------------


def study(rng, generators=3, classifiers=3, groups=100, between=0.0):
    """Return counts of classifiers of real pictures, (C, 3, groups, labels), and of each generator, (G, C, ...).

    Generators differ by a standard deviation in probits, classifier seeds by 0.1; 0.1 is 0.03 of accuracy.
    """
    truth, difficulty = rng.integers(LABELS, size=groups), rng.normal(size=groups)

    def classifier(shift):
        return judged(rng, truth, difficulty, norm.cdf(PROBIT + shift), training_sd=0.05)[0]

    real = np.stack([classifier(0.1 * rng.normal()) for _ in range(classifiers)])
    of_seed = 0.1 * rng.normal(size=classifiers)
    of_generator = between * rng.normal(size=generators)
    return real, np.stack([np.stack([classifier(a + b) for b in of_seed]) for a in of_generator])


def interval_of(real, arms, seed=0):
    """Return the interval of the mean difference in macro-F1."""
    classifiers, _, groups, labels = real.shape
    draws = GroupBootstrap(groups, classifiers, seed)
    both = CountBootstrap(draws, real, np.ones(labels, bool))
    (base, base_draws), every = both.macro_f1(real), [both.macro_f1(arm) for arm in arms]
    table = np.stack([point - base for point, _ in every])
    return crossed_mean(draws, table, np.stack([drawn - base_draws for _, drawn in every]), seed)


def true_difference(between):
    """Return what generators that differ cost by themselves: accuracy is bent where it is high."""
    without, more = (norm.cdf(PROBIT / np.sqrt(1 + 0.1**2 + 0.05**2 + sd**2)) for sd in (0.0, between))
    return more - without


def share_held(between, groups, studies, **shape):
    """Return in what share of studies the interval holds the true difference, and how wide it is."""
    rng, true = np.random.default_rng(21), true_difference(between)
    found = [interval_of(*study(rng, groups=groups, between=between, **shape), seed) for seed in range(studies)]
    return np.mean([one.low <= true <= one.high for one in found]), np.mean([one.high - one.low for one in found])


def test_the_mean_is_that_of_the_scores_themselves():
    real, arms = study(np.random.default_rng(2))
    macro = [
        np.mean([f1_from_counts(one.sum(1)).mean() for one in counts]) for counts in (real, arms.reshape(9, 3, 100, 3))
    ]
    found = interval_of(real, arms)
    assert found.value == pytest.approx(macro[1] - macro[0]) and found.low < found.value < found.high


def test_of_generators_that_differ_95_of_100_intervals_hold_the_true_difference(few_resamples):
    held, _ = share_held(between=0.4, groups=300, studies=150)
    assert 0.92 <= held <= 0.99


def test_percentiles_of_three_generators_alone_would_hold_it_far_too_seldom(few_resamples, monkeypatch):
    monkeypatch.setattr(crossed, "half_width", lambda *_: 0.0)
    held, _ = share_held(between=0.4, groups=300, studies=150)
    assert held < 0.88


def test_of_generators_that_do_not_differ_few_equal_arms_are_called_different(few_resamples):
    held, _ = share_held(between=0.0, groups=100, studies=100)
    assert held >= 0.95


def test_with_more_generators_the_interval_is_narrower_and_still_holds(few_resamples):
    few, many = (share_held(between=0.4, groups=150, studies=100, generators=count) for count in (3, 8))
    assert many[1] < 0.6 * few[1] and many[0] >= 0.89


@pytest.mark.parametrize(
    "table",
    [np.array([[-1.0], [0.0], [1.0]]) + np.zeros((3, 3)), np.array([[-1.0, 0.0, 1.0]]) + np.zeros((3, 3))],
    ids=["generators", "classifiers"],
)
def test_generators_and_classifiers_are_resampled(table, monkeypatch):
    monkeypatch.setattr(crossed, "half_width", lambda *_: 0.0)
    draws = GroupBootstrap(40, 3, seed=0)
    found = crossed_mean(draws, table, np.repeat(table[..., None], stats.RESAMPLES, axis=-1), seed=0)
    assert (found.low, found.high) == (-1, 1), "one in 27 resamples holds the worst alone, one in 27 the best"


def test_test_groups_are_resampled(monkeypatch):
    monkeypatch.setattr(crossed, "half_width", lambda *_: 0.0)
    of_groups = np.random.default_rng(0).normal(size=stats.RESAMPLES)
    drawn = np.broadcast_to(of_groups, (3, 3, stats.RESAMPLES))
    found = crossed_mean(GroupBootstrap(40, 3, seed=0), np.zeros((3, 3)), drawn, seed=0)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(of_groups, [2.5, 97.5])))


def test_what_cells_share_is_the_covariance_of_those_without_a_row_or_column_in_common():
    drawn = np.random.default_rng(0).normal(size=(3, 4, 50)) + np.random.default_rng(1).normal(size=50)
    apart = [
        np.cov(drawn[a, c], drawn[b, d], ddof=0)[0, 1]
        for a, b in itertools.permutations(range(3), 2)
        for c, d in itertools.permutations(range(4), 2)
    ]
    assert crossed._covariance_apart(drawn) == pytest.approx(np.mean(apart))


def test_a_plain_difference_is_found():
    rng = np.random.default_rng(3)
    real, arms = study(rng, groups=200)
    truth, hard = rng.integers(LABELS, size=200), rng.normal(size=200)
    poor = np.concatenate([judged(rng, truth, hard, 0.45) for _ in range(3)])
    good = np.stack([np.concatenate([judged(rng, truth, hard, 0.85) for _ in range(3)]) for _ in range(3)])
    assert interval_of(poor, good).low > 0 and interval_of(good[0], np.stack([poor] * 3)).high < 0


def test_equal_classifiers_differ_by_nothing_surely():
    real, _ = study(np.random.default_rng(4))
    same = interval_of(real, np.stack([real] * 3))
    assert (same.value, same.low, same.high) == (0, 0, 0), "paired by classifier seed and by test group"


def test_generators_that_differ_widen_the_interval():
    rng = np.random.default_rng(5)
    real, alike = study(rng, groups=300)
    truth, hard = rng.integers(LABELS, size=300), rng.normal(size=300)
    different = np.stack(
        [np.concatenate([judged(rng, truth, hard, part) for _ in range(3)]) for part in (0.5, 0.7, 0.9)]
    )
    assert _width(interval_of(real, different)) > 2 * _width(interval_of(real, alike))


def _width(interval):
    return interval.high - interval.low


def test_the_same_seed_gives_the_same_interval():
    real, arms = study(np.random.default_rng(7))
    assert interval_of(real, arms, 3) == interval_of(real, arms, 3) != interval_of(real, arms, 4)


@pytest.mark.parametrize(
    ("generators", "classifiers", "groups"),
    [(LEAST_GENERATORS - 1, 3, 40), (3, LEAST_CLASSIFIERS - 1, 40), (3, 3, LEAST_GROUPS_IN_ALL - 1)],
)
def test_of_too_few_there_is_no_interval(generators, classifiers, groups):
    found = interval_of(*study(np.random.default_rng(8), generators, classifiers, groups))
    assert not found.is_known and np.isfinite(found.value)
    assert interval_of(*study(np.random.default_rng(8), 3, 3, 40)).is_known


def test_a_classifier_alone_is_scored_as_in_the_mean():
    real, _ = study(np.random.default_rng(9))
    both = CountBootstrap(GroupBootstrap(100, 3, 0), real, np.ones(LABELS, bool))
    point, drawn = both.macro_f1(real)
    assert point == pytest.approx([f1_from_counts(one.sum(1)).mean() for one in real])
    every = both.scores(real)["f1"]
    assert every.point[-1] == pytest.approx(point.mean()) and drawn.shape == (3, stats.RESAMPLES)
    seeds = both._draws.seeds
    assert every.draws[:, -1] == pytest.approx(drawn[seeds, np.arange(len(seeds))[:, None]].mean(1))
