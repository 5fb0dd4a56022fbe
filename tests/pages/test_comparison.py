"""Comparisons on the Evaluate page: what is asked for, how it goes, what was found."""

import json

import pytest

from leafcore.evaluate.result import Planned, PlannedArm, read_comparison
from leafcore.files import read_json, write_json
from leafcore.runs import list_runs
from ui.arms_matrix import matrix
from ui.compared import against_rest_difference
from ui.comparison import TABS

ARM = "real_plus_synthetic"


def newest(workspace, kind="evaluate"):
    return list_runs(workspace, kind)[0]


def give_a_dose(workspace):
    """Let the comparison have a third arm, a dose whose difference is plain, and a third seed."""
    folder = newest(workspace).folder
    found = read_json(folder / "comparison.json")
    plain = {"value": 0.2, "low": 0.1, "high": 0.3}
    found["arms"]["dose.50"] = {**found["arms"][ARM], "title": "Real + 50 % synthetic"}
    found["differences"]["dose.50"] = dict.fromkeys(found["differences"][ARM], plain)
    found["verdicts"]["dose.50"] = "Adding these improves the classifier."
    found["significance"]["dose.50"] = found["significance"][ARM]
    tests = found["significance"][ARM]["pictures"]
    found["pairwise"] = [{"arms": pair, "pictures": tests} for pair in (["real", ARM], [ARM, "dose.50"])]
    for score in found["arms"].values():
        score["seeds"] = [*score["seeds"], score["seeds"][0]]
    write_json(folder / "comparison.json", found)


def test_what_is_chosen_is_what_is_queued(open_app, own):
    app = open_app(own)
    page = app.open("evaluate")
    page.pills(key="eval_arms").set_value(["weighted", "synthetic"]).run()
    page.pills(key="eval_doses").set_value([100, 50]).run()
    page.pills(key="eval_rules").set_value(["capped"]).run()
    page.button(key="submit-evaluate").click().run()
    app.checked()
    assert not page.error
    settings = newest(own).record.settings
    assert settings["arms"] == ["real", "weighted", "synthetic"] and settings["doses"] == [50, 100]
    assert settings["heuristics"] == ["capped"] and settings["pooling"] == "pooled"


def test_nothing_to_compare_is_said_beside_the_button(open_app, own):
    app = open_app(own)
    page = app.open("evaluate")
    before = newest(own).id
    page.pills(key="eval_arms").set_value([]).run()
    page.button(key="submit-evaluate").click().run()
    app.checked()
    assert "expected one with synthetic pictures" in page.error[0].value and newest(own).id == before


@pytest.mark.parametrize("tab", list(TABS))
def test_every_tab_is_drawn(open_app, own, tab):
    give_a_dose(own)
    page = open_app(own).open("evaluate", eval_tab=tab, arm="dose.50")
    assert not page.error and "+0.200" in [metric.value for metric in page.metric]


def test_a_link_shows_the_arm_that_it_names_and_a_bare_page_the_one_that_validation_prefers(open_app, own):
    give_a_dose(own)
    page = open_app(own).open("evaluate", arm="dose.50")
    assert page.selectbox(key="arm").value == "dose.50" and "improves" in page.success[0].value
    page = open_app(own).open("evaluate")
    assert page.selectbox(key="arm").value == ARM == read_comparison(newest(own).folder).chosen


def test_a_withheld_verdict_is_marked_as_such(open_app, own):
    folder = newest(own).folder
    found = read_json(folder / "comparison.json")
    found |= {"withheld": [ARM], "verdicts": {ARM: "Verdict withheld: …"}}
    write_json(folder / "comparison.json", found)
    page = open_app(own).open("evaluate")
    assert page.warning[0].value == "Verdict withheld: …"
    assert "Not valid for claims" in json.dumps([str(part.proto) for part in page.get("markdown")])


def test_the_matrix_fills_in_as_classifiers_are_trained(own):
    run = newest(own)
    arms = {"real": "Real", ARM: "Real + synthetic", "dose.50": "Real + 50 % synthetic"}
    planned = Planned(
        arms={arm: PlannedArm(title=title, train_images=9, synthetic_images=0) for arm, title in arms.items()},
        seeds=(0, 1),
    )
    (run.folder / "cells" / f"{ARM}-1" / "test.npz").unlink()
    table = matrix(run, planned).set_index("arm")
    assert table.loc["Real", "seed 0"].startswith("✓ 0.") and table.loc["Real + synthetic", "seed 1"].startswith("▶ 0.")
    assert list(table.loc["Real + 50 % synthetic", ["seed 0", "seed 1"]]) == ["·", "·"]


def test_what_changes_in_each_label_against_the_rest_is_second_minus_first(journey):
    first, second = read_comparison(journey.runs["evaluate"].folder).arms.values()
    rust = second.labels["rust"].model_copy(update={"against_rest": (5, 1, 0, 8)})
    labels = {label: one.model_copy(update={"against_rest": (3, 2, 2, 7)}) for label, one in first.labels.items()}
    labels["scab"] = labels["scab"].model_copy(update={"against_rest": None})
    first = first.model_copy(update={"labels": labels})
    table = against_rest_difference(first, second.model_copy(update={"labels": {**second.labels, "rust": rust}}))
    assert table.set_index("label").loc["rust"].tolist() == [2, -1, -2, 1]
    assert "scab" not in set(table["label"]), "a file that is older than the matrices"
