"""Thresholds against hand calculations: areas, Otsu, the plateau, what is looked at first, the fit to a reference."""

import numpy as np
import pytest

from leafcore.masks.maps import threshold
from leafcore.masks.tuning import (
    DELTAS,
    SIDE,
    Plateau,
    area_curves,
    boundary_curve,
    in_order,
    otsu,
    overlap_curve,
    percentile,
    plateau,
    slopes,
    spread,
    step_of,
    worst_first,
)

HALVES = np.array([[0.2] * 2, [1.0] * 2], np.float32)  # half the picture is warm, half is hot


def line(start: float, end: float) -> np.ndarray:
    """An area curve that falls evenly."""
    return start + (end - start) * DELTAS


def test_areas_are_those_of_the_masks_at_every_delta():
    rng = np.random.default_rng(0)
    maps = rng.random((3, 7, 7)).astype(np.float32)
    curves = area_curves(maps)
    assert curves.shape == (3, 101)
    for cam, curve in zip(maps, curves, strict=True):
        for delta in (0.0, 0.07, 0.35, 0.61, 1.0):
            assert curve[step_of(delta)] == pytest.approx(threshold(cam, delta, SIDE, SIDE).mean())


def test_a_map_of_zeros_has_no_area_at_any_delta_and_nan_counts_as_nothing():
    broken = np.full((5, 5), np.nan, np.float32)
    assert (area_curves(np.stack([np.zeros((5, 5), np.float32), broken])) == 0).all()
    assert area_curves(np.zeros((0, 5, 5))).shape == (0, 101)


def test_otsu_divides_two_levels_between_them():
    curve = np.where(DELTAS <= 0.2, 1.0, 0.5)[None]
    assert otsu(curve) == 0.21, "the first delta that only the hot half reaches"


def test_otsu_is_the_delta_of_the_greatest_variance_between_classes():
    pixels = np.concatenate([np.full(60, 0.105), np.full(25, 0.405), np.full(15, 0.905)])
    curve = np.array([(pixels >= delta).mean() for delta in DELTAS])

    def between(delta: float) -> float:
        low, high = pixels[pixels < delta], pixels[pixels >= delta]
        if not len(low) or not len(high):
            return -1.0
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2

    assert otsu(curve[None]) == max(DELTAS, key=between)


def test_dead_maps_have_no_say_in_the_presets():
    curve = area_curves(HALVES[None])
    with_dead = np.concatenate([curve, np.zeros((5, 101))])
    assert otsu(with_dead) == otsu(curve) and percentile(with_dead, 0.5) == percentile(curve, 0.5)
    assert otsu(np.zeros((2, 101))) == percentile(np.zeros((2, 101)), 0.5) == 0.5


def test_at_a_percentile_masks_cover_that_share_on_average():
    curves = np.stack([line(1, 0), line(0.6, 0)])  # mean 0.8 (1 - delta)
    assert percentile(curves, 0.5) == 0.37, "0.8 * (1 - 0.37) = 0.504, and 0.496 one step later"


def test_slopes_are_falls_per_unit_of_delta():
    assert slopes(line(0.9, 0.2)) == pytest.approx(np.full(101, 0.7))


def test_empty_and_full_masks_come_first_then_the_unstable_ones():
    stable, steep = np.full(101, 0.5), np.where(DELTAS < 0.35, 0.9, 0.3)
    curves = np.stack([stable, np.full(101, 0.01), steep, np.full(101, 0.99)])
    assert worst_first(curves, 0.35).tolist() == [1, 3, 2, 0]


def test_an_order_is_what_it_is_called():
    curves = np.stack([np.full(101, share) for share in (0.5, 0.1, 0.9)])
    probabilities = np.array([[0.2, 0.8, 0.0], [0.9, 0.1, 0.0], [0.5, 0.5, 0.0]])
    assert in_order("least leaf", curves, probabilities, 0.35).tolist() == [1, 0, 2]
    assert in_order("most leaf", curves, probabilities, 0.35).tolist() == [2, 0, 1]
    assert in_order("least sure", curves, probabilities, 0.35).tolist() == [0, 2, 1]


def test_label_sets_take_turns_in_a_draw_until_one_runs_out():
    labels = ["healthy"] * 50 + ["rust"] * 3 + ["scab"] * 10
    drawn = [labels[index] for index in spread(labels, 12)]
    assert drawn.count("rust") == 3
    assert abs(drawn.count("healthy") - drawn.count("scab")) <= 1
    assert len(set(spread(labels, 1000).tolist())) == 63
    assert spread(labels, 12).tolist() == spread(labels, 12).tolist()


