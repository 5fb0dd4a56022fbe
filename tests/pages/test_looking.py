"""Looking at a comparison's test pictures, its shortcut probes and its report, on the page."""

import numpy as np
import pytest

from leafcore.evaluate.looking import Looking
from leafcore.evaluate.probe_configs import VIEWS
from leafcore.files import read_json, write_json
from leafcore.jobs import build_config
from leafcore.runs import create_run, list_runs
from tests.states import write_state
from ui.looking import matrix


@pytest.fixture
def asked(monkeypatch):
    """The questions about heat maps, each answered at once."""
    questions = []

    def answer(question):
        questions.append(question)
        return np.ones((len(question.images), 2, 2), np.float32)

    monkeypatch.setattr("ui.cached.explained", answer)
    return questions


@pytest.fixture
def looking(journey):
    return Looking(journey.runs["evaluate"].folder)


def captions(page):
    return " ".join(part.value for part in page.caption)


def a_mistake(looking, arm):
    """Return a cell of an arm's matrix that holds a picture which is not right."""
    one = looking.failures(arm)[0]
    return one.true, one.said


def test_a_cell_of_the_address_shows_its_pictures_with_heat_maps(open_app, own, looking, asked):
    true, said = a_mistake(looking, "real")
    page = open_app(own).open("evaluate", eval_tab="Look", who="real", cell=f"{true}>{said}")
    inside = looking.in_cell("real", true, said)
    assert page.selectbox(key="cell").value == f"{true}>{said}"
    assert f"{len(inside)} of {len(looking.test)} test pictures" in captions(page)
    assert (asked[-1].arm, asked[-1].images) == ("real", tuple(one.image for one in inside))
    assert set(asked[-1].classes) == {said}
    page.segmented_control(key="heat").set_value("true").run()
    assert set(asked[-1].classes) == {true} and not page.exception


def test_no_heat_map_is_asked_for_where_none_is_wanted(open_app, own, asked):
    page = open_app(own).open("evaluate", eval_tab="Look", heat="off")
    assert "test pictures, page 1" in captions(page) and asked == []


def test_another_arm_has_cells_of_its_own(open_app, own, looking, asked):
    app = open_app(own)
    page = app.open("evaluate", eval_tab="Look", heat="off", who="real")
    page.selectbox(key="who").set_value("real_plus_synthetic").run()
    assert not page.exception
    true, said = page.selectbox(key="cell").value.split(">")
    assert looking.in_cell("real_plus_synthetic", true, said)


def test_failures_gained_and_lost_are_counted_as_they_are(open_app, own, looking, asked):
    page = open_app(own).open("evaluate", eval_tab="Look", heat="off", look="Failures", who="real")
    assert f"{len(looking.failures('real'))} of" in captions(page)
    for way, right, wrong in (("Gained", "real_plus_synthetic", "real"), ("Lost", "real", "real_plus_synthetic")):
        page.segmented_control(key="look").set_value(way).run()
        count = len(looking.gained(right, over=wrong))
        assert (f"{count} of {len(looking.test)} test" if count else "No test picture is like that.") in captions(page)


def test_pages_end_with_the_pictures_of_the_cell(open_app, own, looking, monkeypatch):
    monkeypatch.setattr("ui.looking.PAGE", 1)
    counts = {arm: len(looking.failures(arm)) for arm in looking.arms}
    assert min(counts.values()) > 1
    page = open_app(own).open("evaluate", eval_tab="Look", heat="off", look="Failures", who="real", look_page="2")
    assert f"page 2 of {counts['real']}" in captions(page)
    monkeypatch.setattr("ui.looking.PAGE", 24)
    page.run()
    assert not page.exception and "page 1 of 1" in captions(page)


def test_every_cell_of_the_matrix_carries_its_name():
    figure = matrix(("healthy", "rust"), np.array([[3, 0, 0], [1, 1, 2]]), "rust>healthy")
    marks = figure.data[1]
    names = [name for (name,) in marks.customdata]
    assert dict(zip(names, marks.text, strict=True))["rust>other"] == "2"
    framed = [name for name, width in zip(names, marks.marker.line.width, strict=True) if width]
    assert framed == ["rust>healthy"]


# --- shortcuts --------------------------------------------------------------------------------------------------------


def test_the_button_looks_for_shortcuts_with_the_comparisons_settings(open_app, own, journey):
    page = open_app(own).open("evaluate", eval_tab="Shortcuts")
    page.button(key="probe").click().run()
    assert not page.exception and not page.error
    (run,) = list_runs(own, "probes")
    settings, compared = run.record.settings, journey.runs["evaluate"].record.settings
    assert settings["masks"] == journey.runs["masks"].id
    for name in ("dataset", "backbone", "steps", "seeds", "size_px", "batch_size"):
        assert settings[name] == compared[name]


def write_probes(workspace, dataset, **ends):
    """Write what probes found: macro-F1 of 0.71 on every part of the pictures, with an interval if its ends are named.

    Args:
        workspace: Where.
        dataset: `name@version`.
        **ends: `low` and `high`.
    """
    estimate = {"value": 0.71, **ends}
    score = {"macro_f1": estimate, "accuracy": estimate, "seeds": [0.71], "pixels": 0.5}
    run = create_run(workspace, "probes", build_config("probes", {"dataset": dataset}))
    told = {"dataset": dataset, "images": 9, "groups": 9, "train_images": 20, "steps": 4, "chance": 0.33}
    write_json(run.folder / "probes.json", {**told, "majority": 0.4, "views": dict.fromkeys(VIEWS, score)})
    with run.locked():
        run.finish("done")


