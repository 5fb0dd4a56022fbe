import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import f1_score, precision_recall_fscore_support

from leafcore.measure import stats
from leafcore.measure.bootstrap import (
    CountBootstrap,
    GroupBootstrap,
    confusion_counts,
    f1_from_counts,
    paired_bootstrap,
)
from leafcore.measure.stats import LEAST_GROUPS, LEAST_GROUPS_IN_ALL

LABELS = 3


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr(stats, "RESAMPLES", 400)


def judged(rng, truth, difficulty, accuracy, training_sd=0.0):
    """Return (1, 3, groups, labels) counts of one classifier: right where its luck beats the picture's difficulty.

    How good it is differs from training to training, by a standard deviation in probits; 0.1 is 0.03 of accuracy.
    """
    luck = np.sqrt(0.5) * difficulty + np.sqrt(0.5) * rng.normal(size=len(truth))
    trained = training_sd * rng.normal() if training_sd else 0.0
    right = luck < norm.ppf(accuracy) + trained
    said = np.where(right, truth, (truth + rng.integers(1, LABELS, len(truth))) % LABELS)
    groups = np.arange(len(truth))
    return confusion_counts(_one_hot(truth), _one_hot(said), groups, len(truth))[None]


def _one_hot(labels):
    return np.eye(LABELS, dtype=bool)[labels]


def pair(rng, groups=60, accuracies=(0.75, 0.75)):
    truth, difficulty = rng.integers(LABELS, size=groups), rng.normal(size=groups)
    return (*(judged(rng, truth, difficulty, accuracy) for accuracy in accuracies), _one_hot(truth).any(0))


# --- counts and F1 ----------------------------------------------------------------------------------------------------


def test_counts_by_hand():
    targets = np.array([[1, 0], [1, 0], [0, 1]], bool)
    predicted = np.array([[1, 0], [0, 1], [1, 1]], bool)
    true_positive, false_positive, false_negative = confusion_counts(targets, predicted, np.array([0, 0, 1]), 2)
    assert true_positive.tolist() == [[1, 0], [0, 1]]
    assert false_positive.tolist() == [[0, 1], [1, 0]]
    assert false_negative.tolist() == [[1, 0], [0, 0]]


def test_f1_from_counts_is_scikit_learns():
    rng = np.random.default_rng(0)
    targets, predicted = rng.random((2, 80, 4)) < 0.4
    counts = confusion_counts(targets, predicted, rng.integers(10, size=80), 10)
    assert f1_from_counts(counts.sum(1)) == pytest.approx(f1_score(targets, predicted, average=None), abs=1e-12)


def test_f1_of_a_label_that_nobody_saw_is_zero():
    assert f1_from_counts(np.zeros((3, 2))).tolist() == [0, 0]


# --- the bootstrap ----------------------------------------------------------------------------------------------------


def test_the_estimates_are_the_scores_themselves():
    rng = np.random.default_rng(1)
    first, second, labels = pair(rng)
    found = paired_bootstrap(first, second, labels, seed=0)
    for intervals, counts in ((found.first, first), (found.second, second)):
        f1 = f1_from_counts(counts[0].sum(1))
        assert [interval.value for interval in intervals] == pytest.approx([*f1, f1.mean()])
    assert [b.value - a.value for a, b in zip(found.first, found.second, strict=True)] == pytest.approx(
        [interval.value for interval in found.difference]
    )


def test_intervals_contain_their_estimates():
    rng = np.random.default_rng(2)
    for seed in range(5):
        found = paired_bootstrap(*pair(rng), seed=seed)
        for interval in (*found.first, *found.second, *found.difference):
            assert interval.low <= interval.value <= interval.high


def test_the_mean_over_seeds_is_taken():
    rng = np.random.default_rng(3)
    first, second, labels = pair(rng)
    both = np.concatenate([first, second])
    found = paired_bootstrap(both, both, labels, seed=0)
    alone = paired_bootstrap(first, second, labels, seed=0)
    assert found.first[-1].value == pytest.approx((alone.first[-1].value + alone.second[-1].value) / 2)


def test_the_same_seed_gives_the_same_intervals():
    rng = np.random.default_rng(4)
    arms = pair(rng)
    assert paired_bootstrap(*arms, seed=5) == paired_bootstrap(*arms, seed=5) != paired_bootstrap(*arms, seed=6)


