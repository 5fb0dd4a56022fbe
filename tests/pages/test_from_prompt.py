"""The Studio's way from a prompt."""

import json

import pytest

from leafcore.checkpoints import promote
from leafcore.data.synthetic_sets import REJECTED, open_synthetic_set
from leafcore.files import read_json, write_json
from leafcore.questions import DrawQuestion
from leafcore.runs import list_runs
from leafcore.synthesize.verdicts import Check, Verification
from tests.conftest import carrier
from tests.noise_models import InThisProcess


@pytest.fixture
def studio(open_app, own, journey, tiny_base, monkeypatch):
    """The Studio over a model that was taught rust, and what its worker was asked."""
    tiny = {"base": str(tiny_base), "epochs": 1, "epoch_steps": 1, "prior_weight": 0.0}
    run = carrier(own)("dreambooth", dataset=journey.dataset, **tiny)
    promote(own, run.id, "sks")
    app, worker = open_app(own), InThisProcess(own)
    monkeypatch.setattr("ui.cached.warm_worker", lambda: worker)
    return app, worker


def texts(page):
    return " ".join(part.value for part in [*page.markdown, *page.caption])


def test_without_a_model_the_way_to_one_is_shown(open_app, own):
    page = open_app(own).open("studio", how="From a prompt")
    assert "No model draws from a prompt yet" in page.info[0].value
    assert any(link.proto.label == "Train DreamBooth" for link in page.get("page_link"))


def test_a_preview_over_photographs_is_drawn_and_then_queued_as_it_was_seen(studio, own, journey):
    app, worker = studio
    page = app.open("studio", how="From a prompt", prompt_over="healthy")
    assert not worker.asked and "a photo of sks leaf → **rust**" in texts(page)
    page.text_input(key="prompt").set_value("a photo of a leaf").run()
    assert "Without **sks**" in texts(app.checked())
    page.slider(key="prompt_steps").set_value(2)
    page.slider(key="prompt_strength").set_value(0.5)
    page.button(key="prompt_preview").click().run()
    assert not app.checked().error
    (question,) = worker.asked
    assert isinstance(question, DrawQuestion) and len(question.images) == question.n == 2
    assert (question.strength, question.masks) == (0.5, journey.runs["masks"].id)
    assert {"source", "drawn over"} <= {text.value for text in page.caption}
    page.button(key="prompt_generate").click().run()
    assert not app.checked().error
    settings = list_runs(own, "synthesize")[0].record.settings
    assert settings["checkpoint"].startswith("sks#") and settings["verify"] == "auto"
    wanted = {"prompt": "a photo of a leaf", "sampling_steps": 2, "strength": 0.5, "source": "healthy", "count": 8}
    assert wanted.items() <= settings.items()


def test_rejected_pictures_are_shown_with_their_reasons(open_app, own, journey):
    run = journey.runs["synthesize"]
    folder = own.run(run.id)
    manifest = open_synthetic_set(own, run.id).manifest
    manifest.head(1).assign(failed=json.dumps(["leaf"]), why="a full leaf by 0.10").to_csv(folder / REJECTED)
    checks = (Check(name="leaf", by="lflseg", least=0.5, failed=1), Check(name="copy", withheld="too few"))
    found = Verification(accepted=len(manifest), rejected=1, checks=checks)
    write_json(folder / "result.json", {**read_json(folder / "result.json"), "verification": found.model_dump()})
    page = open_app(own).open("studio", set=run.id)
    said = texts(page)
    assert f"**{len(manifest)} of {len(manifest) + 1} pictures accepted**" in said
    assert "Shows one full leaf: 1 failed, by lflseg, at least 0.5." in said
    assert "Is no copy of a training picture: withheld, too few." in said
    assert any(box.label == "Rejected: 1" for box in page.expander)
