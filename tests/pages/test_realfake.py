"""Real or fake, by machine and by people, on pages: trials and sessions made by hand."""

import pytest

from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.files import write_json
from leafcore.jobs import build_config
from leafcore.quiz import answer_quiz, name_quiz, open_quiz, repeat_quiz, start_quiz
from leafcore.realfake.result import RealFakeResult, SetTold, Told
from leafcore.runs import create_run, list_runs
from tests.states import write_state


@pytest.fixture
def made(journey) -> str:
    return journey.runs["synthesize"].id


@pytest.fixture
def told(own, journey, made):
    """Write a trial of the journey's set that is done."""
    run = create_run(own, "realfake", build_config("realfake", {"dataset": journey.dataset, "synthetic": (made,)}))
    files = open_synthetic_set(own, made).files
    machine = Told(hits=112, n=120, accuracy=112 / 120, low=0.87, high=0.97, auroc=0.98)
    one = SetTold(
        set=made, title="Six leaves", labels=("rust",), learned=80, judged=60, told={"probe": machine},
        suspicion={files[0]: 0.1, files[1]: 0.9},
    )  # fmt: skip
    found = RealFakeResult(dataset=journey.dataset, size_px=32, quality=85, backbone="net", sets=[one])
    write_json(run.folder / "result.json", found.model_dump(mode="json"))
    write_state(run, "done")
    return run


def test_what_machines_tell_is_said_in_words_with_n(open_app, own, told):
    page = open_app(own).open("evaluate", what="Real or fake")
    said = [markdown.value for markdown in page.markdown]
    assert any("told apart: 93% of 120, 87% to 97%" in text and "AUROC 0.98" in text for text in said)
    assert any("judged on 60 of each" in caption.value for caption in page.caption)


def test_the_machines_are_asked_about_the_chosen_sets(open_app, own, made):
    page = open_app(own).open("evaluate", what="Real or fake")
    page.button(key="submit-realfake").click().run()
    assert not page.exception
    queued = list_runs(own, "realfake")[0]
    assert queued.record.settings["synthetic"] == [made] and queued.status().state == "queued"


# --- people -----------------------------------------------------------------------------------------------------------


def finished_quiz(own, made, said="real", **values):
    quiz = start_quiz(own, made, 4, seed=0, **values)
    for _ in quiz.items:
        quiz = answer_quiz(own, quiz, said, rating=4)
    return quiz


def test_the_end_shows_each_generator_beside_photographs_and_the_machine(open_app, own, made, told):
    quiz = finished_quiz(own, made, rates=True)
    page = open_app(own).open("quiz", quiz=quiz.id)
    table = page.dataframe[0].value
    assert table["Called synthetic"].tolist() == ["0% of 2", "0% of 2"]
    assert table["Plausibility"].tolist() == ["4.0 of 5 (n = 2)"] * 2
    assert table["Machines"].tolist() == ["–", "linear probe told apart: 93% of 120, 87% to 97%"]


def test_a_nickname_lists_the_answers_and_a_second_rater_gets_the_same_pictures(open_app, own, made):
    quiz = finished_quiz(own, made)
    page = open_app(own).open("quiz", quiz=quiz.id)
    page.text_input(key="quiz_nickname").set_value("Ada").run()
    assert open_quiz(own, quiz.id).nickname == "Ada"
    page = open_app(own).open("quiz")
    assert page.dataframe[0].value["Who"].tolist() == ["Ada"]
    page.button(key="quiz_repeat").click().run()
    assert not page.exception
    second = next(one for path in own.quizzes.glob("*.json") if (one := open_quiz(own, path.stem)).like)
    assert second.like == quiz.id and set(second.items) == set(quiz.items)


def test_two_raters_are_told_how_far_they_agree(open_app, own, made):
    first = name_quiz(own, finished_quiz(own, made), "Ada")
    second = repeat_quiz(own, first)
    for item in second.items:
        second = answer_quiz(own, second, item.kind)
    page = open_app(own).open("quiz", quiz=second.id)
    assert any("With **Ada** on the same pictures: kappa 0.00" in text.value for text in page.markdown)


def test_a_rating_is_kept_with_the_answer(open_app, own, made):
    quiz = start_quiz(own, made, 4, rates=True)
    page = open_app(own).open("quiz", quiz=quiz.id)
    page.session_state["quiz_rating_0"] = 5
    page.button(key="say_fake").click().run()
    assert open_quiz(own, quiz.id).ratings == (5,)
    page.button(key="say_real").click().run()
    assert open_quiz(own, quiz.id).ratings == (5, 0), "a rating is of one picture"


def test_nothing_on_the_page_tells_what_a_picture_is(open_app, own, made):
    quiz = start_quiz(own, made, 4, seed=0)
    page = open_app(own).open("quiz", quiz=quiz.id)
    shown = "".join(str(element.proto) for element in page.main)
    for item in quiz.items:
        assert item.name not in shown and item.path not in shown


def test_a_picture_that_is_gone_does_not_tell_what_it_was(open_app, own, made):
    quiz = start_quiz(own, made, 4, seed=0)
    folder = open_synthetic_set(own, made).folder / "images"
    for path in folder.glob("*.png"):
        path.unlink()
    at = next(index for index, item in enumerate(quiz.items) if item.kind == "fake")
    for _ in range(at):
        quiz = answer_quiz(own, quiz, "real")
    page = open_app(own).open("quiz", quiz=quiz.id)
    assert page.error[0].value == "A picture of this session is gone or damaged."