def test_equal_arms_differ_by_nothing():
    rng = np.random.default_rng(5)
    first, _, labels = pair(rng)
    found = paired_bootstrap(first, first, labels, seed=0)
    assert all((i.value, i.low, i.high) == (0, 0, 0) for i in found.difference), "paired: the same groups in both arms"


def test_labels_without_a_test_picture_do_not_count_in_macro():
    rng = np.random.default_rng(6)
    first, second, labels = pair(rng)
    padded = [np.concatenate([counts, np.zeros_like(counts[..., :1])], axis=-1) for counts in (first, second)]
    found = paired_bootstrap(*padded, np.array([*labels, False]), seed=0)
    assert found.difference[-1] == paired_bootstrap(first, second, labels, seed=0).difference[-1]


def test_groups_are_resampled_not_pictures():
    rng = np.random.default_rng(7)
    first, second, labels = pair(rng, groups=40)
    whole = paired_bootstrap(first, second, labels, seed=0).difference[-1]
    copied = [np.repeat(counts, 9, axis=2) for counts in (first, second)]  # nine pictures of each leaf, judged alike
    grouped = [counts.reshape(1, 3, 40, 9, LABELS).sum(3) for counts in copied]
    naive = paired_bootstrap(*copied, labels, seed=0).difference[-1]
    honest = paired_bootstrap(*grouped, labels, seed=0).difference[-1]
    assert honest.high - honest.low == pytest.approx(whole.high - whole.low)
    assert naive.high - naive.low < 0.5 * (honest.high - honest.low), "nine copies of a picture prove nothing"


def test_of_equal_classifiers_about_one_in_twenty_is_called_different(few_resamples):
    rng = np.random.default_rng(8)
    different = [paired_bootstrap(*pair(rng), seed=seed).difference[-1].excludes_zero for seed in range(200)]
    assert 0.02 <= np.mean(different) <= 0.08


def test_of_equal_classifiers_with_several_seeds_fewer_are_called_different(few_resamples):
    rng = np.random.default_rng(9)
    different = []
    for seed in range(60):
        truth, difficulty = rng.integers(LABELS, size=60), rng.normal(size=60)
        first, second = (np.concatenate([judged(rng, truth, difficulty, 0.75) for _ in range(3)]) for _ in range(2))
        different.append(paired_bootstrap(first, second, _one_hot(truth).any(0), seed).difference[-1].excludes_zero)
    assert np.mean(different) <= 0.08


def test_one_seed_does_not_see_how_trainings_differ_and_three_do(few_resamples):
    """Null pairs of arms whose trainings differ by 0.03: why a verdict needs `LEAST_SEEDS`."""
    rng = np.random.default_rng(14)
    different = {1: [], 3: []}
    for seed in range(200):
        truth, difficulty = rng.integers(LABELS, size=150), rng.normal(size=150)
        arms = [[judged(rng, truth, difficulty, 0.75, training_sd=0.1) for _ in range(3)] for _ in range(2)]
        for seeds, found in different.items():
            first, second = (np.concatenate(arm[:seeds]) for arm in arms)
            found.append(paired_bootstrap(first, second, _one_hot(truth).any(0), seed).difference[-1].excludes_zero)
    assert np.mean(different[1]) > 0.12, "so that one seed is called different far too often"
    assert np.mean(different[3]) <= 0.08


def test_a_planted_difference_is_found(few_resamples):
    rng = np.random.default_rng(10)
    for seed in range(20):
        found = paired_bootstrap(*pair(rng, groups=200, accuracies=(0.6, 0.85)), seed=seed).difference[-1]
        assert found.low > 0, "and has its sign: second minus first"


def test_of_200_planted_gains_of_a_tenth_at_least_four_in_five_are_found(few_resamples):
    """On 250 pictures; on 150 it is seven in ten: what is not found may be there all the same."""
    rng = np.random.default_rng(11)
    found = [paired_bootstrap(*pair(rng, 250, (0.75, 0.85)), seed=seed).difference[-1] for seed in range(200)]
    assert np.mean([one.value for one in found]) == pytest.approx(0.10, abs=0.01), "macro-F1 of equally common labels"
    assert np.mean([one.low > 0 for one in found]) >= 0.8
    assert not any(one.high < 0 for one in found)


