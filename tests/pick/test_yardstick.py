"""What fakes are held against, on features made by hand."""

import numpy as np
import pytest

from leafcore.measure.distances import kid, nearest_of_reals
from leafcore.pick.scores import Score
from leafcore.pick.yardstick import Seen, Yardstick, distrust, mean, share, too_few

RNG = np.random.default_rng(0)
REALS = RNG.normal(0, 1, (40, 8)).astype(np.float32)
FAKES = RNG.normal(0.5, 1, (30, 8)).astype(np.float32)
GROUPS = [f"leaf-{row // 2}" for row in range(30)]


def yardstick(near: float = 0.0, withheld: dict[str, str] | None = None) -> Yardstick:
    return Yardstick("rust", REALS, REALS[:20], near, GROUPS, {"fid": "few"} if withheld is None else withheld)


def seen(**changes: np.ndarray) -> Seen:
    return Seen(FAKES, ["rust"] * 24 + ["scab rust"] * 6, changes)


def test_everything_is_measured_with_its_number_of_pictures():
    scores = yardstick(withheld={}).measure(seen(cycle=np.arange(30.0)))
    assert scores.keys() == {"kid", "fid", "target_rate", "near_copies", "cycle"}
    assert {score.n for score in scores.values()} == {30}
    assert (scores["kid"].value, scores["kid"].sd) == kid(FAKES, REALS)
    assert (scores["cycle"].value, scores["cycle"].sd) == (14.5, pytest.approx(np.arange(30).std()))


def test_what_is_withheld_is_not_measured():
    assert yardstick(withheld=dict.fromkeys(("kid", "fid", "target_rate", "cycle"), "")).measure(
        seen(cycle=np.ones(30))
    ).keys() == {"near_copies"}


def test_only_the_very_label_set_counts_as_the_target():
    assert yardstick().measure(seen())["target_rate"].value == 24 / 30


def test_a_fake_that_is_a_train_picture_is_a_near_copy():
    near = nearest_of_reals(REALS, np.arange(40), REALS[:20], np.arange(20))
    copied = Seen(np.concatenate([REALS[:3], FAKES[:27]]), ["rust"] * 30)
    assert yardstick(near).measure(copied)["near_copies"].value >= 3 / 30
    anew = Seen(np.random.default_rng(1).normal(0, 1, (30, 8)).astype(np.float32), ["rust"] * 30)
    assert yardstick(near).measure(anew)["near_copies"].value < 3 / 30


def test_real_pictures_of_one_leaf_are_no_measure_of_nearness():
    twins = np.repeat(REALS[:20], 2, axis=0) + 1e-4
    groups = np.repeat(np.arange(20), 2)
    assert nearest_of_reals(twins, groups, twins, groups) > 0.05
    assert nearest_of_reals(twins, np.arange(40), twins, np.arange(40)) < 1e-4
    assert np.isnan(nearest_of_reals(twins, np.zeros(40), twins, np.zeros(40)))


def test_a_share_has_wilsons_interval():
    """Of 10 in 10: [n / (n + z^2), 1]."""
    score = share([True] * 10)
    assert (score.value, score.n, score.sd) == (1.0, 10, 0.0)
    assert (score.low, score.high) == pytest.approx((10 / (10 + 1.959964**2), 1.0), abs=1e-6)


def test_a_mean_leaves_pictures_without_a_value_out_and_resamples_groups():
    score = mean(np.array([1.0, 3.0, np.nan, 5.0]), ["a", "b", "c", "d"])
    assert (score.value, score.n) == (3.0, 3)
    assert score.low == pytest.approx(1.0, abs=0.8) and score.high == pytest.approx(5.0, abs=0.8)
    alone = mean(np.array([1.0, 3.0]), ["a", "a"])
    assert (alone.value, alone.low, alone.high) == (2.0, None, None)


@pytest.mark.parametrize(
    ("fakes", "reals", "withheld"),
    [(19, 500, {"kid", "fid"}), (20, 20, {"fid"}), (200, 199, {"fid"}), (200, 200, set())],
)
def test_distances_need_pictures_enough_on_both_sides(fakes, reals, withheld):
    assert too_few(fakes, reals).keys() == withheld


def test_a_judge_is_believed_from_four_right_in_five():
    """By the mean over both label sets, so that the many healthy ones do not hide the few sick ones."""
    right = {"healthy": Score(value=1.0, n=900), "rust": Score(value=0.6, n=10)}
    assert distrust(right) == ""
    assert (
        "names 75% of real validation pictures rightly at this size (healthy 100% of 900, rust 50% of 10)"
        in distrust(right | {"rust": Score(value=0.5, n=10)})
    )


def test_a_judge_that_was_right_about_a_few_pictures_is_not_believed():
    few = {"healthy": Score(value=1.0, n=10), "rust": Score(value=1.0, n=9)}
    assert distrust(few).startswith("the judge was tried on 19 real validation pictures, expected at least 20; import")
