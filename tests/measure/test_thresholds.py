import numpy as np
import pytest
from sklearn.metrics import f1_score

from leafcore.measure.scores import predicted_labels
from leafcore.measure.thresholds import choose_thresholds


def test_the_threshold_has_the_highest_f1_by_hand():
    said = np.array([[0.1], [0.2], [0.3], [0.35], [0.9]])
    truth = np.array([[0], [0], [1], [1], [1]])
    assert choose_thresholds(truth, said, exclusive=False) == pytest.approx([0.25])


def test_no_threshold_does_better():
    rng = np.random.default_rng(0)
    truth = rng.random((40, 3)) < 0.3
    said = np.clip(truth * 0.3 + rng.random((40, 3)) * 0.7, 0, 1)
    chosen = choose_thresholds(truth, said, exclusive=False)
    for label in range(3):
        best = max(f1_score(truth[:, label], said[:, label] >= at) for at in np.linspace(0, 1, 500))
        assert f1_score(truth[:, label], said[:, label] >= chosen[label]) == pytest.approx(best)


def test_of_equals_the_one_nearest_to_a_half_is_taken():
    assert choose_thresholds(np.array([[0], [1]]), np.array([[0.1], [0.9]]), exclusive=False).tolist() == [0.5]


def test_nothing_is_chosen_where_labels_exclude_each_other_or_none_is_shown():
    said = np.array([[0.3, 0.1], [0.2, 0.1]])
    assert choose_thresholds(np.array([[1, 0], [0, 0]]), said, exclusive=True).tolist() == [0.5, 0.5]
    assert choose_thresholds(np.array([[1, 0], [0, 0]]), said, exclusive=False).tolist() == [0.25, 0.5]


def test_every_label_is_named_from_its_own_threshold_on():
    named = predicted_labels(np.array([[0.3, 0.6], [0.1, 0.2]]), True, np.array([0.3, 0.7]))
    assert named.tolist() == [[True, False], [False, True]], "the most probable one where none passes"
