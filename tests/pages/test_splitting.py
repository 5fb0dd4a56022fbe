"""The Split tab shows what a split would give, and writes just that."""

import pytest

from leafcore.data.edits import decide
from leafcore.data.manifest import Decision, list_datasets, load
from leafcore.jobs import execute
from leafcore.runs import list_runs

TAB = "Split"


@pytest.fixture
def app(open_app, own):
    """The pages with the Split tab open."""
    app = open_app(own)
    app.open("datasets")
    app.test.session_state["tab"] = TAB
    app.test.run()
    return app


def table(app):
    """Return the preview."""
    (shown,) = (frame.value for frame in app.checked().dataframe if {"share", "test groups"} & set(frame.value.columns))
    return shown


def carry_out(workspace, kind):
    execute(workspace, list_runs(workspace, kind)[0], lane="files", owner="cli")


def test_the_preview_follows_the_settings_and_is_what_is_written(app, own):
    assert [row["pictures"] for _, row in table(app).iterrows()] == [30, 7, 7]
    app.test.segmented_control(key="split_way").set_value("80 / 20").run()
    shown = [row["pictures"] for _, row in table(app).iterrows()]
    assert shown[1] == 0 and sum(shown) == 44
    app.test.button(key="write_split").click().run()
    carry_out(own, "split")
    app.test.run()
    dataset = load(own, "leaves")
    assert [int((dataset.records["split"] == name).sum()) for name in ("train", "val", "test")] == shown
    assert dataset.card.settings["test"] == 0.2 and dataset.card.parent
    assert f"Written: `{dataset.ref}`" in [box.value for box in app.checked().success]


def test_folds_are_shown_and_written(app, own):
    app.test.segmented_control(key="split_way").set_value("Folds").run()
    app.test.number_input(key="split--folds").set_value(4).run()
    assert list(table(app).index) == ["fold 1", "fold 2", "fold 3", "fold 4"]
    assert app.test.button(key="write_split").label == "Write 4 datasets"
    app.test.button(key="write_split").click().run()
    carry_out(own, "split")
    assert "leaves-fold-4-of-4" in list_datasets(own)


def test_a_group_is_chosen_among_those_that_the_rules_make(app):
    app.test.number_input(key="split--group_run").set_value(5).run()
    app.test.segmented_control(key="split_way").set_value("Leave one out").run()
    choice = app.test.selectbox(key="leave_out_leaves")
    group = choice.options[0]
    assert group.endswith("(5)") and ".." in group
    shown = table(app)
    assert shown.loc["test", "pictures"] == 5 and shown.loc["test", "groups"] == 1


def test_what_is_wrong_is_said_in_place_of_the_preview(app):
    app.test.text_input(key="split--group_regex").input("leaf").run()
    assert "expected one bracket" in app.checked().error[0].value
    assert "write_split" not in [button.key for button in app.test.button]


def test_a_scarce_dataset_is_made_under_a_new_name(app, own):
    app.test.number_input(key="scarce--limit").set_value(5).run()
    assert app.test.text_input(key="scarce_name_leaves_5").value == "leaves-5"
    app.test.multiselect(key="scarce_labels_leaves").set_value(["rust"]).run()
    app.test.button(key="write_scarce").click().run()
    assert not app.checked().error
    carry_out(own, "scarce")
    before, after = (load(own, name).select(split="train")["labels"].value_counts() for name in ("leaves", "leaves-5"))
    assert before["healthy"] > 5 and dict(after) == dict(before) | {"rust": 5}


def test_nothing_is_computed_while_the_tab_is_closed(open_app, own):
    page = open_app(own).open("datasets")
    assert "write_split" not in [button.key for button in page.button]


def test_a_label_policy_is_offered_where_pictures_show_several_labels(app, own):
    assert "split--label_policy" not in [box.key for box in app.test.selectbox], "no picture shows two labels"
    dataset = load(own, "leaves")
    decide(own, dataset, [Decision(image=dataset.records["image"].iloc[0], action="relabel", labels="rust scab")])
    app.test.run()
    assert app.checked().selectbox(key="split--label_policy").options == [
        "keep", "multi-label", "single-only", "combination",
    ]  # fmt: skip
    app.test.selectbox(key="split--label_policy").select("combination").run()
    app.test.button(key="write_split").click().run()
    carry_out(own, "split")
    assert "rust scab" in load(own, "leaves").classes().names
