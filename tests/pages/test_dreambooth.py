"""DreamBooth on the pages: asked for with its license in sight, watched, compared, kept."""

import json

import pytest

from leafcore.base_models import accepted
from leafcore.runs import list_runs
from tests.conftest import carrier
from tests.hub import Hub, stand_in


@pytest.fixture
def run(own, journey, tiny_base):
    """A tiny training: two epochs of one step, a sample of each of three prompts."""
    return carrier(own)("dreambooth", dataset=journey.dataset, base=str(tiny_base), epoch_steps=1, prior_weight=0.0)


def test_a_run_is_watched_and_its_epochs_compared_and_kept(open_app, own, run):
    app = open_app(own)
    page = app.open("runs", run=run.id, run_tab="Samples")
    headings = [text.value for text in page.markdown]
    assert "**Epoch 2** · a photo of sks leaf, a photo of a leaf, a dog, a row each" in headings
    page = app.open("epochs", erun=run.id)
    (viewer,) = page.get("bidi_component")
    rows = json.loads(viewer.proto.json)["rows"]
    assert [row["alt"] for row in rows[:3]] == [
        "a photo of sks leaf base", "a photo of sks leaf sample 1", "a photo of a leaf base",
    ]  # fmt: skip
    assert "Probes are prompts; they are the same at every epoch." in [text.value for text in page.caption]
    assert not any(button.key == "compute_scores" for button in page.button), "what a prompt draws is verified instead"
    page.button(key="promote").click().run()
    assert not page.exception and (own.checkpoints / "dreambooth-rust" / "card.json").exists()


def test_the_form_shows_license_and_size_before_anything_is_fetched_and_asks_for_it_once(open_app, own, tiny_base):
    before = len(list_runs(own, "dreambooth"))
    page = open_app(own).open("train", recipe="DreamBooth", preset="Smoke")
    said = [text.value for text in page.caption]
    assert any("CreativeML OpenRAIL-M" in text and "to be accepted above" in text for text in said)
    assert any("4.3 GB will be fetched to" in text for text in said)
    page.button(key="submit-dreambooth").click().run()
    assert (
        any("accept_license: " in error.value for error in page.error) and len(list_runs(own, "dreambooth")) == before
    )
    page.text_input(key="dreambooth-smoke-base").set_value(str(tiny_base)).run()
    page.toggle(key="dreambooth-smoke-accept_license").set_value(True).run()
    page.button(key="submit-dreambooth").click().run()
    assert not page.exception and len(list_runs(own, "dreambooth")) == before + 1
    assert str(tiny_base) in accepted(own)


def test_a_wrong_base_is_said_in_one_line_beside_the_form(open_app, own, tmp_path):
    page = open_app(own).open("train", recipe="DreamBooth", preset="Smoke")
    page.text_input(key="dreambooth-smoke-base").set_value(str(tmp_path)).run()
    assert not page.exception
    assert any(f"base: {tmp_path} lacks model_index.json, unet/" in error.value for error in page.error)


def test_a_base_that_nobody_knows_says_its_license_before_it_is_accepted(open_app, own, tiny_base, monkeypatch):
    stand_in(monkeypatch, Hub(tiny_base, license="cc-by-4.0"))
    page = open_app(own).open("train", recipe="DreamBooth", preset="Smoke")
    page.text_input(key="dreambooth-smoke-base").set_value("someone/leaves").run()
    assert any("license [not known yet](https://huggingface.co/someone/leaves)" in text.value for text in page.caption)
    page.button(key="base_ask-someone/leaves").click().run()
    said = [text.value for text in page.caption]
    assert not page.exception and any("license [cc-by-4.0](https://" in text for text in said)
    assert any("1.1 MB will be fetched to" in text for text in said)
