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


def give_generators(workspace, **changes):
    """Let the comparison have three generators that were trained alike, and return what is told of them."""
    folder = newest(workspace).folder
    found = read_json(folder / "comparison.json")
    generators = [{"arm": ARM, "set": f"run-{seed}", "seeds": [seed], "epochs": [4]} for seed in (0, 1, 2)]
    family = {
        "title": "Real + synthetic",
        "generators": generators,
        "macro_f1": [[0.5, 0.6], [0.7, 0.8], [0.6, 0.6]],
        "to_real": [[-0.1, 0.1], [0.1, 0.3], [0.0, 0.1]],
        "difference": {"value": 0.083, "low": -0.2, "high": 0.4},
        "spread": {"generators": 0.1, "classifiers": 0.0, "rest": 0.05, "to_real": 0.07},
        "verdict": "Over 3 generators …: no difference shown.",
        **changes,
    }
    write_json(folder / "comparison.json", found | {"crossed": [family]})
    return read_comparison(folder).crossed[0]


@pytest.mark.parametrize(
    ("changes", "box"),
    [
        ({}, "info"),
        ({"difference": {"value": 0.1, "low": 0.05, "high": 0.15}}, "success"),
        ({"difference": {"value": 0.1, "low": 0.05, "high": 0.15}, "withheld": True}, "warning"),
    ],
)
def test_generators_trained_alike_are_told_beside_the_seeds(open_app, own, changes, box):
    family = give_generators(own, **changes)
    page = open_app(own).open("evaluate", eval_tab="Learning")
    assert family.verdict in [one.value for one in getattr(page, box)]
    table = page.dataframe[-1].value
    assert table.columns.tolist() == ["generator seed", "epoch", "classifier seed 0", "classifier seed 1"]
    assert table.loc[1].tolist() == ["1", "4", "0.700 (+0.100)", "0.800 (+0.300)"]
    said = "between generators 0.100 (80%), between classifiers 0.000 (0%), the rest 0.050 (20%); of"
    assert any(said in caption.value for caption in page.caption)


def test_where_no_generators_were_crossed_nothing_is_said_of_them(open_app, own):
    page = open_app(own).open("evaluate", eval_tab="Learning")
    assert not any("Generators" in part.value for part in page.markdown)


def test_a_link_names_the_score_of_which_both_arms_are_told_side_by_side(open_app, own):
    arms = read_comparison(newest(own).folder).arms
    page = open_app(own).open("evaluate", metric="Recall")
    table = page.dataframe[0].value.set_index("label")
    assert table.columns.tolist() == ["n", arms["real"].title, arms[ARM].title]
    recall = arms[ARM].labels["rust"].recall
    assert table.loc["rust", arms[ARM].title].startswith(f"{recall.value:.3f}") and table.index[-2:].tolist() == [
        "macro",
        "micro",
    ]
    assert any(caption.value.startswith("Recall: how many of the pictures that show it") for caption in page.caption)
    assert not any("★" in caption.value for caption in page.caption), "no label has one"


def test_integrity_says_of_whom_and_that_probes_may_be_validation_pictures(open_app, own):
    page = open_app(own).open("evaluate", eval_tab="Integrity")
    table = page.dataframe[0].value.set_index("by")
    assert table.loc["probes, by which epochs were chosen"].tolist() == ["0", "allowed", "allowed"]
    assert table.loc["generators", "test pictures"] == "0"
