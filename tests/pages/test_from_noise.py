"""The Studio's way from noise."""

import pytest

from leafcore.files import read_json, write_json
from leafcore.jobs import build_config, execute, submit
from leafcore.questions import GridQuestion, InterpolationQuestion, SampleQuestion
from leafcore.runs import list_runs
from leafcore.usage import read_usage
from tests.noise_models import CLASSES, plant_noise_model, studio_of


@pytest.fixture
def studio(open_app, own, journey, monkeypatch):
    """The Studio over a class-conditional model and a free one, and what its worker was asked."""
    plant_noise_model(own, "three", journey.dataset, CLASSES)
    plant_noise_model(own, "free", journey.dataset)
    return studio_of(open_app, own, monkeypatch)


def texts(page):
    return " ".join(part.value for part in [*page.markdown, *page.caption, *page.warning])


def test_without_a_noise_model_the_way_to_one_is_shown(open_app, own):
    page = open_app(own).open("studio", how="From noise")
    assert "No model makes pictures from noise yet" in page.info[0].value
    assert any(link.proto.label == "Train DCGAN" for link in page.get("page_link"))


def test_a_preview_shows_the_pictures_of_the_settings_and_is_logged_once(studio, own):
    app, worker = studio
    page = app.open("studio", how="From noise", noise_model="three")
    assert not worker.asked, "nothing is made before it is asked for"
    page.number_input(key="noise_seed").set_value(5)
    page.selectbox(key="noise_label").set_value("rust")
    page.button(key="noise_preview").click().run()
    app.checked()
    (question,) = worker.asked
    assert isinstance(question, SampleQuestion) and (question.seed, question.label, question.n) == (5, "rust", 8)
    assert "is withheld: there is no judge" in texts(page)
    page.run()
    app.checked()
    assert [(use.source, use.n) for use in read_usage(own)] == [("studio", 8)], "drawing again is no request"
    page.select_slider(key="truncation").set_value(0.5).run()
    app.checked()
    assert worker.asked[-1].truncation == 0.5, "what is changed after the first preview is seen at once"


@pytest.mark.parametrize(("tab", "kind"), [("Between two seeds", InterpolationQuestion), ("Every class", GridQuestion)])
def test_the_ways_to_look_at_a_model(studio, tab, kind):
    app, worker = studio
    page = app.open("studio", how="From noise", noise_model="three", noise_tab=tab)
    page.button(key="noise_preview").click().run()
    app.checked()
    assert not page.error and [type(question) for question in worker.asked] == [kind]


def test_the_last_seed_has_a_way_too(studio):
    app, worker = studio
    last = str(2**31 - 1)
    page = app.open("studio", how="From noise", noise_model="three", noise_tab="Between two seeds", noise_seed=last)
    page.button(key="noise_preview").click().run()
    app.checked()
    assert str(worker.asked[-1].end_seed) == last


def test_a_model_that_makes_what_it_likes_is_not_asked_for_a_label(studio):
    page = studio[0].open("studio", how="From noise", noise_model="free")
    assert not [box for box in page.selectbox if box.key == "noise_label"] and "whatever it likes" in texts(page)


def test_generate_queues_a_run_whose_set_is_shown_with_what_a_classifier_sees(studio, own):
    app, _ = studio
    page = app.open("studio", how="From noise", noise_model="three")
    page.number_input(key="noise_n").set_value(4)
    page.button(key="noise_generate").click().run()
    app.checked()
    made = list_runs(own, "synthesize")[0]
    assert made.record.settings["count"] == 4 and made.record.settings["checkpoint"].startswith("three#")
    execute(own, made, lane="cpu", owner="cli")
    result = read_json(made.folder / "result.json")
    seen = {"judge": "j", "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 40}, "counts": {"rust": 4}}
    seen["agreement"] = {"rust": {"value": 1.0, "low": 0.2, "high": 1.0, "n": 1}}
    write_json(made.folder / "result.json", {**result, "interpretation": {**seen, "warning": "One class dominates."}})
    page.run()
    app.checked()
    assert "**4 pictures**, healthy, rust, scab" in texts(page)
    assert "Named by j, which names 90 % (80 to 95 %) of 40 real validation pictures" in texts(page)
    assert "Called what they were made as: rust 100 % (20 to 100 %) of 1." in texts(page)
    assert [warning.value for warning in page.warning] == ["One class dominates."]


def test_a_set_without_labels_is_shown_in_the_explorer_and_the_quiz(studio, own):
    run = submit(own, "synthesize", build_config("synthesize", {"checkpoint": "free", "count": 4, "device": "cpu"}))
    execute(own, run, lane="cpu", owner="cli")
    app, _ = studio
    app.open("datasets", src=run.id)
    page = app.open("quiz")
    assert not page.error
