import numpy as np
import pytest
from sklearn.metrics import classification_report, f1_score

from leafcore.measure.scores import macro_f1, per_label, predicted_labels, set_confusion, set_probability

LABELS = ["healthy", "rust", "scab"]


def drawn(seed, count=60, labels=4):
    rng = np.random.default_rng(seed)
    return rng.random((count, labels)) < 0.4, rng.random((count, labels)) < 0.5


def test_one_label_is_the_most_probable_one():
    probabilities = np.array([[0.2, 0.5, 0.3], [0.4, 0.35, 0.25]])
    assert predicted_labels(probabilities, multi_label=False).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_several_labels_are_those_at_or_above_one_half_and_never_none():
    probabilities = np.array([[0.5, 0.9, 0.1], [0.2, 0.4, 0.1], [0.49, 0.51, 0.5]])
    assert predicted_labels(probabilities, multi_label=True).tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 1]]


def test_the_most_probable_label_joins_only_where_none_passes():
    assert predicted_labels(np.array([[0.6, 0.7], [0.3, 0.4]]), multi_label=True).tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize("multi_label", [False, True])
def test_no_pictures_have_no_labels(multi_label):
    assert predicted_labels(np.zeros((0, 3)), multi_label).shape == (0, 3)


def test_macro_f1_by_hand():
    targets = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]])
    predicted = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])
    # healthy: 1 hit, 1 missed: 2/3. rust: 1 hit, 1 false, 1 missed: 1/2. scab occurs nowhere and does not count.
    assert macro_f1(targets, predicted) == pytest.approx((2 / 3 + 1 / 2) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_scikit_learns_where_every_label_occurs(seed):
    targets, predicted = drawn(seed)
    assert macro_f1(targets, predicted) == pytest.approx(f1_score(targets, predicted, average="macro"), abs=1e-12)


def test_macro_f1_of_nothing_is_zero():
    assert macro_f1(np.zeros((0, 3)), np.zeros((0, 3))) == 0.0


def test_scores_per_label_are_scikit_learns():
    targets, predicted = drawn(9)
    report = classification_report(targets, predicted, output_dict=True, zero_division=0)
    for name, ours in (("precision", "precision"), ("recall", "recall"), ("f1-score", "f1"), ("support", "support")):
        assert per_label(targets, predicted)[ours] == pytest.approx([report[str(index)][name] for index in range(4)])


def test_what_cannot_be_divided_scores_zero():
    scores = per_label(np.array([[1, 0]]), np.array([[0, 0]]))
    assert [scores[name].tolist() for name in ("precision", "recall", "f1")] == [[0, 0], [0, 0], [0, 0]]


def test_confusion_counts_label_sets_and_puts_unknown_ones_last():
    true = ["healthy", "healthy", "rust", "rust scab", "rust scab"]
    predicted = ["healthy", "rust", "rust", "scab", "rust scab"]
    names = ["healthy", "rust", "rust scab"]
    assert set_confusion(true, predicted, names).tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]


def test_a_set_that_nobody_predicted_still_has_its_column():
    assert set_confusion(["rust"], ["healthy"], LABELS).shape == (3, 4)


def test_a_label_s_probability_is_the_softmax_s():
    said = np.array([[0.2, 0.5, 0.3], [0.9, 0.06, 0.04]])
    decided = predicted_labels(said, multi_label=False)
    assert set_probability(said, decided, exclusive=True).tolist() == [0.5, 0.9]


def test_a_label_set_s_probability_is_that_of_every_decision_at_once():
    said = np.array([[0.9, 0.8, 0.3], [0.1, 0.2, 0.6]])
    decided = predicted_labels(said, multi_label=True)
    wanted = [0.9 * 0.8 * (1 - 0.3), (1 - 0.1) * (1 - 0.2) * 0.6]
    assert set_probability(said, decided, exclusive=False) == pytest.approx(wanted)
