"""The address: it says what is shown, and whatever it says, a page is drawn."""

import pytest

from leafcore.runs import list_runs


@pytest.mark.parametrize(
    "page, parameter",
    [("train", "recipe"), ("train", "preset"), ("evaluate", "what"), ("studio", "how"), ("epochs", "view"),
     ("epochs", "direction"), ("datasets", "view")],
)  # fmt: skip
def test_an_address_that_names_no_way_means_the_usual_one(open_app, own, page, parameter):
    app = open_app(own)
    app.open(page, **{parameter: ""})
    usual = open_app(own).open(page)
    assert [box.label for box in app.test.segmented_control] == [box.label for box in usual.segmented_control]


def test_the_address_names_the_run_that_the_session_remembers(open_app, own):
    newest, older, *_ = list_runs(own)
    app = open_app(own)
    page = app.open("runs", run=older.id)
    page.query_params.clear()  # as on the way to another page
    page.switch_page("../pages/home.py").run()
    page.switch_page("../pages/runs.py").run()
    assert app.checked().selectbox(key="run").value == older.id == page.query_params["run"]
    page.selectbox(key="run").set_value(newest.id).run()
    assert app.checked().query_params["run"] == newest.id


def test_the_newest_run_needs_no_name_in_the_address(open_app, own):
    page = open_app(own).open("runs")
    assert "run" not in page.query_params, "it would be an entry of its own in the browser's history"


def test_a_run_that_is_gone_is_told_and_the_address_names_the_one_that_is_shown(open_app, own):
    page = open_app(own).open("runs", run="gone")
    assert "`gone` is not here any more" in page.info[0].value
    assert page.query_params["run"] == page.selectbox(key="run").value == list_runs(own)[0].id


def test_epochs_too_tell_that_a_run_of_a_link_is_gone(open_app, own):
    page = open_app(own).open("epochs", run="nope")
    assert "`nope` is not here any more" in page.info[0].value
    assert page.query_params["erun"] == page.selectbox(key="erun").value
