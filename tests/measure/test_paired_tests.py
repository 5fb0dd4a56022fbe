import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from leafcore.measure.paired_tests import cochran_q, holm, mcnemar


def outcomes(both, first, second, neither):
    """Return where each of two is right, for a 2 x 2 table."""
    one = np.repeat([True, True, False, False], [both, first, second, neither])
    other = np.repeat([True, False, True, False], [both, first, second, neither])
    return one, other


def test_mcnemar_of_a_textbook_table():
    """Approval of the British prime minister, twice; Agresti 2002, Categorical Data Analysis, 2nd ed., table 10.1."""
    found = mcnemar(*outcomes(794, 150, 86, 570))
    assert (found.both, found.first, found.second, found.neither) == (794, 150, 86, 570)
    assert found.p == pytest.approx(4.115e-5, rel=1e-3)  # chi-squared (|150 - 86| - 1)² / 236 = 16.82, corrected


def test_cochrans_q_of_two_is_mcnemars_statistic_without_correction():
    q, p = cochran_q(np.stack(outcomes(794, 150, 86, 570), axis=1))
    assert q == pytest.approx(17.36, abs=0.005), "z0 = -4.17, squared, as Agresti prints it"
    assert p == pytest.approx(3.1e-5, rel=0.02)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(9, 1, 2 * (1 + 10) / 2**10), (5, 0, 2 / 2**5), (3, 3, 1.0), (0, 0, 1.0)],
)
def test_below_25_discordant_pictures_it_is_exact(first, second, p):
    assert mcnemar(*outcomes(20, first, second, 4)).p == pytest.approx(p)


def test_from_25_discordant_pictures_on_it_is_corrected_for_continuity():
    from scipy.stats import binomtest, chi2

    assert mcnemar(*outcomes(9, 20, 4, 9)).p == pytest.approx(binomtest(4, 24).pvalue)
    assert mcnemar(*outcomes(9, 20, 5, 9)).p == pytest.approx(chi2.sf((20 - 5 - 1) ** 2 / 25, 1))


def test_equal_classifiers_do_not_differ():
    assert cochran_q(np.array([[True] * 3, [False] * 3])) == (0.0, 1.0)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_holm_is_statsmodels():
    p = np.random.default_rng(0).random(30) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
