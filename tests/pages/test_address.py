"""The address: it says what is shown, and whatever it says, a page is drawn."""

import pytest


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
