"""Every measure of drawn features, against the functions that it is made of and against what must hold."""

from dataclasses import replace

import numpy as np
import pytest

from leafcore.measure.distances import covered, fid, kid, nearest
from leafcore.measure.manifold import densities, lies_within, mean_distance
from leafcore.quality import measuring
from leafcore.quality.measuring import measure
from leafcore.quality.pictures import Pictures, Reference
from leafcore.quality.result import MEASURES

KEYS = {"kid", "fid", "precision", "recall", "density", "coverage", "diversity", "nearest_train", "near_copies"}


def drawn(count, seed=0, shift=0.0, per_group=1, called="", labels="rust") -> Pictures:
    """Return features drawn around a direction."""
    features = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    features[:, 0] += 3 + shift
    groups = np.array([f"{seed}-{row // per_group}" for row in range(count)])
    return Pictures(features, np.full(count, labels), groups, np.full(count, called))


def against(train, val) -> Reference:
    return Reference.of(train, val, {"rust"}, with_train=False, seed=0)


@pytest.fixture
def few(monkeypatch):
    """FID of twenty pictures, so that it need not be drawn of hundreds."""
    monkeypatch.setitem(measuring.NEEDS, "fid", (20, 20))


def test_every_measure_is_the_one_that_its_name_says(few):
    fakes, train, val = drawn(30, 1, shift=1), drawn(40, 2), drawn(25, 3)
    scores, withheld = measure(fakes, against(train, val), logits_of="", seed=4)
    assert scores.keys() == KEYS and withheld.keys() == {"inception_score"}
    made, real = fakes.features, val.features
    wanted = {
        "kid": kid(made, real, seed=4)[0],
        "fid": fid(made, real),
        "precision": lies_within(made, real).mean(),
        "recall": lies_within(real, made).mean(),
        "density": densities(made, real).mean(),
        "coverage": covered(made, real).mean(),
        "diversity": mean_distance(made),
        "nearest_train": nearest(made, train.features).mean(),
    }
    assert {key: scores[key].value for key in wanted} == pytest.approx(wanted)
    assert {scores[key].n for key in ("recall", "coverage")} == {25} and scores["kid"].n == 30
    assert all(score.low <= score.value <= score.high for score in scores.values())


def test_copies_of_train_pictures_are_found_and_new_pictures_are_not(few):
    train, val = drawn(60, 2), drawn(30, 3)
    copied, fresh = train.drawn(25, seed=1), drawn(25, 5)
    told = [measure(one, against(train, val), logits_of="", seed=0)[0]["near_copies"] for one in (copied, fresh)]
    assert told[0].value == 1 and told[1].value < 0.2


def test_real_train_pictures_are_no_copies_of_themselves(few):
    """What stands beside the sets is how near validation pictures come."""
    train, val = drawn(60, 2), drawn(30, 3)
    scores, _ = measure(train.drawn(25, seed=1), against(train, val), logits_of="", seed=0, is_real=True)
    assert scores["nearest_train"].value == pytest.approx(nearest(val.features, train.features).mean())
    assert scores["near_copies"].n == 30 and scores["near_copies"].value < 0.2


def test_real_pictures_against_real_ones_show_the_perfect_score(few):
    scores, _ = measure(drawn(200, 1), against(drawn(200, 1), drawn(200, 2)), logits_of="", seed=0, is_real=True)
    assert scores["kid"].low < 0 < scores["kid"].high
    assert scores["precision"].value > 0.9 and scores["coverage"].value > 0.9 and scores["density"].value > 0.85


def test_kid_counts_the_groups_of_both_sides(few):
    made, train, val = drawn(40, 1, shift=1, per_group=4), drawn(60, 2), drawn(40, 3, per_group=2)
    scores, _ = measure(made, against(train, val), logits_of="", seed=2)
    told = kid(made.features, val.features, made.groups.tolist(), val.groups.tolist(), seed=2)
    assert (scores["kid"].value, scores["kid"].sd) == told


def test_pictures_of_few_groups_have_wider_intervals(few):
    reference = against(drawn(60, 2), drawn(40, 3))
    alone, eight = (measure(drawn(40, 1, 1.0, each), reference, logits_of="", seed=0)[0] for each in (1, 8))
    for key in ("fid", "diversity", "precision"):
        assert alone[key].value == eight[key].value
    assert eight["diversity"].sd != alone["diversity"].sd


def test_too_few_pictures_are_not_measured_and_it_says_how_many_it_takes():
    scores, withheld = measure(drawn(19, 1), against(drawn(30, 2), drawn(500, 3)), logits_of="x", seed=0)
    assert not {"kid", "fid", "precision", "diversity", "inception_score"} & scores.keys()
    assert withheld["kid"] == "from 20 pictures on each side; there are 19 and 500 real ones"
    assert withheld["inception_score"] == "from 200 pictures; there are 19"
    assert {"nearest_train", "near_copies"} <= scores.keys()
    assert scores.keys() | withheld.keys() == MEASURES.keys() - {"agreement"}


def test_without_train_pictures_nothing_is_near_any():
    _, withheld = measure(drawn(30, 1), against(drawn(0, 2), drawn(30, 3)), logits_of="", seed=0)
    assert withheld["near_copies"] == withheld["nearest_train"] == "there is no real train picture of it"


def test_agreement_is_how_often_the_judge_says_what_a_picture_was_made_as():
    fakes = replace(drawn(20, 1), called=np.array(["rust"] * 15 + ["scab"] * 5))
    rate = measure(fakes, against(drawn(30, 2), drawn(30, 3)), logits_of="", seed=0)[0]["agreement"]
    assert (rate.value, rate.n) == (0.75, 20) and rate.low < 0.75 < rate.high
    assert (
        "agreement"
        not in measure(drawn(20, 1, labels=""), against(drawn(30, 2), drawn(30, 3)), logits_of="", seed=0)[0]
    )


def test_train_pictures_join_the_real_ones_only_if_asked():
    train, val = drawn(30, 2), drawn(25, 3)
    other = drawn(9, 4, labels="scab")
    with_train = Reference.of(train.and_also(other), val, {"rust"}, with_train=True, seed=0)
    assert len(with_train.reals) == 55 and len(with_train.train) == 30
    assert len(Reference.of(train, val, {"rust"}, with_train=False, seed=0).reals) == 25
