import io
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import ConfigError, DatasetError, NotFoundError
from leafcore.files import write_json
from leafcore.jobs import build_config, execute, submit
from leafcore.measure.stats import exact_interval
from leafcore.quiz import (
    answer_quiz,
    name_quiz,
    open_quiz,
    picture_of,
    repeat_quiz,
    session_size,
    start_quiz,
    undo_answer,
)
from leafcore.workspace import Workspace
from tests.conftest import carrier
from tests.planted import plant_translator


@pytest.fixture
def own(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


@pytest.fixture
def synthetic(journey):
    return journey.runs["synthesize"].id


@pytest.fixture
def quiz(own, synthetic):
    return start_quiz(own, synthetic, 4, seed=0)


def answered(own, quiz, *answers):
    for said in answers:
        quiz = answer_quiz(own, quiz, said)
    return quiz


def test_half_are_validation_photographs_and_half_are_synthetic(own, journey, synthetic, quiz):
    dataset = load(own, journey.dataset)
    real = {str(path) for path in dataset.paths(dataset.select(split="val", labels="rust"))}
    fake = {str(path) for path in open_synthetic_set(own, synthetic).paths()}
    shown = {kind: [item.path for item in quiz.items if item.kind == kind] for kind in ("real", "fake")}
    assert [len(shown["real"]), len(shown["fake"])] == [2, 2] == [len(set(shown["real"])), len(set(shown["fake"]))]
    assert set(shown["real"]) <= real and set(shown["fake"]) <= fake
    assert quiz.labels == "rust" and quiz.size_px == 32


@pytest.mark.parametrize("count", [4, 5, 20])
def test_how_many_there_will_be_can_be_said_before(own, journey, synthetic, count):
    sets, dataset = [open_synthetic_set(own, synthetic)], load(own, journey.dataset)
    photographs = len(dataset.select(split="val", labels="rust"))
    promised = session_size(dataset, sets, "rust", count)
    assert promised == len(start_quiz(own, synthetic, count).items) == 2 * min(count // 2, photographs)
    blank = sets[0].manifest.assign(labels="")  # held against photographs of any labels, of which there are more
    several = [replace(sets[0], manifest=blank), replace(sets[0], manifest=blank[:1])]
    assert session_size(dataset, several, "", 20) == 4, "one of each set"
    assert session_size(dataset, sets, "scab", 20) == 0


def test_photographs_are_not_enlarged_beside_larger_synthetic_pictures(own, journey, synthetic):
    table = own.runs / synthetic / "manifest.csv"
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows.assign(size_px="512").to_csv(table, index=False)
    photographs = load(own, journey.dataset).records
    side = int(photographs[["width", "height"]].min(axis=None))
    assert start_quiz(own, synthetic, 4).size_px == side // 32 * 32 < 512


def test_there_are_as_many_of_each_as_there_are(own, synthetic):
    quiz = start_quiz(own, synthetic, 40)
    assert [item.kind for item in quiz.items].count("real") == [item.kind for item in quiz.items].count("fake") == 2


def test_the_order_gives_nothing_away(own, synthetic):
    orders = {tuple(item.kind for item in start_quiz(own, synthetic, 4, seed=seed).items) for seed in range(40)}
    assert len(orders) == 6, "all orders of two and two"


def test_the_same_seed_is_the_same_session_under_another_name(own, synthetic, quiz):
    again = start_quiz(own, synthetic, 4, seed=0)
    assert again.items == quiz.items and again.id != quiz.id
    assert len({start_quiz(own, synthetic, 4).items for _ in range(12)}) > 1, "without a seed each is new"


def test_both_kinds_look_alike_as_files(own, quiz):
    pictures = {kind: [picture_of(quiz, item) for item in quiz.items if item.kind == kind] for kind in ("real", "fake")}
    heads = set()
    for content in (*pictures["real"], *pictures["fake"]):
        with Image.open(io.BytesIO(content)) as picture:
            heads.add((picture.format, picture.size, picture.mode, str(picture.info), str(picture.quantization)))
        assert content[:2] == b"\xff\xd8" and b"leaf-workbench" not in content
    assert len(heads) == 1
    # Everything before the pixels, the tables of this very picture's Huffman codes excepted, is the same byte for byte.
    starts = {content[: content.index(b"\xff\xc0") + 19] for part in pictures.values() for content in part}
    assert len(starts) == 1


def test_a_picture_is_shown_four_times_enlarged(quiz):
    fake = next(item for item in quiz.items if item.kind == "fake")
    shown = np.asarray(Image.open(io.BytesIO(picture_of(quiz, fake)))).astype(int)
    original = np.asarray(Image.open(fake.path)).astype(int)
    assert shown.shape == (128, 128, 3)
    assert np.abs(shown[2::4, 2::4] - original).mean() < 12
    steps = np.abs(np.diff(shown, axis=1)).mean(axis=(0, 2))
    assert steps[3::4].mean() < 2 * steps.mean(), "smoothly: no more at the edges of the small pixels than between them"


def test_answers_count_and_go_on_after_a_refresh(own, quiz):
    said = quiz.items[0].kind
    assert quiz.current == quiz.items[0]
    answer_quiz(own, quiz, said)
    again = open_quiz(own, quiz.id)
    assert again.answers == (said,) and again.current == quiz.items[1] and again.items == quiz.items


def test_an_answer_can_be_taken_back(own, quiz):
    quiz = answered(own, quiz, "real", "fake")
    quiz = undo_answer(own, quiz)
    assert quiz.answers == ("real",) == open_quiz(own, quiz.id).answers
    quiz = undo_answer(own, undo_answer(own, quiz))
    assert quiz.answers == () and quiz.current == quiz.items[0], "there is nothing before the first"


def test_the_score_is_the_share_of_right_answers_with_its_exact_interval(own, quiz):
    kinds = [item.kind for item in quiz.items]
    quiz = answered(own, quiz, *kinds[:3], "real" if kinds[3] == "fake" else "fake")
    assert quiz.current is None and quiz.hits == 3
    assert quiz.score() == exact_interval(3, 4)


@pytest.mark.parametrize(
    ("hits", "verdict"),
    [
        (14, "Not shown that you can tell them apart (n = 20; up to 88% right is possible)"),
        (15, "You can tell them apart"),
        (5, "They look more real to you than photographs do"),
    ],
)
def test_few_answers_are_no_proof_that_nobody_can_tell(quiz, hits, verdict):
    item, other = quiz.items[0], "real" if quiz.items[0].kind == "fake" else "fake"
    answers = (item.kind,) * hits + (other,) * (20 - hits)
    assert quiz.model_copy(update={"items": (item,) * 20, "answers": answers}).verdict() == verdict


def test_an_answer_too_many_changes_nothing(own, quiz):
    quiz = answered(own, quiz, *["real"] * 4)
    assert answer_quiz(own, quiz, "fake") == quiz == open_quiz(own, quiz.id)


def test_what_fooled_the_visitor_is_told(own, quiz):
    fakes = [item for item in quiz.items if item.kind == "fake"]
    fooled = answered(own, quiz, *["real"] * 4)
    assert fooled.mistaken("fake") == fakes and fooled.mistaken("real") == []
    blank = open_quiz(own, quiz.id).model_copy(update={"answers": (), "ratings": ()})
    doubtful = answered(own, blank, *["fake"] * 4)
    assert doubtful.mistaken("fake") == [] and len(doubtful.mistaken("real")) == 2


def test_too_few_pictures_are_refused_with_how_many_there_are(own, journey):
    run = carrier(own)("synthesize", chain=("healthy-to-rust",), dataset=journey.dataset, source="healthy", count=1)
    with pytest.raises(
        DatasetError, match="needs 2 validation photographs and 2 synthetic .* there are 2 and 1"
    ) as raised:
        start_quiz(own, run.id, 20)
    assert "\n" not in str(raised.value)


def test_labels_that_no_photograph_has_are_refused(own, journey):
    plant_translator(own, "to-wilt", "healthy", "wilt")
    config = build_config(
        "synthesize", {"chain": ("to-wilt",), "dataset": journey.dataset, "source": "healthy", "count": 2}
    )
    run = submit(own, "synthesize", config)
    execute(own, run, lane="cpu", owner="cli")
    with pytest.raises(DatasetError, match="label: got 'wilt', expected one of the label sets of leaves@"):
        start_quiz(own, run.id, 4)


def test_a_session_that_is_gone_says_so(own):
    with pytest.raises(NotFoundError, match="quiz: 'abc' is not here any more; start a new one"):
        open_quiz(own, "abc")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ""])
