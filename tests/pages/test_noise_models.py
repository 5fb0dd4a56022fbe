"""Noise models on the pages that were made for translations: chosen, watched, compared, kept."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from leafcore.checkpoints import open_checkpoint
from leafcore.measure.interpretation import Interpretation
from leafcore.runs import list_runs
from tests.conftest import carrier
from tests.scored import result_of, write_scores


@pytest.fixture
def run(own, journey):
    """A tiny model of two classes: two epochs, two samples of each class."""
    return carrier(own)("dcgan", dataset=journey.dataset, labels="rust,scab", conditional="projection")


def shown(page: AppTest) -> dict:
    """Return what the viewer was told."""
    (viewer,) = page.get("bidi_component")
    return json.loads(viewer.proto.json)


def test_the_epochs_page_shows_every_sample_and_asks_for_no_direction(open_app, own, run):
    page = open_app(own).open("epochs", erun=run.id)
    data = shown(page)
    assert [(row["index"], row["column"], row["alt"]) for row in data["rows"]] == [
        (0, 0, "rust sample 1"), (0, 1, "rust sample 2"), (1, 0, "scab sample 1"), (1, 1, "scab sample 2"),
    ]  # fmt: skip
    assert data["epochs"] == [1, 2]
    asked = {group.label: list(group.options) for group in page.get("button_group")}
    assert asked == {"View": ["Grid", "Wipe"]}


def test_an_epoch_of_a_noise_model_can_be_kept(open_app, own, run):
    page = open_app(own).open("epochs", erun=run.id)
    assert page.text_input(key=f"promote_name_{run.id}").value == "dcgan-leaves"
    page.button(key="promote").click().run()
    assert not page.exception
    assert open_checkpoint(own, "dcgan-leaves").card.description["classes"] == ["rust", "scab"]


def test_a_run_shows_its_samples_with_the_classes_that_the_rows_are_of(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, run_tab="Samples")
    assert "**Epoch 2** · rust, scab, a row each" in [text.value for text in page.markdown]


def test_all_label_sets_are_learned_unless_some_are_chosen(open_app, own):
    page = open_app(own).open("train", recipe="DCGAN", preset="Smoke")
    assert page.multiselect(key="dcgan-labels").value == []
    page.multiselect(key="dcgan-labels").select("rust").run()
    page.button(key="submit-dcgan").click().run()
    (queued,) = list_runs(own, "dcgan")
    assert queued.record.settings["labels"] == ["rust"] and queued.record.title == "DCGAN rust"


def test_the_presets_are_those_of_the_recipe(open_app, own):
    page = open_app(own).open("train", recipe="DCGAN", preset="Conditional")
    assert page.selectbox(key="dcgan-conditional-conditional").value == "projection"
    page.button_group(key="recipe").set_value("leafgan").run()
    assert not page.exception
    assert [list(group.options) for group in page.button_group if group.label == "Preset"] == [
        ["Smoke", "Draft", "Paper"]
    ]
    assert page.button_group(key="preset").value in (["draft"], ["paper"], "draft", "paper")


def test_the_scores_of_a_noise_model_say_what_its_pictures_are_called(open_app, own, run):
    result = result_of(run.id, {1: {"kid": 0.3, "coverage": 0.2}, 2: {"kid": 0.1, "coverage": 0.5}}, from_noise=True)
    found = Interpretation(judge="j", counts={"rust": 20, "scab": 4}, warning="One class dominates.")
    last = result.epochs[-1].model_copy(update={"interpretation": found})
    write_scores(own, result.model_copy(update={"epochs": [result.epochs[0], last], "sources": 24}))
    page = open_app(own).open("epochs", erun=run.id)
    told = "\n".join(text.value for text in page.caption)
    assert "Coverage 50%" in told and "On 24 pictures from noise" in told and "Called rust 20, scab 4" in told
    assert [warning.value for warning in page.warning] == ["One class dominates."]
    assert len(page.get("plotly_chart")) == 2
