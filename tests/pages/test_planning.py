"""The balance plan on its page: its targets, and where its links lead."""

from urllib.parse import parse_qsl

import pytest

from leafcore.data.manifest import load, save
from leafcore.runs import list_runs
from tests.conftest import carrier, write_folders
from tests.planted import plant_translator


@pytest.fixture
def orchard(workspace, tmp_path):
    """A dataset with a rare pair of diseases, two generators that make it in a chain, and a disease without any."""
    counts = {"healthy": 20, "rust": 10, "scab": 8, "both": 4, "mosaic": 4}
    carrier(workspace)("import", source=write_folders(tmp_path / "folders", counts), name="orchard")
    dataset = load(workspace, "orchard")
    save(workspace, "orchard", dataset.records.replace({"labels": {"both": "rust scab"}}), dataset.card)
    for b in ("rust", "scab"):
        plant_translator(workspace, f"to-{b}", b=b)
    return workspace


def queries(page, label):
    """Return what the links with a label carry."""
    return [parse_qsl(link.proto.query_string) for link in page.get("page_link") if label in link.proto.label]


def test_a_chain_of_two_opens_in_the_studio(open_app, orchard):
    page = open_app(orchard).open("datasets", tab="Balance", plan_target="Largest")
    (query,) = [query for query in queries(page, "Studio") if len([key for key, _ in query if key == "chain"]) == 2]
    assert dict(query)["src"] == "healthy"
    studio = open_app(orchard)
    studio.test.run()
    studio.test.switch_page("../pages/studio.py")
    for key in {key for key, _ in query}:
        studio.test.query_params[key] = [value for name, value in query if name == key]
    studio.test.run()
    drawn = studio.checked()
    assert set(drawn.multiselect(key="chain").value) == {"to-rust", "to-scab"}
    assert drawn.number_input(key="n").value == int(dict(query)["n"])
    assert any("rust + scab" in text.value for text in drawn.markdown)


def test_what_no_generator_makes_leads_to_a_filled_training_form(open_app, orchard):
    page = open_app(orchard).open("datasets", tab="Balance", plan_target="Largest")
    (query,) = queries(page, "Train healthy → mosaic")
    assert query == [("ds", "orchard"), ("a", "healthy"), ("b", "mosaic")]
    form = open_app(orchard).open("train", **dict(query))
    assert form.selectbox(key="leafgan-dataset").value == "orchard"
    assert form.selectbox(key="leafgan-a").value == "healthy"
    assert form.multiselect(key="leafgan-b").value == ["mosaic"]
    form.multiselect(key="leafgan-b").set_value(["rust"]).run()
    assert form.multiselect(key="leafgan-b").value == ["rust"], "the link is taken once"


def test_a_link_to_labels_that_are_not_here_leaves_the_form_as_it_is(open_app, orchard):
    form = open_app(orchard).open("train", ds="gone", a="nothing", b="never")
    assert form.selectbox(key="leafgan-dataset").value == "orchard"
    assert form.selectbox(key="leafgan-a").value == "healthy"


def test_a_cap_states_its_rule_and_plans_by_it(open_app, orchard):
    page = open_app(orchard).open("datasets", tab="Balance", plan_target="A cap")
    assert any("leaves the train split" in caption.value for caption in page.caption)
    have = len(load(orchard, "orchard").select(split="train", labels="healthy"))
    page.number_input(key="plan_number").set_value(have).run()
    assert not page.exception and not queries(page, "Studio"), "nothing is above the cap, so nothing can be spared"


def test_the_studys_plan_is_offered_where_its_labels_are(open_app, journey, orchard):
    page = open_app(orchard).open("datasets", tab="Balance")
    assert "The LeafGAN study's" in page.segmented_control(key="plan_target").options
    names = {"healthy": 8, "mosaic": 6}
    folders = write_folders(orchard.root / "other", names)
    carrier(orchard)("import", source=folders, name="beans")
    page = open_app(orchard).open("datasets", ds="beans", tab="Balance")
    assert "The LeafGAN study's" not in page.segmented_control(key="plan_target").options


def test_the_plan_goes_away_as_csv_and_json(open_app, orchard):
    page = open_app(orchard).open("datasets", tab="Balance")
    assert [button.proto.label for button in page.get("download_button")] == ["Plan as CSV", "Plan as JSON"]


def test_the_whole_plan_is_queued_as_one_run_once_what_nothing_makes_is_skipped(open_app, orchard):
    page = open_app(orchard).open("datasets", tab="Balance", plan_target="Largest")
    assert page.button(key="make_plan").disabled
    page.checkbox(key="plan_skip").check().run()
    page.button(key="make_plan").click().run()
    assert not page.error and not page.exception
    (run,) = list_runs(orchard, "synthesize")
    parts = run.record.settings["plan"]
    made = {tuple(step.partition("#")[0] for step in part["chain"]) for part in parts}
    assert {("to-rust",), ("to-scab",), ("to-rust", "to-scab")} == {tuple(sorted(steps)) for steps in made}
    assert run.record.title == f"{sum(part['count'] for part in parts)} synthetic pictures by a plan of 3 parts"
    assert page.button(key="make_plan").label.endswith(str(run.record.settings["count"]))
