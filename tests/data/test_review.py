"""What people say of synthetic pictures: the last word counts, undo is one's own, nothing is lost between two."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from pydantic import ValidationError

from leafcore.data.review import Choice, Review, read_review, review_journal, standing
from leafcore.data.reviewing import Said, review_state, say, select
from leafcore.data.synthetic_sets import open_synthetic_set, open_whole_set
from leafcore.errors import ConfigError, DatasetError, NotFoundError

A, B = "000000-ab.png", "000001-ab.png"
EACH = 40  # choices of each of two people at once


def test_the_last_word_about_a_picture_counts():
    review = standing(
        [
            Choice(files=("a", "b"), verdict="reject"),
            Choice(files=("a",), stars=4),
            Choice(files=("a",), verdict="keep"),
        ]
    )
    assert (review.of("a").verdict, review.of("a").stars) == ("keep", 4)
    assert review.of("b").verdict == "reject" and review.of("c").is_open


def test_a_choice_says_something_of_something():
    for wrong in ({"files": ("a",)}, {"files": (), "stars": 3}, {"files": ("a",), "stars": 6}):
        with pytest.raises(ValidationError):
            Choice(**wrong)


def test_what_was_taken_away_again_leaves_no_trace_in_the_digest():
    said = [Choice(files=("a",), verdict="reject"), Choice(files=("a",), verdict="open")]
    assert standing(said).digest() == Review().digest() == ""
    assert standing(said[:1]).digest() != standing([Choice(files=("b",), verdict="reject")]).digest() != ""


@pytest.mark.parametrize(
    ("show", "stars", "left"),
    [("all", 0, "abcd"), ("kept", 0, "a"), ("rejected", 0, "b"), ("unrated", 0, "d"), ("all", 3, "c"), ("all", 4, "")],
)
def test_a_filter_leaves_the_pictures_in_their_order(show, stars, left):
    choices = [
        Choice(files=("a",), verdict="keep"),
        Choice(files=("b",), verdict="reject"),
        Choice(files=("c",), stars=3),
    ]
    assert select(standing(choices), "abcd", show, stars) == list(left)


# --- a set ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def made(own_shelf):
    """A workspace and the id of its set of two translations."""
    return own_shelf.workspace, own_shelf.sets["chain"].id


def test_what_is_rejected_is_in_the_set_no_more_and_its_row_stays(made):
    state = say(*made, Said(reject=(A,), by="ann"))
    assert (state.kept, state.rejected, state.unrated) == (0, 1, 1) and state.opinions[A].by == "ann"
    assert open_synthetic_set(*made).files == [B] and open_whole_set(*made).files == [A, B]
    say(*made, Said(undo=True, by="ann"))
    assert open_synthetic_set(*made).files == [A, B]


def test_stars_leave_those_that_have_as_many(made):
    say(*made, Said(stars={A: 3, B: 5}))
    assert open_synthetic_set(*made, stars=3).files == [A, B] and open_synthetic_set(*made, stars=4).files == [B]
    assert review_state(*made).stars == {3: 1, 5: 1}


def test_a_set_of_which_nothing_is_left_says_so(made):
    say(*made, Said(reject=(A, B)))
    with pytest.raises(DatasetError, match="each of the 2 pictures .* was rejected in review; keep some"):
        open_synthetic_set(*made)


def test_undo_takes_back_ones_own_last_choice(made):
    say(*made, Said(keep=(A,), by="ann"))
    say(*made, Said(stars={A: 2}, by="ben"))
    state = say(*made, Said(undo=True, by="ann"))
    assert (state.opinions[A].verdict, state.opinions[A].stars) == ("open", 2)
    assert say(*made, Said(undo=True, by="ann")) == state, "nothing of hers is left to take back"


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (Said(keep=(A,), reject=("x.png",)), NotFoundError, "no picture x.png in"),
        (Said(keep=(A,), reject=(A,)), ConfigError, f"{A} named twice"),
        (Said(stars={A: 6}), ConfigError, f"got 6 for {A}, expected 0 to 5"),
    ],
)
def test_what_is_wrong_in_part_is_not_written_at_all(made, said, error, message):
    with pytest.raises(error, match=message):
        say(*made, said)
    assert review_state(*made).unrated == 2


def test_a_line_that_is_no_choice_is_named(made):
    folder = open_whole_set(*made).folder
    (folder / "review.jsonl").write_text('{"files": ["a"], "verdict": "maybe"}\n')
    with pytest.raises(DatasetError, match=r"review.jsonl: line 1 is no choice"):
        open_synthetic_set(*made)


# --- two people at once -----------------------------------------------------------------------------------------------


def review_alone(folder: Path, who: str) -> None:
    """Rate one's own pictures and reject a common one; take back every fourth rating."""
    journal = review_journal(folder)
    for number in range(EACH):
        journal.add(Choice(files=(f"{who}-{number}",), stars=number % 5 + 1, by=who))
        if number % 4 == 3:
            journal.undo(lambda choice: choice.by == who)
    journal.add(Choice(files=("common",), verdict="reject", by=who))


def test_two_people_at_one_set_lose_nothing(tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(review_alone, tmp_path), ("ann", "ben")))
    review = read_review(tmp_path)
    expected = {f"{who}-{n}": n % 5 + 1 for who in ("ann", "ben") for n in range(EACH) if n % 4 != 3}
    assert {file: one.stars for file, one in review.opinions.items() if file != "common"} == expected
    assert review.of("common").verdict == "reject"
    assert len((tmp_path / "review.jsonl").read_text().splitlines()) == 2 * (EACH + EACH // 4 + 1)
