import numpy as np
import pytest

from leafcore.measure.suspects import Judgement, judge_labels


def blobs(count: int = 240, labels: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return features in one blob per label, and the labels as (count, labels) bool."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % labels
    features = rng.normal(0, 0.25, (count, 8)).astype(np.float32)
    features[np.arange(count), kinds] += 2
    return features, np.eye(labels, dtype=bool)[kinds]


def flip(targets: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which some are another's, and which."""
    rows = np.random.default_rng(1).choice(len(targets), count, replace=False)
    wrong = targets.copy()
    wrong[rows] = np.roll(wrong[rows], 1, axis=1)
    return wrong, rows


def judge(features: np.ndarray, targets: np.ndarray, multi_label: bool, groups=None) -> Judgement:
    groups = np.arange(len(targets)) if groups is None else groups
    return judge_labels(features, targets, groups, multi_label=multi_label)


@pytest.mark.parametrize("multi_label", [False, True])
def test_wrong_labels_come_first_and_the_right_ones_are_suggested(multi_label):
    features, right = blobs()
    given, rows = flip(right, 24)
    judgement = judge(features, given, multi_label)
    first = np.argsort(-judgement.suspect)[:24]
    assert len(np.intersect1d(first, rows)) >= 22
    assert (judgement.suggested[rows] == right[rows]).all(1).sum() >= 22
    assert judgement.confidence[rows].mean() < 0.2 < 0.7 < np.delete(judgement.confidence, rows).mean()


def test_one_label_too_many_is_found_among_several():
    features, right = blobs()
    both = right.copy()
    both[::2] |= np.roll(right[::2], 1, axis=1)  # half of the pictures have two labels, and show it
    features[::2, :3] += 2 * (both & ~right)[::2]
    given = both.copy()
    given[7, :] = True
    judgement = judge(features, given, multi_label=True)
    assert judgement.suspect.argmax() == 7
    np.testing.assert_array_equal(judgement.suggested[7], both[7])


def test_pictures_of_a_group_do_not_vouch_for_each_other():
    """Each picture of a group is the same one, under the same wrong label; only others can tell."""
    features, given = blobs()
    features[:6], given[:6] = features[0], np.eye(3, dtype=bool)[1]
    groups = np.arange(len(given))
    apart = judge(features, given, multi_label=False, groups=groups)
    together = judge(features, given, multi_label=False, groups=np.where(groups < 6, 0, groups))
    assert together.suspect[:6].min() > apart.suspect[:6].max()


def test_a_label_of_a_single_group_cannot_be_judged():
    features, given = blobs()
    given[:4] = False
    alone = np.zeros((len(given), 1), bool)
    alone[:4] = True
    targets, groups = np.hstack([given, alone]), np.maximum(np.arange(len(given)), 3)
    judgement = judge(features, targets, multi_label=False, groups=groups)
    assert np.isnan(judgement.confidence[:4]).all() and (judgement.suspect[:4] == 0).all()
    np.testing.assert_array_equal(judgement.suggested[:4], targets[:4])
    assert not np.isnan(judgement.confidence[4:]).any()


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("counts", [(4, 4, 3), (2, 2)])
def test_label_sets_of_fewer_pictures_than_folds_are_judged_by_fewer_folds(counts, multi_label):
    given = np.eye(len(counts), dtype=bool)[np.repeat(np.arange(len(counts)), counts)]
    features, told = given @ np.eye(3, 8, dtype=np.float32)[: len(counts)] * 2, []
    judgement = judge_labels(
        features, given, np.arange(len(given)), multi_label=multi_label, report=lambda *at: told.append(at)
    )
    folds = max(counts)
    assert told == [(at, folds) for at in range(1, folds + 1)]
    assert not np.isnan(judgement.confidence[: counts[0]]).any() and (judgement.suggested == given).all()


@pytest.mark.parametrize("multi_label", [False, True])
def test_label_sets_of_a_picture_each_are_not_judged(multi_label):
    judgement = judge(*blobs(3), multi_label)
    assert np.isnan(judgement.confidence).all() and (judgement.suspect == 0).all()


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    "groups", [[0, 3, 2, 2, 1, 3, 0, 3, 0], [0, 0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 2, 2, 3, 3, 4]]
)
def test_pictures_of_few_groups_are_judged_though_a_fold_stays_empty(multi_label, groups):
    given = np.eye(2, dtype=bool)[[0, 0, 1, 1, 0, 0, 0, 1, 0]]
    judgement = judge(blobs(9)[0], given, multi_label, groups=np.array(groups))
    assert judgement.suspect.shape == (9,) and not np.isnan(judgement.suspect).any()


@pytest.mark.parametrize("multi_label", [False, True])
def test_where_all_labels_are_the_same_nothing_is_suspect(multi_label):
    features, _ = blobs(12)
    judgement = judge(features, np.ones((12, 1), bool), multi_label)
    assert np.isnan(judgement.confidence).all() and (judgement.suspect == 0).all() and judgement.suggested.all()


def test_scores_follow_the_papers_average():
    """Section 3 of Thyagarajan et al. 2022: from the best to the worst, 0.8 of the next and 0.2 of those before."""
    features, given = blobs()
    judgement = judge(features, given, multi_label=True)
    probabilities = judgement.probabilities[5].astype(float)
    agrees = sorted(np.where(given[5], probabilities, 1 - probabilities), reverse=True)
    expected = agrees[0]
    for value in agrees[1:]:
        expected = 0.8 * value + 0.2 * expected
    assert judgement.suspect[5] == pytest.approx(1 - expected, abs=1e-6)
    assert judgement.confidence[5] == pytest.approx(agrees[-1], abs=1e-6)
