import numpy as np
import pytest
from PIL import Image

from leafcore.data.mask_sets import PLAIN, REFINED, Refinement
from leafcore.data.rendered import plan_images, render_leaf
from leafcore.images import load_square
from leafcore.masks import refine as refining
from leafcore.masks.corrections import Correction, Stroke
from leafcore.masks.maps import threshold
from leafcore.masks.refine import SIDE, _tidy, corrected, needs_color
from leafcore.measure.masks import intersection_over_union

GREEN, BROWN = (60, 150, 50), (150, 110, 80)


def refine(*picture, **asked):
    """Return the mask alone."""
    return refining.refine(*picture, **asked).mask


def coarse(exact):
    """A heat map such as LFLSeg draws: 7 x 7 cells, a peak on the leaf, nothing of its outline."""
    small = np.asarray(Image.fromarray(exact.astype(np.float32)).resize((7, 7), Image.Resampling.BOX))
    return small / small.max()


@pytest.fixture
def disc():
    """A green leaf on brown ground with grain, with its exact mask and a heat map."""
    rows, columns = np.mgrid[:96, :96]
    exact = (rows - 44) ** 2 + (columns - 50) ** 2 < 26**2
    picture = np.where(exact[..., None], GREEN, BROWN)
    picture = picture + np.random.default_rng(0).integers(-12, 13, picture.shape)
    return picture.astype(np.uint8), exact, coarse(exact)


def stroke(kind, *points, width=0.08):
    return Stroke(kind=kind, points=points, width=width)


def test_refined_masks_of_drawn_leaves_beat_plain_ones():
    overlaps = []
    for leaf in plan_images(12, seed=3):
        drawn = render_leaf(leaf.labels, 128, leaf_seed=leaf.leaf_seed, view_seed=leaf.view_seed)
        cam = coarse(drawn.mask)
        masks = [refine(drawn.image, cam, 0.35, refinement) for refinement in (PLAIN, REFINED)]
        overlaps.append([intersection_over_union(mask, drawn.mask) for mask in masks])
    plain, refined = np.mean(overlaps, axis=0)
    assert refined > plain + 0.1 and refined > 0.9, (plain, refined)


def test_the_same_in_gives_the_same_out(disc):
    picture, _, cam = disc
    first = refine(picture, cam, 0.35, REFINED)
    refine(picture[::-1], cam, 0.2, REFINED)
    assert np.array_equal(refine(picture, cam, 0.35, REFINED), first)


def test_without_refinement_a_mask_is_the_thresholded_heat_map(disc):
    picture, _, cam = disc
    mask = refine(picture, cam, 0.35, PLAIN, size=(200, 50))
    assert np.array_equal(mask, threshold(cam, 0.35, 200, 50))
    assert np.array_equal(refine(picture, cam, 0.35, PLAIN, size=(200, 50), invert=True), ~mask)


@pytest.mark.parametrize("refinement", [PLAIN, REFINED])
@pytest.mark.parametrize(("value", "area"), [(0.0, 0.0), (np.nan, 0.0), (1.0, 1.0)])
def test_a_heat_map_of_one_value_takes_nothing_or_all(disc, refinement, value, area):
    assert refine(disc[0], np.full((7, 7), value, np.float32), 0.35, refinement).mean() == area


def test_a_heat_map_with_one_nan_speaks_for_nothing(disc):
    picture, _, cam = disc
    cam = cam.copy()
    cam[0, 0] = np.nan
    assert not refine(picture, cam, 0.35, REFINED).any()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (6000, 4000)])
def test_a_mask_is_as_large_as_asked(disc, width, height):
    picture, _, cam = disc
    mask = refine(picture, cam, 0.35, REFINED, [stroke("include", (0.5, 0.5))], size=(width, height))
    assert mask.shape == (height, width) and mask.dtype == bool


@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
def test_a_picture_of_few_pixels_is_no_reason_to_end(size, disc):
    picture = np.full((*size, 3), 90, np.uint8)
    assert refine(picture, disc[2], 0.35, REFINED).shape == size


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printers_pictures_are_refined(disc, mode, tmp_path):
    picture, exact, cam = disc
    Image.fromarray(picture).convert(mode).save(tmp_path / "leaf.jpg")
    mask = refine(load_square(tmp_path / "leaf.jpg", SIDE), cam, 0.35, REFINED, size=(96, 96))
    assert intersection_over_union(mask, exact) > 0.6


# --- tidying ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pieces():
    """A heat map of a large piece with a hole, and of a small one; (64, 64)."""
    cam = np.zeros((64, 64), np.float32)
    cam[8:40, 8:40], cam[20:28, 20:28], cam[52:60, 52:60] = 1.0, 0.0, 1.0
    return cam


def tidied(cam, **asked):
    return refine(np.zeros((64, 64, 3), np.uint8), cam, 0.5, Refinement(**asked))


def test_the_largest_piece_alone_is_kept(pieces):
    mask = tidied(pieces, largest=True)
    assert mask[10, 10] and not mask[24, 24] and not mask[56, 56]
    assert tidied(pieces, smooth_px=1)[56, 56]


