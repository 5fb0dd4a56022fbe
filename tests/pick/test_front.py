"""Epochs in the plane of realism and target rate; hand-made."""

from leafcore.pick.front import axes, candidates, front, points
from tests.scored import result_of


def test_the_front_is_what_nothing_beats_in_both():
    placed = {1: (3.0, 0.9), 2: (1.0, 0.5), 3: (2.0, 0.5), 4: (2.0, 0.8), 5: (3.0, 0.2)}
    assert front(placed) == [1, 2, 4]
    assert front({1: (1.0, 0.5), 2: (2.0, 0.5)}) == [1], "as good in one, worse in the other"


def test_equal_epochs_are_both_on_the_front():
    assert front({1: (1.0, 1.0), 2: (1.0, 1.0)}) == [1, 2]


def test_axes_are_what_every_epoch_was_measured_in():
    def measured(*keys):
        return result_of("r", {number: dict.fromkeys(each, 1.0) for number, each in enumerate(keys, 1)}).epochs

    assert axes(measured(["kid", "inside", "target_rate"])) == ("kid", "target_rate"), "a judge says more"
    assert axes(measured(["kid", "inside", "target_rate"], ["kid", "inside"])) == ("kid", "inside")
    assert axes(measured(["kid"])) == ("kid",) and axes([]) == ()
    assert points(result_of("r", {1: {"kid": 1}})) == {}


def test_candidates_are_the_recommended_the_last_the_front_and_the_latest():
    rows = {
        epoch: {"kid": kid, "target_rate": rate}
        for epoch, kid, rate in [(1, 9, 0.9), (2, 1, 0.1), (3, 5, 0.2), (4, 6, 0.1)]
    }
    drawn = list(range(1, 13))
    assert candidates(drawn, result_of("r", rows, recommended=3)) == [1, 2, 3, 10, 11, 12]
    assert candidates(drawn, None) == [7, 8, 9, 10, 11, 12]
    assert candidates([4, 8], result_of("r", rows, recommended=3)) == [4, 8], "an epoch without samples cannot be shown"
