"""The Version tab: what a version is, and the way back to another."""

import pytest

from leafcore.data.edits import decide
from leafcore.data.manifest import Decision, load


@pytest.fixture
def app(open_app, own):
    """The pages with the Version tab open."""
    app = open_app(own)
    app.test.session_state["tab"] = "Version"
    app.open("datasets")
    return app


def test_a_single_version_has_nothing_to_choose(app):
    assert "make_current" not in [button.key for button in app.test.button]


def test_another_version_is_told_apart_and_made_current(app, own):
    before = load(own, "leaves")
    after = decide(own, before, [Decision(image=before.records["image"].iloc[0], action="exclude")])
    app.test.run()
    box = app.checked().selectbox(key=f"version_of_{after.ref}")
    assert box.value == after.version and app.test.button(key="make_current").disabled
    box.select(before.version).run()
    said = [caption.value for caption in app.checked().caption]
    assert any(text.startswith("Beside the current one: 0 removed, 0 relabelled, 1 added") for text in said)
    app.test.button(key="make_current").click().run()
    assert load(own, "leaves").version == before.version
    assert any(f"Version `{before.version}`" in text.value for text in app.checked().markdown)
