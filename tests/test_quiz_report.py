"""What sessions tell: by generator, between raters, beside a machine; sessions made by hand."""

import csv
import io

import pytest

from leafcore.files import write_bytes, write_json
from leafcore.jobs import build_config
from leafcore.measure.agreement import cohens_kappa
from leafcore.measure.stats import exact_interval
from leafcore.quiz import Item, Quiz
from leafcore.quiz_report import RATINGS, agreement, as_csv, by_generator, finished, machine_of, others_of
from leafcore.realfake.result import RealFakeResult, SetTold, Told
from leafcore.runs import create_run
from tests.states import write_state

KINDS = ("real", "real", "fake", "fake", "fake", "fake")
SETS = ("", "", "gan", "gan", "gan", "drawn")
ITEMS = tuple(
    Item(kind=kind, path=f"/p/{row}.png", name=f"{row}.png", set=made)
    for row, (kind, made) in enumerate(zip(KINDS, SETS, strict=True))
)


def session(answers: str, ratings: tuple[int, ...] = (), **values) -> Quiz:
    """Return a session; answers are letters, r and f."""
    said = tuple({"r": "real", "f": "fake"}[letter] for letter in answers)
    facts = {"id": "one", "synthetic": "gan,drawn", "labels": "rust", "size_px": 32, "items": ITEMS}
    return Quiz(**{**facts, "answers": said, "ratings": ratings, **values})


def test_each_generator_is_told_beside_photographs():
    scores = by_generator(session("rfffrf", (0, 0, 5, 3, 0, 1)))
    assert [(one.set, one.n, one.called_fake) for one in scores] == [
        ("", 2, exact_interval(1, 2)),
        ("drawn", 1, exact_interval(1, 1)),
        ("gan", 3, exact_interval(2, 3)),
    ]
    assert [(one.rating, one.rated) for one in scores] == [(None, 0), (1, 1), (4, 2)]


def test_only_what_was_answered_counts():
    assert [(one.set, one.n) for one in by_generator(session("rff"))] == [("", 2), ("gan", 1)]


def test_two_raters_are_compared_picture_by_picture_whatever_their_order():
    first = session("rrffrf", (1, 2, 3, 4, 5, 5))
    backwards = session("frrffr"[::-1], (5, 5, 4, 3, 2, 1), id="two", items=ITEMS[::-1])
    same = session("frffrr"[::-1], id="three", items=ITEMS[::-1])
    found = agreement(first, backwards)
    said = (["real", "real", "fake", "fake", "real", "fake"], ["f", "r", "r", "f", "f", "r"])
    words = {"r": "real", "f": "fake"}
    assert found.kinds == cohens_kappa(said[0], [words[one] for one in said[1]], ("real", "fake"))
    assert (found.n, found.rated, found.ratings.value) == (6, 6, pytest.approx(1))
    assert agreement(first, same).kinds.value != agreement(first, backwards).kinds.value
    assert agreement(first, same).rated == 0
    assert cohens_kappa([1, 2], [1, 2], RATINGS).value == pytest.approx(1)


def test_only_sessions_that_are_done_and_named_are_listed_newest_first(workspace):
    sessions = [
        session("rrffff", id="a", nickname="Ada", created=1.0),
        session("rrffff", id="b", nickname="Bo", created=2.0),
        session("rrffff", id="c"),
        session("rrf", id="d", nickname="Di"),
    ]
    for one in sessions:
        write_bytes(workspace.quizzes / f"{one.id}.json", one.model_dump_json().encode())
    write_bytes(workspace.quizzes / "broken.json", b"{")
    assert [one.nickname for one in finished(workspace)] == ["Bo", "Ada"]


def test_sessions_of_the_same_pictures_find_each_other():
    first, second, third = session("r", id="a"), session("r", id="b", like="a"), session("r", id="c", like="a")
    stranger = session("r", id="d")
    every = [first, second, third, stranger]
    assert [one.id for one in others_of(first, every)] == ["b", "c"]
    assert [one.id for one in others_of(second, every)] == ["a", "c"]
    assert others_of(stranger, every) == []


def test_a_row_of_the_table_is_an_answer():
    rows = list(csv.DictReader(io.StringIO(as_csv(session("rff", (0, 2, 0), nickname="Ada")).decode())))
    assert [(row["kind"], row["said"], row["right"], row["plausibility"]) for row in rows] == [
        ("real", "real", "1", ""), ("real", "fake", "0", "2"), ("fake", "fake", "1", ""),
    ]  # fmt: skip
    assert rows[2]["set"] == "gan" and rows[0]["nickname"] == "Ada" and rows[0]["number"] == "1"
    assert {row["size_px"] for row in rows} == {str(session("rff").size_px)}, "it says little of larger pictures"


def test_the_newest_trial_that_told_something_stands_beside(workspace):
    told = Told(hits=9, n=10, accuracy=0.9, low=0.55, high=1, auroc=0.95)
    for title, machines in (("First", {"probe": told}), ("Second", {})):
        config = build_config("realfake", {"dataset": "leaves", "synthetic": ("gan",)})
        run = create_run(workspace, "realfake", config)
        one = SetTold(set="gan", title=title, told=machines)
        result = RealFakeResult(dataset="leaves@1", size_px=32, quality=85, backbone="net", sets=[one])
        write_json(run.folder / "result.json", result.model_dump(mode="json"))
        write_state(run, "done")
    found = machine_of(workspace, "gan")
    assert found is not None and found.title == "First"
    assert machine_of(workspace, "drawn") is None
