import math

import pytest

from leafcore.measure.interpretation import Rate, effective_classes, interpret, mode_dominance

SURE = Rate.of(95, 100)
EVEN = {"healthy": 100, "rust": 100, "scab": 100, "rot": 100}


def test_the_effective_number_of_classes_is_that_of_equal_ones():
    assert effective_classes(EVEN) == pytest.approx(4)
    assert effective_classes({"rust": 9, "scab": 0}) == pytest.approx(1) and effective_classes({}) == 0
    by_hand = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert effective_classes({"rust": 3, "scab": 1}) == pytest.approx(by_hand)


def test_a_class_that_takes_more_than_half_dominates():
    said = mode_dominance({"rust": 80, "healthy": 20}, EVEN)
    assert said.startswith("One class dominates: 80% of 100 pictures are called rust, which holds 25% of the pictures")
    assert mode_dominance({"rust": 80, "healthy": 20}, {}).startswith("One class dominates: 80% of 100")


def test_a_few_pictures_prove_no_dominance():
    assert mode_dominance({"rust": 3, "healthy": 1}, EVEN) == ""
    assert mode_dominance({}, EVEN) == ""


def test_a_class_that_dominates_the_training_pictures_as_well_is_no_fault():
    assert mode_dominance({"rust": 80, "healthy": 20}, {"rust": 800, "healthy": 200}) == ""
    assert mode_dominance({"rust": 95, "healthy": 5}, {"rust": 600, "healthy": 400}) != ""


def test_classes_that_are_never_made_are_told():
    many = {f"class{number}": 50 for number in range(10)}
    said = mode_dominance({"class0": 26, "class1": 26, "class2": 28}, many)
    assert said == "Few classes: 80 pictures are as diverse as 3.0 equal classes; it learned from 10.0."
    assert mode_dominance({"class0": 3, "class1": 3, "class2": 3}, many) == "", "nine pictures cannot show ten classes"
    assert mode_dominance(dict.fromkeys(many, 8), many) == ""


def test_what_was_asked_for_is_held_against_what_is_seen():
    found = interpret(["rust", "rust", "scab", "rust"], ["rust", "scab", "scab", "rust"], "judge", SURE, EVEN)
    assert found.counts == {"rust": 3, "scab": 1} and found.warning == ""
    assert (found.agreement["rust"].value, found.agreement["rust"].n) == (1.0, 2)
    assert found.agreement["scab"].value == 0.5


def test_an_unconditional_model_has_no_agreement_and_may_be_warned_of():
    found = interpret(["rust"] * 50, [""] * 50, "judge", SURE, EVEN)
    assert found.agreement == {} and "dominates" in found.warning


def test_a_judge_that_errs_on_real_pictures_says_nothing():
    found = interpret(["rust"] * 50, [""] * 50, "doubtful", Rate.of(79, 100), EVEN)
    assert (found.counts, found.agreement, found.warning) == ({}, {}, "")
    assert found.withheld.startswith("the judge doubtful names 79% of 100 real validation pictures rightly")
    assert interpret(["rust"] * 50, [""] * 50, "fair", Rate.of(80, 100), EVEN).withheld == ""


def test_a_judge_that_was_right_about_a_few_pictures_says_nothing_either():
    found = interpret(["rust"] * 50, [""] * 50, "lucky", Rate.of(2, 2), EVEN)
    assert (found.counts, found.accuracy.n) == ({}, 2)
    assert found.withheld == (
        "the judge lucky was tried on 2 real validation pictures, expected at least 20; import more pictures, or split "
        "the dataset again with a larger validation share"
    )
    assert interpret(["rust"] * 50, [""] * 50, "tried", Rate.of(20, 20), EVEN).withheld == ""