def test_what_was_found_stands_beside_the_headline(open_app, own, journey):
    write_probes(own, journey.dataset, low=0.6, high=0.8)
    page = open_app(own).open("evaluate")
    said = "The background tells: 0.71 [0.60, 0.80] macro-F1 without a leaf"
    assert any(box.value.startswith(said) for box in page.warning)
    page = open_app(own).open("evaluate", eval_tab="Shortcuts")
    assert list(page.dataframe[0].value["seen"])[:2] == ["Whole picture", "Leaf only"]


def test_that_too_few_groups_allow_no_claim_of_shortcuts_is_said(open_app, own, journey):
    write_probes(own, journey.dataset)
    page = open_app(own).open("evaluate")
    said = "No claim from 9 independent validation groups; 10 are needed: background only 0.71, border only 0.71"
    assert any(box.value.startswith(said) for box in page.info) and "No shortcut" not in captions(page)


def test_a_look_for_shortcuts_that_was_cut_short_is_told_and_resumed(open_app, own, journey):
    other, little, most = (create_run(own, "probes", build_config("probes", {"dataset": name})) for name in
                           ("other@0123456789ab", journey.dataset, journey.dataset))  # fmt: skip
    write_state(other, "running", done=30, total=32, safe=30)
    write_state(most, "running", done=18, total=32, safe=16)
    write_state(little, "stopped")
    app = open_app(own)
    page = app.open("evaluate", eval_tab="Shortcuts")
    assert "16 of 32 steps are safe" in captions(page)
    assert page.button(key="probe").proto.type == "secondary", "the way on is to resume"
    page.button(key=f"probes-resume-{most.id}").click().run()
    app.checked()
    assert most.status().state == "queued" and little.status().state == "stopped"


def test_a_look_that_was_cut_short_before_another_was_finished_is_no_longer_told(open_app, own, journey):
    run = create_run(own, "probes", build_config("probes", {"dataset": journey.dataset}))
    write_state(run, "stopped", done=4, total=32)
    write_probes(own, journey.dataset, low=0.6, high=0.8)
    page = open_app(own).open("evaluate", eval_tab="Shortcuts")
    assert not any(button.key == f"probes-resume-{run.id}" for button in page.button)


# --- the report -------------------------------------------------------------------------------------------------------


def test_a_report_is_made_once_and_then_downloaded(open_app, own, journey):
    app = open_app(own)
    page = app.open("evaluate")
    page.button(key="report").click().run()
    (run,) = list_runs(own, "report")
    assert run.record.settings["run"] == journey.runs["evaluate"].id
    write_json(run.folder / "result.json", {"bytes": 210_000, "zip_bytes": 70_000})
    with run.locked():
        run.finish("done")
    page.run()
    links = [link.proto for link in app.checked().get("link_button")]
    assert [link.label for link in links] == ["Download report (0.21 MB)", "Tables and replay, ZIP (0.07 MB)"]
    assert f"/api/runs/{run.id}/report" in links[0].url and "report.zip" in links[1].url


def test_a_comparison_of_several_days_and_cameras_tells_each(open_app, own, journey):
    file = own.runs / journey.runs["evaluate"].id / "comparison.json"
    found = read_json(file)
    parts = {
        "day": {"2021-05-01": {"n": 3, "right": {"value": 0.5}}, "2021-05-09": {"n": 4, "right": {"value": 0.75}}},
        "camera": {"Canon EOS 5D": {"n": 5, "right": {"value": 0.25}}, "Apple iPhone 12": {"n": 2, "right": 1.0}},
    }
    write_json(file, {**found, "arms": {arm: {**score, "parts": parts} for arm, score in found["arms"].items()}})
    page = open_app(own).open("evaluate", eval_tab="Shortcuts")
    (days,) = (one.value for one in page.dataframe if "day" in one.value)
    (cameras,) = (one.value for one in page.dataframe if "camera" in one.value)
    assert days["day"].tolist() == list(parts["day"]) and days["Real"].tolist() == ["50%", "75%"]
    assert cameras["camera"].tolist() == list(parts["camera"]) and cameras["Real"].tolist() == ["25%", "100%"]
    assert cameras["n"].tolist() == [5, 2] and captions(page).count("EXIF") == 1


def test_near_duplicates_across_the_split_are_said_under_the_scores_and_counted_under_integrity(open_app, own, journey):
    page = open_app(own).open("evaluate", eval_tab="Integrity")
    assert not page.warning or "near-duplicate" not in page.warning[0].value
    assert "No test picture has a near-duplicate in train or validation." in captions(page)
    file = own.runs / journey.runs["evaluate"].id / "comparison.json"
    found = read_json(file)
    told = {"value": 0.741, "low": 0.7, "high": 0.78}
    score = {"every": told, "left": {**told, "value": 0.712}, "drop": {"value": -0.029}, "difference": told}
    found["overlap"] = {
        "images": ["a.png"], "near_duplicates": 1, "test_images": 7, "left_groups": 6, "health": "a-health-run",
        "arms": dict.fromkeys(found["arms"], score), "sentences": {arm: f"So does {arm}." for arm in found["arms"]},
    }  # fmt: skip
    write_json(file, found)
    page = open_app(own).open("evaluate", eval_tab="Integrity")
    assert "So does real_plus_synthetic." in [warning.value for warning in page.warning]
    (table,) = (one.value for one in page.dataframe if "drop" in one.value)
    assert table["without them"].tolist() == ["0.712 (0.700 to 0.780)"] * 2 and table["drop"].tolist() == ["-0.029"] * 2
    assert "1 of 7 test pictures has a near-duplicate in train or validation. n = 6 pictures" in captions(page)
    write_json(file, {**found, "overlap": None})  # of a file that is older
    page = open_app(own).open("evaluate", eval_tab="Integrity")
    assert "near-duplicate" not in captions(page)