def test_holes_are_filled_and_bays_are_not(pieces):
    assert tidied(pieces, fill=True)[24, 24] and tidied(pieces, fill=True)[56, 56]
    pieces[22:26, :24] = 0.0  # the hole opens to the edge
    assert not tidied(pieces, fill=True)[24, 22]


def test_smoothing_takes_fringes_away(pieces):
    pieces[39:48, 20] = 1.0
    assert tidied(pieces, largest=False, smooth_px=1)[44, 20] and not tidied(pieces, smooth_px=15)[44, 20]


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refinement", [PLAIN, REFINED])
def test_strokes_say_what_is_leaf_and_what_is_not(disc, refinement):
    picture, _, cam = disc
    before = refine(picture, cam, 0.35, refinement)
    assert before[44, 50] and not before[88, 8]
    strokes = [stroke("exclude", (0.52, 0.3), (0.52, 0.6)), stroke("include", (0.05, 0.92), (0.12, 0.92))]
    after = refine(picture, cam, 0.35, refinement, strokes)
    assert not after[44, 50] and after[88, 8]


def test_a_stroke_on_ground_that_was_taken_for_leaf_lets_go_of_all_of_it(disc):
    picture, exact, cam = disc
    cam = np.maximum(cam, 0.5)
    cam[:, :2] = 0.9
    picture[:, :20] = (200, 200, 210)  # a wall that the heat map speaks for
    wrong = refine(picture, cam, 0.35, REFINED)
    right = refine(
        picture,
        cam,
        0.35,
        REFINED,
        [stroke("exclude", (0.1, 0.1), (0.1, 0.4)), stroke("exclude", (0.4, 0.95), (0.9, 0.95))],
    )
    assert wrong[80, 5] and not right[80, 5], "far from the stroke, of its color"
    assert intersection_over_union(right, exact) > 0.9


def test_tidying_keeps_what_strokes_say():
    mask, drawn = np.zeros((64, 64), bool), np.zeros((64, 64), np.int8)
    mask[8:40, 8:40] = True
    mask[15:21, 15:21] = mask[27:33, 27:33] = False  # two gaps; a stroke excludes a corner of the first
    drawn[15:17, 15:17], drawn[60, 10:50] = -1, 1  # and one includes a stalk of one pixel
    tidy = _tidy(mask, mask.astype(np.float32), drawn, REFINED)
    assert not tidy[19, 19] and tidy[30, 30] and tidy[60, 10:50].all()


def test_the_later_of_two_strokes_wins(disc):
    picture, _, cam = disc
    strokes = [stroke("include", (0.5, 0.5)), stroke("exclude", (0.5, 0.5))]
    assert not refine(picture, cam, 0.35, REFINED, strokes)[48, 48]
    assert refine(picture, cam, 0.35, REFINED, strokes[::-1])[48, 48]


def test_a_stroke_is_as_thick_in_a_wide_picture_as_in_a_tall_one():
    blank, nothing = np.zeros((8, 8, 3), np.uint8), np.zeros((7, 7), np.float32)
    dot = [stroke("include", (0.5, 0.5), width=0.5), stroke("exclude", (0.0, 0.0), (0.0, 1.0), width=0.01)]
    wide = refine(blank, nothing, 0.35, PLAIN, dot, size=(400, 100))
    assert 45 <= wide.any(0).sum() <= 55
    assert wide.any(0).sum() == pytest.approx(wide.any(1).sum(), abs=4)


def test_a_correction_has_the_last_word(disc):
    picture, _, cam = disc
    assert np.array_equal(corrected(picture, cam, 0.35, PLAIN, None).mask, refine(picture, cam, 0.35, PLAIN))
    own = Correction(image="a.png", delta=0.8, invert=True)
    assert np.array_equal(corrected(picture, cam, 0.35, PLAIN, own).mask, ~refine(picture, cam, 0.8, PLAIN))


def test_an_inverted_mask_is_refined_as_one(disc):
    picture, exact, cam = disc
    mask = refine(picture, cam, 0.35, REFINED, invert=True)
    assert intersection_over_union(mask, ~exact) > 0.9


def test_color_is_looked_at_only_where_it_is_needed():
    assert not needs_color(Refinement(largest=True, fill=True, smooth_px=5))
    assert needs_color(REFINED) and needs_color(PLAIN, [stroke("include", (0.5, 0.5))])


def test_grabcut_that_loses_the_leaf_leaves_it_to_the_heat_map(disc):
    """A picture of one color throughout, and a heat map with a single peak: GrabCut keeps the peak alone."""
    grain = np.random.default_rng(0).integers(108, 133, (96, 96, 3)).astype(np.uint8)
    rows, columns = np.mgrid[:7, :7] - 3
    peaked = np.exp(-(rows**2 + columns**2) / 8)
    only_cut = Refinement(method="grabcut")
    found = refining.refine(grain, peaked, 0.35, only_cut)
    plain = refine(grain, peaked, 0.35, PLAIN)
    assert found.fell_back and intersection_over_union(found.mask, plain) > 0.97, "but for its outline's pixels"
    assert not refining.refine(*disc[::2], 0.35, only_cut).fell_back
    drawn = refining.refine(grain, peaked, 0.35, only_cut, [stroke("exclude", (0.1, 0.1))])
    assert not drawn.fell_back and drawn.mask.mean() < 0.1 * found.mask.mean(), "a hand is at it, who sees it"
