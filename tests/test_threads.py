import threading

import pytest

from leafcore.threads import in_order


def test_results_come_in_order_although_a_later_one_is_ready_first():
    second_is_done = threading.Event()

    def work(item):
        if item == 0:
            assert second_is_done.wait(10), "nothing else was begun meanwhile"
        if item == 1:
            second_is_done.set()
        return item * 10

    assert list(in_order(work, range(4), ahead=2)) == [0, 10, 20, 30]


def test_no_more_is_drawn_than_asked_for():
    drawn = []
    results = in_order(str, (drawn.append(item) or item for item in range(100)), ahead=3)
    assert next(results) == "0" and drawn == [0, 1, 2, 3]


def test_a_failure_comes_in_its_place_and_ends_the_work():
    results = in_order(lambda item: 1 // (2 - item), range(100), ahead=1)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_whoever_stops_early_leaves_nothing_running():
    before = threading.active_count()
    results = in_order(abs, range(100), ahead=5)
    next(results)
    results.close()
    assert threading.active_count() == before
