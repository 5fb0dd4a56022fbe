"""Distances between sets of pictures, against what can be worked out by hand."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from leafcore.measure import distances
from leafcore.measure.distances import covered, fid, inception_score, kid, nearest


class Given(nn.Module):
    """Hands torchmetrics features instead of what a network makes of pictures."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def kernel(x: np.ndarray, y: np.ndarray) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def mmd(xs: np.ndarray, ys: np.ndarray) -> float:
    """Return the unbiased squared MMD as it is written: means over pairs of different points, and over all pairs."""
    within = [np.mean([kernel(a, b) for a, b in itertools.permutations(part, 2)]) for part in (xs, ys)]
    return within[0] + within[1] - 2 * float(np.mean([kernel(a, b) for a, b in itertools.product(xs, ys)]))


def test_kid_of_four_points_is_the_one_worked_out_by_hand():
    fakes, reals = np.array([[0, 0], [0, 0], [2, 0], [2, 0]], np.float32), np.zeros((4, 2), np.float32)
    # The kernel of (2, 0) with itself is (4 / 2 + 1)^3 = 27, and 1 wherever (0, 0) takes part: of the six pairs of
    # fakes one has 27, so that it is 26 / 6. Without a (0, 0) one of three pairs has it, without a (2, 0) none has;
    # the reals are all alike.
    value, sd = kid(fakes, reals)
    assert value == pytest.approx(26 / 6)
    assert sd == pytest.approx(np.sqrt(3 * np.var([26 / 3, 26 / 3, 0, 0])))


def test_kid_is_the_unbiased_mmd_of_all_points():
    rng = np.random.default_rng(0)
    fakes, reals = rng.normal(0.5, 1, (40, 6)).astype(np.float32), rng.normal(0, 1, (40, 6)).astype(np.float32)
    assert kid(fakes, reals)[0] == pytest.approx(mmd(fakes, reals))


def test_of_large_sets_some_are_drawn_and_the_kernel_comes_in_parts(monkeypatch):
    fakes, reals = np.random.default_rng(0).normal(size=(2, 40, 3)).astype(np.float32)
    whole = kid(fakes, reals)
    monkeypatch.setattr(distances, "ROWS", 7)
    assert kid(fakes, reals) == pytest.approx(whole)
    monkeypatch.setattr(distances, "MOST_OF_KID", 30)
    assert kid(fakes, reals)[1] > 0 and kid(fakes, reals)[0] != pytest.approx(whole[0])


@pytest.mark.parametrize(("count", "real_count"), [(60, 60), (60, 600), (600, 60)])
def test_kid_tells_how_sure_it_is_whatever_the_sizes(count, real_count):
    """Its standard deviation is about the spread of KID over sets drawn anew."""
    rng = np.random.default_rng(1)
    drawn = [
        kid(rng.normal(0.4, 1, (count, 8)).astype(np.float32), rng.normal(0, 1, (real_count, 8)).astype(np.float32))
        for _ in range(200)
    ]
    told, true = np.mean([sd for _, sd in drawn]), np.std([value for value, _ in drawn])
    assert told / true == pytest.approx(1, abs=0.25)


def test_kid_of_pictures_that_come_in_groups_is_less_sure():
    """Four children of a source are nearly one picture: told as their groups, that is in its standard deviation."""
    rng = np.random.default_rng(3)
    reals = rng.normal(size=(400, 4)).astype(np.float32)
    drawn = np.repeat(rng.normal(0.4, 1, (30, 4)), 4, axis=0).astype(np.float32)
    groups = [f"source-{row // 4}" for row in range(120)]
    alone, together = kid(drawn, reals), kid(drawn, reals, groups)
    assert alone[0] == pytest.approx(together[0]) and together[1] > 1.5 * alone[1]
    assert np.isnan(kid(drawn, reals, ["one", "two"] * 60)[1]), "two groups tell nothing of it"


def test_kid_is_the_same_twice_and_leaves_the_process_s_generator_alone():
    rng = np.random.default_rng(2)
    fakes, reals = rng.normal(size=(2, 20, 3)).astype(np.float32)
    before = torch.get_rng_state()
    assert kid(fakes, reals) == kid(fakes, reals)
    assert torch.equal(before, torch.get_rng_state())


