"""The Train page: a check that queues, several targets, the settings of another run, a press that counts once."""

import pytest

from leafcore.files import write_json
from leafcore.preflight import Fix, Problem
from leafcore.runs import list_runs
from leafcore.train.forecast import forecast
from tests.test_preflight import BLANK
from tests.train.test_forecast import MEASURED, settings


def checks_of(workspace):
    return list(reversed(list_runs(workspace, "preflight")))


def finish(run, **found):
    """Write what a pre-flight found, as its worker does."""
    result = BLANK.model_copy(update={"recipe": "leafgan", **found})
    write_json(run.folder / "result.json", result.model_dump(mode="json"))
    run.finish("done")


@pytest.fixture
def train(open_app, own):
    """Return a function that opens the Train page with some query."""
    return lambda **query: open_app(own).open("train", preset="Smoke", **query)


def test_check_and_queue_asks_for_a_pre_flight_that_queues(train, own):
    page = train()
    page.number_input(key="leafgan-smoke-epochs").set_value(7).run()
    page.button(key="check-leafgan").click().run()
    assert not page.exception and not page.error
    (run,) = checks_of(own)
    asked = run.record.settings
    assert asked["queue"] and asked["recipe"] == "leafgan" and asked["settings"]["epochs"] == 7
    assert page.query_params["check"] == run.id  # a refresh shows it again
    assert page.button(key="check-leafgan").disabled and page.button(key="submit-leafgan").disabled


def test_each_target_is_checked_and_promoted_by_its_own_name(train, own):
    page = train(b=["rust", "scab"])
    page.text_input(key="leafgan-smoke-promote_as").input("mine").run()
    page.button(key="check-leafgan").click().run()
    found = [run.record.settings["settings"] for run in checks_of(own)]
    assert [(each["b"], each["promote_as"]) for each in found] == [
        ("rust", "mine-healthy-to-rust"),
        ("scab", "mine-healthy-to-scab"),
    ]


def test_what_fits_shows_its_time_and_leads_to_the_run(train, own):
    page = train()
    page.button(key="check-leafgan").click().run()
    run = checks_of(own)[0]
    foreseen = forecast(MEASURED, settings())
    finish(run, measured=MEASURED, forecast=foreseen, eta_s=foreseen.eta_s, queued=list_runs(own, "leafgan")[0].id)
    page.run()
    assert not page.exception and not page.error
    assert [metric.label for metric in page.metric] == ["Time", "Memory", "Disk"]
    assert any("none stated" in caption.value for caption in page.caption)
    assert not page.button(key="check-leafgan").disabled


def test_what_does_not_fit_says_why_and_one_press_checks_what_does(train, own):
    page = train()
    page.button(key="check-leafgan").click().run()
    run = checks_of(own)[0]
    problem = Problem(code="memory", message="A step needs 9 GB.")
    finish(run, fits=False, problems=(problem,), fix=Fix(settings={"batch_size": 2}, text="Batch 2 fits."))
    page.run()
    assert page.error[0].value == "A step needs 9 GB."
    assert page.button(key=f"fix-{run.id}").label == "Use batch 2"
    page.button(key=f"fix-{run.id}").click().run()
    again = checks_of(own)[-1]
    assert again != run
    assert again.record.settings["settings"] == {**run.record.settings["settings"], "batch_size": 2}


def test_a_second_press_queues_nothing_new(train, own):
    before = len(list_runs(own, "leafgan"))
    for _ in range(2):  # as a double click, or another tab
        page = train()
        page.button(key="submit-leafgan").click().run()
    assert len(list_runs(own, "leafgan")) == before + 1


def test_a_form_starts_from_another_run_and_shows_what_differs(train, own):
    source = list_runs(own, "leafgan")[0]
    page = train(**{"from": source.id})
    scope = f"leafgan-{source.id}"
    assert page.number_input(key=f"{scope}-filters").value == source.record.settings["filters"]
    assert page.multiselect(key="leafgan-b").value == ["rust"]
    page.number_input(key=f"{scope}-learning_rate").set_value(0.0001).run()
    (table,) = page.dataframe
    assert table.value.to_dict("records") == [{"setting": "learning_rate", "that run": "0.0002", "this one": "0.0001"}]


def test_what_is_wrong_is_said_below_its_field_and_nothing_can_be_queued(train):
    page = train()
    page.number_input(key="leafgan-smoke-disc_layers").set_value(5).run()
    assert len(page.error) == 1 and page.error[0].value.startswith("disc_layers: got 5")
    assert page.button(key="check-leafgan").disabled and page.button(key="submit-leafgan").disabled


def test_the_time_that_a_finished_run_took_is_known_for_its_preset(train, own):
    page = train(recipe="LFLSeg")
    page.button(key="submit-lflseg").click().run()
    assert not any("smoke" in caption.value for caption in train(recipe="LFLSeg").caption)
    run = list_runs(own, "lflseg")[0]
    run.finish("done")
    run.write_status(run.status_written().model_copy(update={"started": 1000.0, "finished": 1090.0}))
    assert any("smoke 2 min" in caption.value for caption in train(recipe="LFLSeg").caption)
    assert any("smoke 2 min" in line.value for line in train().markdown), "whichever recipe is chosen"


def test_what_will_be_written_is_said_once_such_a_network_was_saved(train, own):
    def said(**query):
        return next(caption.value for caption in train(**query).caption if "Will write" in caption.value)

    assert "2 checkpoints  " in said() + "  " and "about" not in said()
    assert "2 checkpoints, about" in said(**{"from": list_runs(own, "leafgan")[0].id})


def test_a_base_that_must_be_fetched_first_leaves_open_whether_a_run_fits(train, own):
    page = train()
    page.button(key="check-leafgan").click().run()
    finish(checks_of(own)[0], fits=False, problems=(Problem(code="base", message="It is fetched first (4.3 GB)."),))
    page.run()
    assert not page.exception and not page.error
    assert [warning.value for warning in page.warning] == ["It is fetched first (4.3 GB)."]
    assert "Queue it without checking." in [caption.value for caption in page.caption]
