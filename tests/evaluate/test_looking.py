"""Looking at test pictures: planted predictions of a comparison that the journey made."""

import shutil

import numpy as np
import pytest

from leafcore.errors import NotFoundError
from leafcore.evaluate.cells import Cell, load_cell
from leafcore.evaluate.looking import OTHER, Looking
from leafcore.evaluate.result import read_comparison
from leafcore.files import write_json

NAMES = ("healthy", "rust", "scab")
REAL, MORE = "real", "real_plus_synthetic"


def sure(label, probability):
    """Return the probabilities of a classifier that names a label."""
    rest = (1 - probability) / 2
    return [probability if name == label else rest for name in NAMES]


@pytest.fixture
def looking(journey, tmp_path):
    """Return a function that plants what each arm and seed says of every test picture: (label, probability)."""
    folder = tmp_path / "run"
    shutil.copytree(journey.runs["evaluate"].folder, folder)

    def plant(told):
        true = Looking(folder).true_sets
        for (arm, seed), change in told.items():
            file = folder / "cells" / f"{arm}-{seed}" / "test.npz"
            said = np.array([sure(*change.get(row, (label, 0.9))) for row, label in enumerate(true)], np.float32)
            before = load_cell(file)
            Cell(said, before.val_probabilities, before.thresholds, before.steps, before.test_hash).save(file)
        return Looking(folder)

    return plant


def rows(pictures):
    return [picture.row for picture in pictures]


def row_of(looking, label, number=0):
    return int(np.flatnonzero(looking.true_sets == label)[number])


@pytest.fixture
def rust(journey):
    """The row of a rust picture of the test split."""
    return row_of(Looking(journey.runs["evaluate"].folder), "rust")


def test_nothing_is_wrong_where_every_seed_is_right(looking):
    found = looking({(arm, seed): {} for arm in (REAL, MORE) for seed in (0, 1)})
    assert found.failures(REAL) == [] and found.gained(MORE, over=REAL) == []
    assert len(found.in_cell(REAL, "rust", "rust")) == (found.true_sets == "rust").sum()


def test_a_cell_holds_what_some_seed_puts_there_and_counts_the_seeds(looking, rust):
    healthy = ("healthy", 0.8)
    found = looking({(REAL, 0): {rust: healthy}, (REAL, 1): {}, (MORE, 0): {rust: healthy}, (MORE, 1): {rust: healthy}})
    (one,) = found.in_cell(REAL, "rust", "healthy")
    assert (one.row, one.votes, one.is_right) == (rust, 1, False) and one.probability == pytest.approx(0.8)
    assert (one.said_class, one.true_class) == ("healthy", "rust")
    assert one.image == found.test["image"][rust] and one.sha256 == found.test["sha256"][rust]
    assert [each.votes for each in found.in_cell(MORE, "rust", "healthy")] == [2]
    assert found.in_cell(REAL, "rust", "scab") == found.in_cell(REAL, "rust", OTHER) == []


def test_the_cells_of_a_matrix_hold_as_many_pictures_as_it_counts(journey):
    found = Looking(journey.runs["evaluate"].folder)
    sets = found.comparison.label_sets
    for arm, score in found.comparison.arms.items():
        for true, counts in zip(sets, score.confusion, strict=True):
            held = [sum(one.votes for one in found.in_cell(arm, true, said)) for said in (*sets, OTHER)]
            assert held == list(counts)


def test_failures_begin_with_what_all_seeds_get_wrong_then_with_the_surest(looking, journey):
    plain = Looking(journey.runs["evaluate"].folder)
    first, second, third = (row_of(plain, "healthy", number) for number in range(3))
    found = looking(
        {
            (REAL, 0): {first: ("rust", 0.99), second: ("rust", 0.5), third: ("scab", 0.7)},
            (REAL, 1): {second: ("rust", 0.6), third: ("scab", 0.8)},
        }
    )
    assert rows(found.failures(REAL)) == [third, second, first]


def test_what_one_arm_alone_gets_right_is_found_both_ways(looking, journey):
    plain = Looking(journey.runs["evaluate"].folder)
    healthy, scab = row_of(plain, "healthy"), row_of(plain, "scab")
    wrong = {healthy: ("rust", 0.9)}
    lost = {scab: ("rust", 0.9)}
    found = looking({(REAL, 0): wrong, (REAL, 1): wrong, (MORE, 0): lost, (MORE, 1): lost})
    (gained,), (missed,) = found.gained(MORE, over=REAL), found.gained(REAL, over=MORE)
    assert (gained.row, gained.said) == (healthy, "rust") and (missed.row, missed.said) == (scab, "rust")


def test_what_seeds_disagree_on_is_no_arms_alone(looking, rust):
    wrong = {rust: ("scab", 0.9)}
    found = looking({(REAL, 0): wrong, (REAL, 1): {}, (MORE, 0): {}, (MORE, 1): {}})
    assert found.gained(MORE, over=REAL) == []


def test_an_arm_that_is_not_there_is_named(journey):
    found = Looking(journey.runs["evaluate"].folder)
    with pytest.raises(NotFoundError, match="arm: got 'more', expected one of real, real_plus_synthetic"):
        found.failures("more")


def test_a_comparison_that_kept_too_little_says_so(journey, tmp_path):
    comparison = read_comparison(journey.runs["evaluate"].folder)
    write_json(tmp_path / "comparison.json", comparison.model_dump(mode="json"))
    with pytest.raises(NotFoundError, match="run it again to see them"):
        Looking(tmp_path)