def test_the_plateau_is_where_the_area_hardly_falls():
    curve = np.interp(DELTAS, [0, 0.3, 0.6, 1], [1.0, 0.5, 0.485, 0.0])  # slopes 1.67, 0.05, 1.21
    found = plateau(curve[None])
    assert found is not None
    assert found.low == pytest.approx(0.35, abs=0.03) and found.high == pytest.approx(0.55, abs=0.03)
    assert found.low <= found.flattest <= found.high


def test_the_plateau_of_round_heat_is_where_least_of_the_mask_is_lost_and_not_where_hardly_a_leaf_is_left():
    curve = np.minimum(0.3 * np.log(1 / np.maximum(DELTAS, 0.01)), 1)  # heat exp(-r^2): the area is as ln(1 / delta)
    found = plateau(curve[None])
    assert found is not None
    assert found.flattest == pytest.approx(1 / np.e, abs=0.02), "delta ln(1 / delta) is greatest there"
    assert 0.2 <= found.low and found.high <= 0.55
    assert slopes(curve)[: step_of(0.8)].argmin() == step_of(0.8) - 1, "the picture's shares fall least at the end"


def test_a_plateau_lies_where_at_most_a_tenth_of_the_masks_is_empty_or_full():
    whole = np.full(101, 0.4)
    faint, filled = line(0.0215, 0.0195), line(0.984, 0.974)  # empty above 0.75; full below 0.4
    assert plateau(np.stack([whole] * 9 + [faint])) == Plateau(0.0, 0.0, 1.0)
    assert plateau(np.stack([whole] * 8 + [faint] * 2)).high == pytest.approx(0.75, abs=0.01)
    assert plateau(np.stack([whole] * 8 + [filled] * 2)).low == pytest.approx(0.4, abs=0.01)
    assert plateau(np.stack([whole, np.full(101, 1.0)])) is None


def test_flat_stretches_of_empty_and_full_masks_are_no_plateau():
    curve = np.interp(DELTAS, [0, 0.3, 0.5, 1], [1.0, 1.0, 0.0, 0.0])
    found = plateau(curve[None])
    assert found is not None and 0.3 <= found.low and found.high <= 0.5
    assert plateau(np.zeros((1, 101))) is None and plateau(np.zeros((0, 101))) is None


def test_a_plateau_may_be_the_whole_curve_and_dead_maps_have_no_say_in_it():
    level = np.full((1, 101), 0.4)
    assert plateau(level) == plateau(np.concatenate([level, np.zeros((5, 101))])) == Plateau(0.0, 0.0, 1.0)


def test_the_fit_is_the_overlap_of_the_mask_with_the_reference():
    rng = np.random.default_rng(1)
    cam = rng.random((6, 6)).astype(np.float32)
    reference = threshold(rng.random((4, 4)).astype(np.float32), 0.5, 32, 32)
    curve = overlap_curve(cam, reference)
    for delta in (0.0, 0.2, 0.5, 0.9):
        mask = threshold(cam, delta, 32, 32)
        assert curve[step_of(delta)] == pytest.approx((mask & reference).sum() / (mask | reference).sum())


def test_two_empty_masks_fit_and_an_empty_one_fits_no_leaf():
    nothing, leaf = np.zeros((8, 8), bool), np.ones((8, 8), bool)
    dead = np.zeros((3, 3), np.float32)
    assert (overlap_curve(dead, nothing) == 1).all() and (overlap_curve(dead, leaf) == 0).all()


def test_the_boundary_fits_best_where_the_outlines_agree():
    y, x = np.mgrid[0:32, 0:32]
    cam = np.clip(1 - np.hypot(x - 16, y - 16) / 20, 0, 1).astype(np.float32)  # circles around the middle
    reference = np.hypot(x - 16, y - 16) <= 10  # that is delta 0.5
    curve = boundary_curve(cam, reference)
    assert curve[step_of(0.5)] == 1 and curve[step_of(0.1)] < 0.2 and curve[step_of(0.9)] < 0.2
    assert curve[step_of(0.52)] == pytest.approx(0.6 * curve[step_of(0.5)] + 0.4 * curve[step_of(0.55)])
