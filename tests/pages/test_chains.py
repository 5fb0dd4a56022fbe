"""The chain builder in the Studio: suggestions, strength and place of a step, the way back, other sizes."""

from leafcore.runs import list_runs


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
