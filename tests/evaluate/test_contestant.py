from hypothesis import given
from hypothesis import strategies as st

from leafcore.evaluate.contestant import Rounds


def ends(steps, count):
    """Return the steps that a round ends with."""
    rounds = Rounds(steps, count)
    return [step for step in range(1, steps + 1) if rounds.advance()]


def test_rounds_that_divide_evenly_are_of_one_length():
    assert ends(24, 2) == [12, 24] and ends(9, 3) == [3, 6, 9] and ends(4, 4) == [1, 2, 3, 4]


def test_199_steps_in_100_rounds_are_199_steps():
    assert len(ends(199, 100)) == 100 and ends(199, 100)[-2:] == [198, 199]


@given(st.integers(1, 500), st.data())
def test_every_round_ends_and_the_last_with_the_last_step(steps, data):
    count = data.draw(st.integers(1, steps))
    found = ends(steps, count)
    lengths = {later - former for former, later in zip([0, *found], found, strict=False)}
    assert len(found) == count and found[-1] == steps
    assert max(lengths) - min(lengths) <= 1, "evenly"


def test_rounds_go_on_where_they_were():
    rounds, other = Rounds(7, 3), Rounds(7, 3)
    for _ in range(3):
        rounds.advance()
    other.load_state_dict(rounds.state_dict())
    assert [rounds.advance() for _ in range(4)] == [other.advance() for _ in range(4)]
