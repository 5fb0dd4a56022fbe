"""The scarcity study and pseudo-labels on their pages: started in three clicks, and what a slider shows."""

import pandas as pd
import pytest

from leafcore.errors import DatasetError
from leafcore.evaluate.result import Estimate
from leafcore.files import write_json
from leafcore.jobs import build_config, execute
from leafcore.runs import create_run, list_runs
from leafcore.scarcity.result import ScarcityResult
from leafcore.synthesize.votes import Votes
from tests.conftest import carrier
from tests.noise_models import plant_noise_model

VOTES = {
    "file": ["a.png", "b.png", "c.png", "d.png"],
    "labels": ["rust", "rust", "scab", "healthy"],
    "probability": [0.95, 0.8, 0.76, 0.4],
}


def finished(own, kind, values, result):
    """Write a run that is done."""
    run = create_run(own, kind, build_config(kind, values))
    write_json(run.folder / "result.json", result)
    with run.locked():
        run.finish("done")
    return run


@pytest.fixture
def study(own, journey):
    """A finished study, and the run of its pseudo-labels."""
    labelled = finished(own, "pseudo-label", {"run": "r", "teacher": "t", "dataset": journey.dataset}, {})
    Votes(pd.DataFrame(VOTES)).save(labelled.folder)
    estimate = Estimate(value=0.5, low=0.4, high=0.6)
    result = ScarcityResult(
        dataset=journey.dataset,
        runs={"pseudo-label": labelled.id},
        pictures={"rust": {"train": 7, "val": 2, "test": 1}},
        generated=4,
        interpretation=None,
        accepted={"rust": 2, "scab": 1},
        rejected={"healthy": 1},
        scores={"inception_score": "from 200", "fid": "from 200", "kid": "0.02 ± 0.01"},
        score_counts={"generated": 4, "real": 9},
        score_backbone="test_resnet",
        macro_f1={"real": estimate, "real_plus_synthetic": estimate},
        difference=Estimate(value=0.0, low=-0.1, high=0.1),
        test_images=1,
        verdict="No difference shown.",
        withheld=False,
        strip="",
    )
    finished(own, "scarcity", {"dataset": journey.dataset}, result.model_dump(mode="json"))
    return labelled


def captions(page):
    return " ".join(part.value for part in page.caption)


def test_a_study_is_started_by_dataset_preset_and_start(open_app, own, journey):
    page = open_app(own).open("evaluate", what="Scarcity study")
    page.segmented_control(key="scarcity_preset").set_value("smoke").run()
    page.button(key="submit-scarcity").click().run()
    assert not page.exception and not page.error
    (run,) = list_runs(own, "scarcity")
    settings = run.record.settings
    assert (settings["dataset"], settings["limit"], settings["scale"]) == (journey.dataset, 100, "smoke")
    assert run.status().state == "queued"


def test_too_few_pictures_are_said_in_one_line_where_the_study_was_started(open_app, own):
    app = open_app(own)
    page = app.open("evaluate", what="Scarcity study")
    page.number_input(key="scarcity-draft-limit").set_value(1)
    page.button(key="submit-scarcity").click().run()
    (run,) = list_runs(own, "scarcity")
    with pytest.raises(DatasetError):
        execute(own, run, lane="cpu", owner="cli")
    said = [error.value for error in app.checked().run().error]
    assert len(said) == 1 and "at most 1 pictures of each label set" in said[0] and "\n" not in said[0]


def test_a_side_that_no_gan_makes_is_said_and_no_study_starts(open_app, own):
    page = open_app(own).open("evaluate", what="Scarcity study")
    page.number_input(key="scarcity-draft-size_px").set_value(96)
    page.button(key="submit-scarcity").click().run()
    assert [error.value for error in page.error] == ["size_px: got 96, expected 64, 128 or 256 px."]
    assert not list_runs(own, "scarcity")


def test_a_side_that_no_dcgan_makes_is_said_below_its_field(open_app, own):
    page = open_app(own).open("train", recipe="DCGAN", preset="Draft")
    page.number_input(key="dcgan-draft-size_px").set_value(96).run()
    assert [error.value for error in page.error] == ["size_px: got 96, expected 64, 128 or 256 px."]
    assert page.button(key="submit-dcgan").disabled


def test_a_study_shows_its_verdict_and_what_joined(open_app, own, study):
    page = open_app(own).open("evaluate", what="Scarcity study")
    assert [box.value for box in page.info] == ["No difference shown."]
    assert page.metric[0].value == "3 of 4"
    assert "3 of 4 pictures (75%) pass 0.75. None of healthy." in captions(page)


def test_the_slider_counts_without_a_run_and_the_button_makes_another_set(open_app, own, study, monkeypatch):
    app = open_app(own)
    page = app.open("evaluate", what="Scarcity study")
    assert page.button(key=f"relabel-{study.id}").disabled
    before = len(list_runs(own))
    page.slider(key=f"votes-{study.id}").set_value(0.9).run()
    assert "1 of 4 pictures (25%) pass 0.90. None of healthy, scab." in captions(app.checked())
    assert len(list_runs(own)) == before
    asked = []
    monkeypatch.setattr("ui.pseudo_labels.forms.queue", lambda kind, values: asked.append((kind, values)))
    page.button(key=f"relabel-{study.id}").click().run()
    ((kind, values),) = asked
    assert kind == "pseudo-label" and values["min_confidence"] == 0.9 and values["teacher"] == "t"


def test_the_studio_lets_a_teacher_label_what_has_no_labels(open_app, own, journey):
    plant_noise_model(own, "free", journey.dataset)
    carry = carrier(own)
    made = carry("synthesize", checkpoint="free", source="", count=4, judge="none", device="cpu")
    app = open_app(own)
    page = app.open("studio", how="From noise", set=made.id)
    assert "A classifier of their dataset can give them some." in captions(page)
    teacher = carry("classifier", dataset=journey.dataset)
    page = app.open("studio", how="From noise", set=made.id)
    page.slider(key=f"confidence-{made.id}").set_value(0.6)
    page.button(key=f"label-{made.id}").click().run()
    app.checked()
    (run,) = list_runs(own, "pseudo-label")
    settings = run.record.settings
    assert settings["run"] == made.id and settings["teacher"].startswith(f"{teacher.id}@")
    assert settings["min_confidence"] == 0.6 and settings["dataset"] == journey.dataset