def test_95_of_100_intervals_hold_the_true_difference(few_resamples):
    """Leaves of one to four pictures, judged alike in part: groups are what is independent."""
    rng = np.random.default_rng(12)

    def draw(leaves):
        sizes = rng.integers(1, 5, leaves)
        group = np.repeat(np.arange(leaves), sizes)
        truth, difficulty = rng.integers(LABELS, size=leaves)[group], rng.normal(size=leaves)[group]
        hot = []
        for accuracy in (0.7, 0.8):
            right = np.sqrt(0.5) * (difficulty + rng.normal(size=len(group))) < norm.ppf(accuracy)
            hot.append(_one_hot(np.where(right, truth, (truth + rng.integers(1, LABELS, len(group))) % LABELS)))
        return [confusion_counts(_one_hot(truth), said, group, leaves)[None] for said in hot]

    true = np.subtract(*(f1_from_counts(counts[0].sum(1)).mean() for counts in reversed(draw(100_000))))
    hits = []
    for seed in range(300):
        interval = paired_bootstrap(*draw(100), np.ones(LABELS, bool), seed).difference[-1]
        hits.append(interval.low <= true <= interval.high)
    assert 0.92 <= np.mean(hits) <= 0.98


# --- scores beside F1 -------------------------------------------------------------------------------------------------


def test_precision_and_recall_are_scikit_learns_and_have_intervals_too():
    rng = np.random.default_rng(13)
    truth = rng.integers(LABELS, size=60)
    said = np.where(rng.random(60) < 0.7, truth, rng.integers(LABELS, size=60))
    counts = confusion_counts(_one_hot(truth), _one_hot(said), np.arange(60), 60)[None]
    both = CountBootstrap(GroupBootstrap(60, 1, seed=0), counts, np.ones(LABELS, bool))
    for average, found in (("macro", both.scores(counts)), ("micro", both.micro(counts))):
        reference = precision_recall_fscore_support(truth, said, average=average)[:3]
        intervals = [found[name].intervals()[-1] for name in ("precision", "recall", "f1")]
        assert [one.value for one in intervals] == pytest.approx(reference)
        assert all(one.low < one.value < one.high for one in intervals)


def test_a_share_is_of_the_drawn_groups_and_seeds():
    draws = GroupBootstrap(40, 2, seed=0)
    right = np.zeros((2, 40, 1))
    right[0, :30], right[1, :10] = 1, 1
    (found,) = draws.ratio(right, np.ones_like(right)).intervals()
    assert found.value == 0.5 and found.low < 0.3 and found.high > 0.7, "a resample may hold one seed only"


def test_what_cannot_be_said_of_the_pictures_has_no_interval():
    draws = GroupBootstrap(4, 1, seed=0)
    point, drawn = np.array([[0.5, np.nan]]), np.full((1, len(draws.weights), 2), 0.5)
    known, unknown = draws.over_seeds(point, drawn).intervals()
    assert known.is_known and not unknown.is_known


# --- rare labels ------------------------------------------------------------------------------------------------------

SIX = 6


def six_labels(rng, rare, right_rare=0.6, right=0.85):
    """Return the counts of a classifier, (1, 3, groups, 6): five labels of 20 groups, and one of a few."""
    truth = np.concatenate([np.repeat(np.arange(SIX - 1), 20), np.full(rare, SIX - 1)])
    correct = rng.random(len(truth)) < np.where(truth == SIX - 1, right_rare, right)
    said = np.where(correct, truth, (truth + rng.integers(1, SIX, len(truth))) % SIX)
    hot = np.eye(SIX, dtype=bool)
    return confusion_counts(hot[truth], hot[said], np.arange(len(truth)), len(truth))[None]


EVERY = np.ones(SIX, bool)


@pytest.mark.parametrize("rare", [1, 2, LEAST_GROUPS, 10])
def test_a_perfect_classifier_is_surely_perfect(rare):
    counts = six_labels(np.random.default_rng(0), rare, right_rare=1, right=1)
    found = paired_bootstrap(counts, counts, EVERY, seed=0)
    assert (found.first[-1].low, found.first[-1].value, found.first[-1].high) == (1, 1, 1)
    assert all((one.low, one.high) == (1, 1) for one in found.first[: SIX - 1])
    assert found.first[SIX - 1].value == 1 and found.first[SIX - 1].is_known is (rare >= LEAST_GROUPS)
    assert found.difference[SIX - 1].is_known is (rare >= LEAST_GROUPS)


