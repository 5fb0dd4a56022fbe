"""The map of a dataset: asked for, drawn, acted upon."""

import pytest

from leafcore.data.edits import decide
from leafcore.data.manifest import Decision, load
from leafcore.embedding import read_embedding
from leafcore.errors import NotFoundError
from leafcore.runs import list_runs
from ui import embedding

TAB = "Map"


@pytest.fixture
def leaves(carry, workspace, leaf_folders):
    return load(workspace, carry("import", source=leaf_folders, name="leaves").result()["dataset"])


def maps(page) -> list[str]:
    """Return the keys of the maps on a page."""
    return [chart.key for chart in page.get("plotly_chart") if chart.key.startswith("map-")]


def test_the_first_map_is_one_button_away(open_app, workspace, leaves):
    page = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    assert page.button(key="draw_map").label == "Draw the map (about 10 s)"
    page.button(key="draw_map").click().run()
    assert not page.exception and not page.error
    (run,) = list_runs(workspace, "embed")
    assert run.record.settings["dataset"] == leaves.ref and run.status().state == "queued"
    assert page.button(key="draw_map").disabled, "one map at a time"
    again = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    assert again.button(key=f"embed-stop-{run.id}"), "a refresh finds the run again"


def test_a_map_is_drawn_and_can_be_coloured(open_app, workspace, leaves, carry):
    carry("embed", dataset="leaves")
    page = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    assert len(maps(page)) == 1
    assert page.button(key="draw_map").label == "Draw again"
    assert page.segmented_control(key="map_color").options == ["Labels", "Split"]
    page.segmented_control(key="map_color").set_value("Split").run()
    assert not page.exception


def test_an_edited_version_keeps_its_map(open_app, workspace, leaves, carry):
    carry("embed", dataset="leaves")
    decide(workspace, leaves, [Decision(image="rust/rust-000.png", action="exclude")])
    page = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    assert len(maps(page)) == 1 and page.button(key="draw_map").label == "Draw again"


def test_synthetic_sets_are_offered_for_the_map(open_app, journey):
    page = open_app(journey.workspace).open("datasets", ds="leaves", tab=TAB)
    made = journey.runs["synthesize"].id
    assert page.multiselect(key="map_synthetic_leaves").value == [made]


def choose(monkeypatch, rows) -> None:
    """Stand in for the lasso, which needs a browser."""
    monkeypatch.setattr(embedding, "selected_rows", lambda event: rows)


def test_chosen_photographs_are_excluded_in_a_new_version(open_app, workspace, leaves, carry, monkeypatch):
    table = read_embedding(carry("embed", dataset="leaves"))
    choose(monkeypatch, table.index[:3].to_numpy())
    page = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    assert page.button(key="map_exclude").label == "Exclude 3"
    page.button(key="map_exclude").click().run()
    now = load(workspace, "leaves")
    assert now.card.parent == leaves.version
    assert set(leaves.records["image"]) - set(now.records["image"]) == set(table["image"][:3])


def test_chosen_photographs_are_tagged(open_app, workspace, leaves, carry, monkeypatch):
    table = read_embedding(carry("embed", dataset="leaves"))
    choose(monkeypatch, table.index[5:7].to_numpy())
    page = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    page.text_input(key="map_tag_name").input("blurred").run()
    page.button(key="map_tag_apply").click().run()
    assert not page.exception and not page.error
    decisions = load(workspace, "leaves").card.decisions
    assert {(one.image, one.action, one.tag) for one in decisions} == {
        (image, "tag", "blurred") for image in table["image"][5:7]
    }


def test_a_map_whose_table_is_gone_is_said_in_one_line(open_app, workspace, leaves, carry):
    run = carry("embed", dataset="leaves")
    (run.folder / "embedding.parquet").unlink()
    with pytest.raises(NotFoundError):
        read_embedding(run)
    page = open_app(workspace).open("datasets", ds="leaves", tab=TAB)
    assert "has no embedding.parquet" in page.error[0].value
