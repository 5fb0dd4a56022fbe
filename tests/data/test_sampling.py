from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data.sampling import ShuffledStream


def stream(size: int, seed: int = 0) -> ShuffledStream:
    return ShuffledStream(size, torch.Generator().manual_seed(seed))


@given(st.integers(1, 12), st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_every_item_comes_once_per_pass_however_many_are_taken_at_a_time(size: int, counts: list[int]) -> None:
    items = stream(size)
    taken = torch.cat([items.take(count) for count in counts]).tolist()
    assert len(taken) == sum(counts)
    for start in range(0, len(taken) - size + 1, size):
        assert sorted(taken[start : start + size]) == list(range(size))
    assert len(set(taken[len(taken) // size * size :])) == len(taken) % size


def test_each_pass_has_its_own_order() -> None:
    items = stream(50)
    assert items.take(50).tolist() != items.take(50).tolist()


def test_the_same_seed_gives_the_same_stream() -> None:
    assert torch.equal(stream(9, seed=3).take(40), stream(9, seed=3).take(40))
    assert not torch.equal(stream(9, seed=3).take(40), stream(9, seed=4).take(40))


@pytest.mark.parametrize("before", [1, 6, 7, 10, 14])
def test_a_resumed_stream_goes_on_exactly_where_it_was(before: int, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(5)
    whole = ShuffledStream(7, generator)
    whole.take(before)
    torch.save({"stream": whole.state_dict(), "rng": generator.get_state()}, tmp_path / "state.pt")
    expected = whole.take(30)

    state = torch.load(tmp_path / "state.pt", weights_only=True)
    other = torch.Generator().manual_seed(99)
    resumed = ShuffledStream(7, other)
    resumed.load_state_dict(state["stream"])
    other.set_state(state["rng"])
    assert torch.equal(resumed.take(30), expected)


def test_a_saved_place_does_not_move_on_with_the_stream() -> None:
    items = stream(6)
    items.take(4)
    saved = items.state_dict()
    rest = items.take(2)
    items.take(13)
    items.load_state_dict(saved)
    assert torch.equal(items.take(2), rest)
