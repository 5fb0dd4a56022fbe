import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from leafcore.measure import ranking
from leafcore.measure.ranking import ranked


@pytest.mark.parametrize("digits", [1, 6], ids=["with ties", "without"])
def test_both_are_scikit_learns_of_weighted_pictures(digits, monkeypatch):
    rng = np.random.default_rng(0)
    truth, said = rng.random(50) < 0.3, rng.random(50).round(digits)
    weights = rng.integers(0, 4, size=(9, 50))
    monkeypatch.setattr(ranking, "AT_ONCE", 100)  # two resamples at a time
    auroc, precision = ranked(truth, said, np.arange(50), weights.astype(np.float32))
    assert auroc == pytest.approx([roc_auc_score(truth, said, sample_weight=row) for row in weights], abs=1e-6)
    reference = [average_precision_score(truth, said, sample_weight=row) for row in weights]
    assert precision == pytest.approx(reference, abs=1e-6)


def test_where_nothing_can_be_ranked_it_is_unknown():
    truth, weights = np.array([True, False]), np.array([[1.0, 1], [1, 0], [0, 1]])
    auroc, precision = ranked(truth, np.array([0.9, 0.1]), np.arange(2), weights)
    assert auroc[0] == precision[0] == 1 and np.isnan(auroc[1:]).all() and np.isnan(precision[1:]).all()


def test_pictures_of_a_group_weigh_what_their_group_does():
    rng = np.random.default_rng(1)
    truth, said, group = rng.random(30) < 0.5, rng.random(30), rng.integers(0, 6, 30)
    weights = rng.integers(1, 4, size=(5, 6)).astype(np.float32)
    grouped, single = (ranked(truth, said, *how) for how in ((group, weights), (np.arange(30), weights[:, group])))
    assert np.array_equal(grouped, single)
