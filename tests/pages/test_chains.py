"""The chain builder in the Studio: suggestions, strength and place of a step, the way back, other sizes."""

import pytest

from leafcore.chain_presets import list_presets
from leafcore.runs import list_runs
from tests.planted import plant_translator


def test_a_suggestion_strength_and_size_become_the_run_that_is_queued(open_app, own):
    app = open_app(own)
    page = app.open("studio")
    page.selectbox(key="suggested").select("healthy").run()
    app.checked()
    (chosen,) = page.multiselect(key="chain").value
    assert chosen.endswith(":back") and page.selectbox(key="src").value == "rust"
    page.slider(key="strength_0").set_value(0.5)
    page.selectbox(key="where_0").select("leaf")
    page.number_input(key="synthesize--size_px").set_value(48)
    page.number_input(key="n").set_value(2).run()
    app.checked()
    page.button(key="generate").click().run()
    assert not page.error
    settings = list_runs(own, "synthesize")[0].record.settings
    (step,) = settings["chain"]
    assert step.startswith(f"{chosen.removesuffix(':back')}#") and step.endswith(":back:0.5:leaf")
    assert (settings["source"], settings["size_px"], settings["count"]) == ("rust", 48, 2)


def test_sources_that_judge_are_refused_beside_the_button(open_app, own):
    page = open_app(own).open("studio")
    page.selectbox(key="synthesize--sources_from").select("test").run()
    before = len(list_runs(own, "synthesize"))
    page.button(key="generate").click().run()
    assert "sources_from: got 'test'" in page.error[0].value and len(list_runs(own, "synthesize")) == before


@pytest.fixture
def two_steps(open_app, own):
    """The Studio with a chain of two, the first at half strength on the leaf, and its workspace."""
    for b in ("rust", "scab"):
        plant_translator(own, f"to-{b}", b=b)
    app = open_app(own)
    page = app.open("studio")
    page.multiselect(key="chain").set_value(["to-rust", "to-scab"]).run()
    page.slider(key="strength_0").set_value(0.5)
    page.selectbox(key="where_0").select("leaf").run()
    app.checked()
    return app, page


def test_a_step_changes_places_with_the_one_before_it(own, two_steps):
    app, page = two_steps
    page.button(key="later_0").click().run()
    app.checked()
    assert page.multiselect(key="chain").value == ["to-scab", "to-rust"]
    assert (page.slider(key="strength_1").value, page.selectbox(key="where_1").value) == (0.5, "leaf")
    assert page.button(key="earlier_0").disabled and page.button(key="later_1").disabled


def test_a_chain_is_saved_chosen_and_forgotten(own, two_steps):
    app, page = two_steps
    page.selectbox(key="synthesize--label_rule").select("last").run()
    assert any("**scab**" in text.value for text in page.markdown)
    page.text_input(key="preset_name").input("both").run()
    page.button(key="preset_save").click().run()
    app.checked()
    assert list_presets(own)["both"].chain == ("to-rust:0.5:leaf", "to-scab")
    page.multiselect(key="chain").set_value(["to-scab"]).run()
    page.selectbox(key="synthesize--label_rule").select("union").run()
    page.selectbox(key="preset_chain").select("both").run()
    app.checked()
    assert page.multiselect(key="chain").value == ["to-rust", "to-scab"]
    assert page.slider(key="strength_0").value == 0.5 and page.selectbox(key="synthesize--label_rule").value == "last"
    page.button(key="preset_delete_both").click().run()
    app.checked()
    assert list_presets(own) == {}


def test_a_custom_label_is_shown_and_queued(own, two_steps):
    app, page = two_steps
    page.selectbox(key="synthesize--label_rule").select("custom").run()
    page.text_input(key="synthesize--custom_label").input("rot").run()
    page.number_input(key="n").set_value(2).run()
    assert any("**rot**" in text.value for text in page.markdown)
    page.button(key="generate").click().run()
    assert not page.error
    settings = list_runs(own, "synthesize")[0].record.settings
    assert (settings["label_rule"], settings["custom_label"]) == ("custom", "rot")
