"""Charts of epochs, as figures: what stands where."""

import pytest

from ui.pick_charts import pareto

AXES = ("kid", "target_rate")


def points_of(figure):
    """Return the trace of the epochs: places, symbols, and what a click and the pointer read."""
    (trace,) = [trace for trace in figure.data if trace.mode == "markers+text"]
    return list(trace.x), trace.marker.symbol, trace.customdata


@pytest.fixture
def places():
    """Eight epochs near each other, after a first one that is far off."""
    return {1: (9.0, 0.1)} | {epoch: (0.1 + epoch / 1000, epoch / 10) for epoch in range(2, 10)}


def test_an_epoch_that_is_far_off_stands_at_the_edge_and_keeps_its_value(places):
    figure = pareto(AXES, places, [2, 9], shown=9, recommended=9)
    realism, symbols, read = points_of(figure)
    assert realism[0] == pytest.approx(0.115, abs=0.01) and symbols[0] == "triangle-right"
    assert tuple(read[0]) == (1, 9.0, 0.1)
    assert realism[1:] == [places[epoch][0] for epoch in range(2, 10)] and symbols[-1] == "star"
    assert figure.layout.annotations[0].text.endswith("beyond")


def test_what_none_beats_and_what_is_near_stays_where_it_is(places):
    realism, symbols, _ = points_of(pareto(AXES, places, [1, 9], shown=9, recommended=None))
    assert realism[0] == 9.0 and "triangle-right" not in symbols
    figure = pareto(AXES, {1: (0.3, 0.1), 2: (0.1, 0.9)}, [2], shown=2, recommended=2)
    assert points_of(figure)[0] == [0.3, 0.1] and not figure.layout.annotations[0].text.endswith("beyond")