def test_kid_refuses_what_is_too_small():
    with pytest.raises(ValueError, match="got 3 fakes and 9 reals"):
        kid(np.zeros((3, 2), np.float32), np.zeros((9, 2), np.float32))


def test_fid_of_gaussians_is_the_closed_form():
    """Of diagonal ones: |mean - mean|^2 + the sum of (sd - sd)^2; made exact by points on the axes."""

    def cross(mean: tuple[float, float], sds: tuple[float, float]) -> np.ndarray:
        corners = np.array(list(itertools.product((-1, 1), (-1, 1))), float)
        return (np.array(mean) + corners * np.array(sds) * np.sqrt(3 / 4)).astype(np.float32)  # variance over n - 1

    value = fid(cross((0, 0), (1, 2)), cross((3, 4), (2, 5)))
    assert value == pytest.approx(25 + 1 + 9, rel=1e-4)


def test_nearest_is_one_minus_the_highest_cosine():
    features = np.array([[1, 0], [0, 3]], np.float32)
    others = np.array([[2, 0], [1, 1]], np.float32)
    assert nearest(features, others) == pytest.approx([0, 1 - np.sqrt(0.5)], abs=1e-6)


def test_a_picture_of_one_s_own_group_is_no_neighbour():
    features = np.array([[1, 0], [0, 1]], np.float32)
    groups = np.array(["a", "b"])
    assert nearest(features, features, groups, groups) == pytest.approx([1, 1])
    assert np.isinf(nearest(features[:1], features[:1], groups[:1], groups[:1])).all()


def test_a_real_picture_is_covered_by_a_fake_among_its_neighbours():
    """On the unit circle: reals at 0, 10, 20 and 90 degrees; the nearest other real is 10, 10, 10 and 70 away."""

    def at(*degrees: float) -> np.ndarray:
        angles = np.radians(degrees)
        return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)

    reals = at(0, 10, 20, 90)
    assert covered(at(-5), reals, neighbors=1).tolist() == [True, False, False, False]
    assert covered(at(25), reals, neighbors=1).tolist() == [False, False, True, True], "65 degrees is less than 70"
    assert covered(at(-5), reals, neighbors=2).tolist() == [True, False, False, False]
    assert covered(at(22), reals, neighbors=2).tolist() == [False, False, True, True]


def test_of_one_distribution_nearly_all_is_covered_and_by_copies_of_one_picture_nearly_nothing():
    rng = np.random.default_rng(0)
    reals, fakes = rng.normal(size=(2, 400, 16)).astype(np.float32)
    assert covered(fakes, reals).mean() == pytest.approx(1 - 1 / 2**5, abs=0.03)
    assert covered(np.repeat(fakes[:1], 400, axis=0), reals).mean() < 0.1


def test_the_inception_score_of_sure_and_even_answers_is_the_number_of_classes():
    even = np.tile(np.eye(4, dtype=np.float32) * 50, (500, 1))
    value, sd = inception_score(even)
    assert value == pytest.approx(4, rel=0.05) and sd < 0.1
    assert inception_score(np.zeros((200, 4), np.float32)) == pytest.approx((1, 0), abs=1e-6)  # unsure of everything


def test_the_inception_score_is_the_one_written_down():
    logits = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)  # ten splits of two
    before = torch.get_rng_state()
    value, _ = inception_score(logits, seed=3)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(3)
    p = torch.from_numpy(logits).double()[torch.randperm(20)].softmax(1).numpy().reshape(10, 2, 3)
    torch.set_rng_state(before)
    kl = (p * (np.log(p) - np.log(p.mean(1, keepdims=True)))).sum(2).mean(1)
    assert value == pytest.approx(np.exp(kl).mean())


@pytest.mark.parametrize(("fakes", "reals"), [(30, 50), (50, 9)])
def test_fid_is_torchmetrics_one_of_more_and_of_fewer_pictures_than_features(fakes, reals):
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.3, 1.5, (fakes, 16)), rng.normal(0, 1, (reals, 16)) @ rng.normal(0, 1, (16, 16))
    oracle = FrechetInceptionDistance(Given(16))
    oracle.update(torch.from_numpy(first), real=False)
    oracle.update(torch.from_numpy(second), real=True)
    assert fid(first.astype(np.float32), second.astype(np.float32)) == pytest.approx(float(oracle.compute()), rel=1e-4)