def test_a_label_that_no_test_group_shows_has_no_interval():
    counts = six_labels(np.random.default_rng(0), 10)[..., : SIX - 1]
    padded = np.concatenate([counts, np.zeros_like(counts[..., :1])], axis=-1)
    found = paired_bootstrap(padded, padded, np.array([*EVERY[:-1], False]), seed=0)
    assert [one.is_known for one in found.first] == [True] * 5 + [False] + [True]


@pytest.mark.parametrize(("groups", "is_known"), [(LEAST_GROUPS_IN_ALL - 1, False), (LEAST_GROUPS_IN_ALL, True)])
def test_macro_needs_more_test_groups_than_a_label(groups, is_known):
    truth = _one_hot(np.arange(groups) % LABELS)
    counts = confusion_counts(truth, truth, np.arange(groups), groups)[None]
    found = paired_bootstrap(counts, counts, np.ones(LABELS, bool), seed=0)
    assert [one.is_known for one in found.difference] == [True] * LABELS + [is_known]
    assert [one.is_known for one in found.first] == [True] * LABELS + [is_known]


def clustered(rng, groups):
    """Return the counts of two equally good arms of three seeds: ten pictures a group, alike in part."""
    group = np.repeat(np.arange(groups), 10)
    truth, shared = (np.arange(groups) % LABELS)[group], rng.normal(size=groups)
    arms = []
    for _ in range(2):
        of_arm = np.sqrt(0.5) * (shared + rng.normal(size=groups))
        seeds = [judged(rng, truth, of_arm[group], 0.75, training_sd=0.1) for _ in range(3)]
        arms.append(np.concatenate(seeds).reshape(3, 3, groups, 10, LABELS).sum(3))
    return arms


def test_of_equal_arms_few_are_called_different_from_the_least_number_of_test_groups_on(few_resamples, monkeypatch):
    monkeypatch.setattr("leafcore.measure.bootstrap.LEAST_GROUPS_IN_ALL", LEAST_GROUPS)
    different = {}
    for groups in (LEAST_GROUPS, LEAST_GROUPS_IN_ALL):
        rng, every = np.random.default_rng(99), np.ones(LABELS, bool)
        pairs = (paired_bootstrap(*clustered(rng, groups), every, seed) for seed in range(1000))
        different[groups] = np.mean([pair.difference[-1].excludes_zero for pair in pairs])
    assert different[LEAST_GROUPS] > 0.11 and different[LEAST_GROUPS_IN_ALL] < 0.1


def test_too_few_test_groups_give_no_interval_at_all():
    counts = confusion_counts(np.eye(2, dtype=bool), np.eye(2, dtype=bool), np.arange(2), 2)[None]
    found = paired_bootstrap(counts, counts, np.array([True, True]), seed=0)
    assert not any(one.is_known for one in (*found.first, *found.difference)) and found.first[-1].value == 1
    nothing = paired_bootstrap(counts * 0, counts * 0, np.array([False, False]), seed=0)
    assert not any(one.is_known for one in nothing.first)


def test_one_group_of_a_rare_label_does_not_make_an_improvement(few_resamples):
    first = six_labels(np.random.default_rng(1), 1, right_rare=0)
    second = first.copy()
    second[0, :, -1] = 0
    second[0, 0, -1, -1] = 1  # the only group of the rare label, right now
    found = paired_bootstrap(first, second, EVERY, seed=0).difference[-1]
    assert found.value > 0.05 and not found.excludes_zero


@pytest.mark.parametrize("rare", [2, 3])
def test_intervals_of_macro_f1_hold_what_they_say_where_a_label_is_rare(few_resamples, rare):
    rng = np.random.default_rng(2)
    true = f1_from_counts(sum(six_labels(rng, rare)[0].sum(1) for _ in range(2000))).mean()
    hits = []
    for seed in range(200):
        counts = six_labels(rng, rare)
        found = paired_bootstrap(counts, counts, EVERY, seed).first[-1]
        hits.append(found.low <= true <= found.high)
    assert np.mean(hits) >= 0.9
