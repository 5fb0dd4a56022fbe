import io

import torch

from leafcore.train.image_pool import ImagePool


def fakes(*values: int) -> torch.Tensor:
    """Return a picture for each value, filled with it."""
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def values(pictures: torch.Tensor) -> list[int]:
    return [int(value) for value in pictures[:, 0, 0, 0]]


def held(pool: ImagePool) -> set[int]:
    return set(values(pool.state_dict()["images"]))


def test_a_pool_that_is_not_full_answers_with_the_fakes_themselves():
    pool = ImagePool(3, torch.Generator())
    assert values(pool.query(fakes(1, 2))) == [1, 2]
    assert held(pool) == {1, 2}


def test_a_pool_that_fills_within_a_batch_treats_the_rest_as_a_full_one():
    pool = ImagePool(2, torch.Generator().manual_seed(0))
    answers = values(pool.query(fakes(*range(40))))
    assert answers[:2] == [0, 1]
    assert answers != list(range(40)), "some of the rest are older"
    assert len(held(pool)) == 2


def test_a_full_pool_hands_out_old_fakes_half_of_the_time_and_keeps_the_new_ones():
    pool = ImagePool(5, torch.Generator().manual_seed(1))
    pool.query(fakes(*range(5)))
    swapped = 0
    for fresh in range(5, 1005):
        before = held(pool)
        answer = values(pool.query(fakes(fresh)))[0]
        if answer == fresh:
            assert held(pool) == before
        else:
            swapped += 1
            assert answer in before and held(pool) == before - {answer} | {fresh}
    assert 440 < swapped < 560


def test_a_pool_of_size_0_remembers_nothing():
    pool = ImagePool(0, torch.Generator())
    for _ in range(3):
        assert values(pool.query(fakes(1, 2))) == [1, 2]
    assert pool.state_dict() == {"images": None}


def test_what_is_done_to_a_fake_later_does_not_change_the_pool():
    pool, fresh = ImagePool(1, torch.Generator()), fakes(1)
    pool.query(fresh)
    fresh.zero_()
    assert held(pool) == {1}


def test_a_saved_pool_goes_on_exactly():
    first = ImagePool(4, torch.Generator().manual_seed(2))
    for start in range(0, 30, 3):
        first.query(fakes(start, start + 1, start + 2))
    buffer = io.BytesIO()
    torch.save({"pool": first.state_dict(), "generator": first._generator.get_state()}, buffer)
    state = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)

    second = ImagePool(4, torch.Generator())
    second.load_state_dict(state["pool"])
    second._generator.set_state(state["generator"])
    for start in range(100, 200, 2):
        assert torch.equal(first.query(fakes(start, start + 1)), second.query(fakes(start, start + 1)))


def test_an_empty_pool_can_be_saved_and_loaded():
    pool = ImagePool(2, torch.Generator())
    pool.load_state_dict(ImagePool(2, torch.Generator()).state_dict())
    assert values(pool.query(fakes(1, 2))) == [1, 2]


def test_a_saved_pool_answers_on_the_device_of_the_fakes():
    pool = ImagePool(3, torch.Generator().manual_seed(0))
    pool.load_state_dict({"images": fakes(1, 2, 3)})  # a state is loaded to the CPU
    elsewhere = torch.zeros(40, 3, 2, 2, device="meta")  # stands for a GPU
    assert pool.query(elsewhere).device.type == "meta"
