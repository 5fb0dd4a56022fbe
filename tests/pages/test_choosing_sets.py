"""Forms about synthetic sets begin with the dataset that the sets were made for, and say where another is chosen."""

import shutil

import pytest

WAYS = {"evaluate": "Comparison", "quality": "Image quality", "realfake": "Real or fake"}
KEYS = {"evaluate": "sets", "quality": "quality_sets", "realfake": "realfake_sets"}


@pytest.fixture
def two(own):
    """A workspace with a second dataset, of which nothing was made and whose name comes first."""
    shutil.copytree(own.datasets / "leaves", own.datasets / "apples")
    return own


@pytest.mark.parametrize("kind", WAYS)
def test_a_form_takes_the_dataset_of_the_chosen_sets(open_app, two, kind):
    app = open_app(two)
    page = app.open("evaluate", what=WAYS[kind])
    assert page.multiselect(key=KEYS[kind]).value
    assert page.selectbox(key=f"{kind}-dataset").value == "leaves"
    assert not any("made for" in caption.value for caption in page.caption)


@pytest.mark.parametrize("kind", WAYS)
def test_a_form_says_where_its_dataset_is_not_that_of_the_sets(open_app, two, kind):
    app = open_app(two)
    page = app.open("evaluate", what=WAYS[kind])
    page.selectbox(key=f"{kind}-dataset").set_value("apples").run()
    assert app.checked().selectbox(key=f"{kind}-dataset").value == "apples", "it can still be chosen"
    assert any("made for `leaves`, not for `apples`" in caption.value for caption in page.caption)


@pytest.mark.parametrize("page", ["datasets", "masks", "studio"])
def test_who_is_new_here_begins_with_the_dataset_of_the_newest_run(open_app, two, page):
    assert open_app(two).open(page).selectbox(key="ds").value == "leaves"


def test_training_begins_with_it_too(open_app, two):
    assert open_app(two).open("train").selectbox(key="leafgan-dataset").value == "leaves"
