"""Every page draws over an empty workspace and over a finished journey, and says what to do next."""

import pytest

PAGES = ("home", "datasets", "masks", "train", "runs", "epochs", "studio", "evaluate", "quiz")


@pytest.mark.parametrize("name", PAGES)
def test_page_draws_over_an_empty_workspace(open_app, workspace, name):
    page = open_app(workspace).open(name)
    assert page.title[0].value


@pytest.mark.parametrize("name", PAGES)
def test_page_draws_over_a_finished_journey(open_app, journey, name):
    page = open_app(journey.workspace).open(name)
    assert page.title[0].value
