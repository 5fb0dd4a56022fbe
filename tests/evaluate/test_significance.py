import numpy as np
import pytest

from leafcore.evaluate.significance import cochran_tests, mcnemar_tests, pairwise_tests

TRUTH = np.eye(2, dtype=bool)[[0] * 10 + [1] * 10]


def with_mistakes(*pictures):
    named = TRUTH.copy()
    named[list(pictures)] = ~named[list(pictures)]
    return named


def test_every_seed_has_its_own_table_against_the_baseline():
    decided = {
        "real": [with_mistakes(0, 1, 2, 3, 4, 5), with_mistakes(0)],
        "synthetic": [with_mistakes(0), with_mistakes(0, 1)],
    }
    tests = mcnemar_tests(TRUTH, decided, ["rust", "scab"])["synthetic"]
    first, second = tests.pictures
    assert (first.both, first.first, first.second, first.neither) == (14, 0, 5, 1)
    assert first.p == pytest.approx(2 / 2**5) and np.isinf(first.odds_ratio)
    assert (second.both, second.first, second.second, second.neither) == (18, 1, 0, 1) and second.odds_ratio == 0
    assert list(tests.labels) == ["rust", "scab"] and len(tests.labels["rust"]) == 2
    assert tests.labels["rust"][0].p_holm == pytest.approx(2 * first.p), "two labels were tested"


def test_arms_that_were_tested_together_are_corrected_together():
    poor, good = with_mistakes(0, 1, 2, 3, 4, 5), with_mistakes()
    decided = {"real": [poor], "weighted": [good], "synthetic": [good]}
    tests = mcnemar_tests(TRUTH, decided, ["rust", "scab"])
    assert [tests[arm].pictures[0].p_holm for arm in tests] == pytest.approx([4 / 2**6] * 2)


def test_more_than_two_arms_are_tested_together_too():
    poor, good = with_mistakes(0, 1, 2, 3, 4, 5), with_mistakes()
    assert cochran_tests(TRUTH, {"real": [poor], "weighted": [good]}) == ()
    (overall,) = cochran_tests(TRUTH, {"real": [poor], "weighted": [good], "synthetic": [good]})
    assert overall.q == pytest.approx(12) and overall.p < 0.01  # 2 * (3 * (14² + 20² + 20²) - 54²) / (3 * 54 - 150)


def test_every_pair_of_more_than_two_arms_is_tested_and_all_pairs_are_corrected_together():
    poor, good = with_mistakes(0, 1, 2, 3, 4, 5), with_mistakes()
    assert pairwise_tests(TRUTH, {"real": [poor], "weighted": [good]}) == ()
    pairs = pairwise_tests(TRUTH, {"real": [poor, good], "weighted": [good, good], "synthetic": [poor, poor]})
    assert [pair.arms for pair in pairs] == [("real", "weighted"), ("real", "synthetic"), ("weighted", "synthetic")]
    first, second = zip(*(pair.pictures for pair in pairs), strict=True)
    assert [(test.first, test.second) for test in first] == [(0, 6), (0, 0), (6, 0)]
    assert [test.p_holm for test in first] == pytest.approx([3 * 2 / 2**6, 1, 3 * 2 / 2**6])
    assert [(test.first, test.second) for test in second] == [(0, 0), (6, 0), (6, 0)]
