"""Cohen's kappa against tables in textbooks and against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from leafcore.measure.agreement import cohens_kappa


def raters(table: list[list[int]]) -> tuple[list[int], list[int]]:
    """Return what two raters say of each item, by how often they say which pair of words."""
    cells = [(row, column) for row, counts in enumerate(table) for column, n in enumerate(counts) for _ in range(n)]
    first, second = zip(*cells, strict=True)
    return list(first), list(second)


def test_kappa_of_two_pathologists():
    """Agresti 2002, "Categorical Data Analysis", 2nd edition, table 10.8 and section 10.5.4: 0.493, its error 0.057."""
    found = cohens_kappa(*raters([[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]]), range(4))
    assert found.value == pytest.approx(0.493, abs=5e-4)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.057, abs=5e-4)


def test_kappa_of_two_psychologists_is_cohen_s():
    """Cohen 1960, "A coefficient of agreement for nominal scales", table 1, of 200: 0.492."""
    found = cohens_kappa(*raters([[88, 14, 18], [10, 40, 10], [2, 6, 12]]), range(3))
    assert found.value == pytest.approx((140 / 200 - 0.41) / (1 - 0.41), abs=1e-9) == pytest.approx(0.4915, abs=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_kappa_is_scikit_learn_s(weighted):
    rng = np.random.default_rng(0)
    first = rng.integers(1, 6, 60)
    second = np.clip(first + rng.integers(-1, 2, 60), 1, 5)
    found = cohens_kappa(first.tolist(), second.tolist(), (1, 2, 3, 4, 5), weighted=weighted)
    wanted = cohen_kappa_score(first, second, labels=[1, 2, 3, 4, 5], weights="quadratic" if weighted else None)
    assert found.value == pytest.approx(wanted) and found.low < wanted < found.high


def test_words_that_lie_apart_disagree_more():
    near, far = (cohens_kappa([1, 1, 3, 5, 5], [other, 1, 3, 5, 5], (1, 2, 3, 4, 5), weighted=True) for other in (2, 5))
    assert near.value > far.value


def test_where_all_agree_or_one_says_one_word_there_is_no_interval_and_of_one_word_no_kappa():
    perfect = cohens_kappa(["a", "b"], ["a", "b"], ("a", "b"))
    assert perfect.value == pytest.approx(1) and not perfect.is_known
    stubborn = cohens_kappa(["a", "b", "b"], ["a", "a", "a"], ("a", "b"))
    assert stubborn.value == pytest.approx(0) and not stubborn.is_known
    assert math.isnan(cohens_kappa(["a", "a"], ["a", "a"], ("a", "b")).value)
    assert math.isnan(cohens_kappa([], [], ("a", "b")).value)


@pytest.mark.parametrize(("table", "end"), [([[9, 1], [0, 10]], "high"), ([[1, 9], [10, 0]], "low")])
def test_the_interval_of_kappa_stays_within_what_kappa_can_be(table, end):
    found = cohens_kappa(*raters(table), range(2))
    assert -1 <= found.low < found.value < found.high <= 1 and abs(getattr(found, end)) == 1
