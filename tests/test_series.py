import numpy as np
import pandas as pd
import pytest

from ui.series import MAX_POINTS, parse_steps, smooth, thin


def series(values) -> pd.Series:
    return pd.Series(np.asarray(values, float), index=np.arange(1, len(values) + 1))


def test_smoothing_is_corrected_for_its_start():
    """TensorBoard's loop: last = last * w + (1 - w) * value, shown as last / (1 - w^n)."""
    recorded, weight, last, expected = [4.0, 2.0, 6.0, 0.0], 0.9, 0.0, []
    for count, value in enumerate(recorded, 1):
        last = last * weight + (1 - weight) * value
        expected.append(last / (1 - weight**count))
    np.testing.assert_allclose(smooth(series(recorded), weight), expected)


def test_no_smoothing_shows_what_was_recorded():
    recorded = series([1.0, 5.0, 2.0])
    assert smooth(recorded, 0.0) is recorded


@pytest.mark.parametrize("count", [3, MAX_POINTS, MAX_POINTS + 1, 2 * MAX_POINTS - 1, 200_000])
def test_thinning_holds_its_limit_and_keeps_both_ends(count):
    thinned = thin(series(np.random.default_rng(0).random(count)))
    assert min(count, MAX_POINTS // 2) <= len(thinned) <= MAX_POINTS
    assert thinned.index[[0, -1]].tolist() == [1, count]
    assert thinned.index.is_monotonic_increasing and thinned.index.is_unique


def test_thinning_keeps_spikes_where_they_are():
    recorded = series(np.ones(200_000))
    recorded.iloc[[70_001, 123_456]] = 50.0, -50.0
    thinned = thin(recorded)
    assert thinned[70_002] == 50.0 and thinned[123_457] == -50.0


def test_thinning_leaves_out_what_is_no_number():
    assert thin(series([1.0, np.nan, 2.0])).to_dict() == {1: 1.0, 3: 2.0}


def test_steps_are_two_numbers_or_all():
    assert parse_steps(" 1000 - 5000") == (1000, 5000)
    assert parse_steps(" ") is None


@pytest.mark.parametrize("text", ["5", "9-2", "3-3", "a-b", "-4", "1-2-3"])
def test_steps_that_are_none_are_named(text):
    with pytest.raises(ValueError, match="expected two steps such as 1000-5000"):
        parse_steps(text)