def test_a_link_cannot_leave_the_folder(own, name):
    with pytest.raises(ConfigError, match="quiz: got"):
        open_quiz(own, name)


def test_a_run_that_made_no_pictures_is_refused(own, journey):
    with pytest.raises(NotFoundError, match="holds no synthetic pictures"):
        start_quiz(own, journey.runs["masks"].id, 4)


# --- several sets, ratings, a second rater ----------------------------------------------------------------------------


def test_of_several_sets_as_many_are_shown_of_each(own, journey, synthetic):
    other = carrier(own)("synthesize", chain=("healthy-to-rust",), dataset=journey.dataset, source="healthy", count=1)
    quiz = start_quiz(own, (synthetic, other.id), 4, seed=0)
    assert sorted(item.set for item in quiz.items if item.kind == "fake") == sorted([synthetic, other.id])
    assert {item.set for item in quiz.items if item.kind == "real"} == {""} and quiz.asked == 4


def test_a_class_that_a_set_does_not_show_is_refused(own, synthetic):
    with pytest.raises(DatasetError, match="labels: the set .* has no picture of 'scab'; leave that set out"):
        start_quiz(own, synthetic, 4, labels="scab")


def test_a_rating_goes_with_its_answer_and_is_taken_back_with_it(own, quiz):
    quiz = answer_quiz(own, quiz, "real", rating=4)
    quiz = answer_quiz(own, quiz, "fake")
    assert open_quiz(own, quiz.id).ratings == (4, 0)
    assert undo_answer(own, undo_answer(own, quiz)).ratings == ()


def test_a_key_that_was_pressed_twice_answers_once(own, quiz):
    quiz = answer_quiz(own, quiz, "real", at=0)
    assert answer_quiz(own, quiz, "real", at=0).answers == ("real",)
    assert answer_quiz(own, quiz, "fake", at=1).answers == ("real", "fake")


def test_a_second_rater_gets_the_same_pictures_in_another_order_and_no_answers(own, quiz):
    quiz = name_quiz(own, answered(own, quiz, *["real"] * 4), "  Ada   Lovelace ")
    assert quiz.nickname == "Ada Lovelace"
    others = [repeat_quiz(own, quiz, seed=seed) for seed in range(6)]
    assert {frozenset(other.items) for other in others} == {frozenset(quiz.items)}
    assert len({other.items for other in others}) > 1
    assert {(other.like, other.answers, other.nickname) for other in others} == {(quiz.id, (), "")}


def test_a_session_from_before_there_were_ratings_goes_on(own, quiz):
    old = quiz.model_dump(exclude={"asked", "rates", "ratings", "like", "nickname", "created"}) | {"answers": ("real",)}
    write_json(own.quizzes / f"{quiz.id}.json", old)
    again = answer_quiz(own, open_quiz(own, quiz.id), "fake", rating=2)
    assert again.answers == ("real", "fake") and again.ratings == (0, 2)
