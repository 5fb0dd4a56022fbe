"""Which epoch is recommended, from tables made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.measure.stats import wilson_interval
from leafcore.pick.recommend import apart, axes, recommend
from leafcore.pick.scores import EpochScores, Score


def kid(value: float, sd: float = 0.01) -> Score:
    return Score(value=value, sd=sd, n=40)


def share(value: float, low: float, high: float) -> Score:
    return Score(value=value, low=low, high=high, n=40)


def levels(value: float) -> Score:
    return Score(value=value, low=value - 0.5, high=value + 0.5, sd=2, n=40)


HIGH, ALSO_HIGH, LOW = share(0.95, 0.85, 0.99), share(0.9, 0.8, 0.96), share(0.3, 0.2, 0.45)


def epoch(number: int, **scores: Score) -> EpochScores:
    return EpochScores(epoch=number, scores=scores)


@st.composite
def tables(draw: st.DrawFn) -> list[EpochScores]:
    """Epochs with KID and a target rate out of 40, some of them alike."""
    rates = [
        share(hits / 40, wilson_interval(hits, 40).low, wilson_interval(hits, 40).high)
        for hits in draw(st.lists(st.integers(0, 40), min_size=1, max_size=8))
    ]
    return [epoch(at, kid=kid(draw(st.integers(0, 9)) / 100), target_rate=rate) for at, rate in enumerate(rates, 1)]


@given(tables())
def test_no_epoch_beats_the_recommended_one(scored):
    chosen = next(one.scores for one in scored if one.epoch == recommend(scored, "rust").epoch)
    for scores in (one.scores for one in scored):
        gains = (chosen["kid"].value - scores["kid"].value, scores["target_rate"].value - chosen["target_rate"].value)
        assert min(gains) < 0 or gains == (0, 0)


def test_the_change_on_the_leaf_stands_in_for_a_judge():
    scored = [epoch(1, kid=kid(0.1), inside=levels(9))]
    assert axes(scored) == ("kid", "inside")
    assert axes([epoch(1, kid=kid(0.1), inside=levels(9), target_rate=HIGH)]) == ("kid", "target_rate")


def test_of_epochs_as_real_the_one_that_shows_the_target_most():
    scored = [
        epoch(10, kid=kid(0.100), target_rate=ALSO_HIGH),
        epoch(20, kid=kid(0.105), target_rate=HIGH),
        epoch(30, kid=kid(0.200), target_rate=HIGH),
    ]
    choice = recommend(scored, "rust")
    assert choice.epoch == 20
    assert choice.reason == (
        "Epoch 20: KID 0.105 ± 0.01 is within one sd of the lowest (0.1, epoch 10), and 95% (85% to 99%) are called "
        "rust. The last epoch, 30, has a higher KID (0.2 ± 0.01)."
    )


def test_realism_without_the_target_is_worth_nothing():
    scored = [epoch(1, kid=kid(0.01), target_rate=LOW), epoch(2, kid=kid(0.20), target_rate=HIGH)]
    choice = recommend(scored, "frog_eye_leaf_spot")
    assert choice.epoch == 2
    assert "the lowest of those that show frog eye leaf spot as often" in choice.reason


def test_a_target_rate_within_the_noise_does_not_outweigh_realism():
    scored = [epoch(1, kid=kid(0.1), target_rate=ALSO_HIGH), epoch(2, kid=kid(0.2), target_rate=HIGH)]
    assert recommend(scored, "rust").epoch == 1


def test_the_last_epoch_is_blamed_only_for_what_is_clear():
    first = epoch(1, kid=kid(0.10), target_rate=HIGH, outside=levels(2), cycle=levels(5))
    last = epoch(2, kid=kid(0.112), target_rate=ALSO_HIGH, outside=levels(5), cycle=levels(3))
    assert recommend([first, last], "rust").reason.endswith(
        "The last epoch, 2, changes the background 3.0 levels more; it is better in: Cycle error."
    )


def test_a_last_epoch_that_is_no_worse_is_said_to_be_so():
    scored = [epoch(1, kid=kid(0.1), target_rate=HIGH), epoch(2, kid=kid(0.102), target_rate=ALSO_HIGH)]
    assert recommend(scored, "rust").reason.endswith("The last epoch, 2, differs from it by no more than the noise.")


def test_the_only_epoch_is_the_last():
    assert recommend([epoch(7, kid=kid(0.1))], "rust").reason == (
        "Epoch 7: KID 0.1 ± 0.01 is the lowest. It is the last epoch."
    )


@pytest.mark.parametrize("before", [kid(0.105), kid(0.05)])
def test_fakes_no_nearer_to_the_target_than_their_sources_are_named(before):
    reason = recommend([epoch(1, kid=kid(0.1), target_rate=HIGH)], "rust", {"kid": before}).reason
    assert "nearer to rust than untranslated pictures" in reason
    assert "untranslated" not in recommend([epoch(1, kid=kid(0.1))], "rust", {"kid": kid(0.5)}).reason


def test_without_a_judge_no_epoch_is_taken_for_changing_the_leaf_more():
    scored = [epoch(1, kid=kid(0.100), inside=levels(4)), epoch(2, kid=kid(0.105), inside=levels(9))]
    choice = recommend(scored, "rust")
    assert choice.epoch == 1 and "no judge named the fakes" in choice.reason


def test_a_judge_alone_decides_where_kid_is_missing():
    assert recommend([epoch(1, target_rate=LOW), epoch(2, target_rate=HIGH)], "rust").epoch == 2


@pytest.mark.parametrize("scores", [{}, {"inside": levels(9)}, {"cycle": levels(2)}])
def test_nothing_is_recommended_where_nothing_tells_how_real_fakes_look(scores):
    choice = recommend([epoch(1, **scores)], "rust")
    assert choice.epoch is None and choice.reason
    assert recommend([], "rust").epoch is None


def test_two_values_are_apart_by_their_intervals_or_their_deviations():
    assert apart(HIGH, LOW) and not apart(HIGH, ALSO_HIGH)
    assert apart(kid(0.1), kid(0.12)) and not apart(kid(0.1), kid(0.112))
    assert not apart(Score(value=1, n=300), Score(value=9, n=300))  # FID has no noise that is known


def test_of_pictures_from_noise_it_is_the_class_agreement_that_counts_then_the_coverage():
    sure, unsure = share(0.95, 0.9, 0.98), share(0.5, 0.4, 0.6)
    scored = [epoch(10, kid=kid(0.1), agreement=sure, coverage=LOW), epoch(20, kid=kid(0.1), agreement=unsure)]
    choice = recommend(scored, "")
    assert choice.epoch == 10
    assert "95% (90% to 98%) are called what they were made as" in choice.reason
    assert "epoch, 20, is called what it was made as less often (50% (40% to 60%))" in choice.reason
    scored = [epoch(10, kid=kid(0.1), coverage=HIGH), epoch(20, kid=kid(0.1), coverage=LOW)]
    choice = recommend(scored, "")
    assert choice.epoch == 10 and "95% (85% to 99%) of the real pictures are covered" in choice.reason
    assert "covers fewer real pictures (30% (20% to 45%))" in choice.reason
