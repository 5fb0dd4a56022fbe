import json
import math

import pytest

from leafcore.data.leaks import LeakReport
from leafcore.evaluate.result import ArmScore, Comparison, Estimate, LabelScore, McNemar, Significance, read_comparison
from leafcore.files import write_json

CLEAN = LeakReport(test={}, val={}, outside={}, test_size=9)
CLEAR, UNCLEAR = Estimate(value=0.2, low=0.1, high=0.3), Estimate(value=0.2, low=-0.1, high=0.3)


def test_an_interval_that_is_not_known_is_null_in_json_and_comes_back():
    estimate = Estimate(value=0.5, low=math.nan, high=math.nan)
    written = json.dumps(estimate.model_dump(mode="json"), allow_nan=False)
    assert json.loads(written) == {"value": 0.5, "low": None, "high": None} == json.loads(estimate.model_dump_json())
    read = Estimate.model_validate_json(written)
    assert read.value == 0.5 and math.isnan(read.low) and math.isnan(read.high)


def test_a_known_interval_is_written_as_it_is():
    estimate = Estimate(value=0.5, low=0.25, high=0.75)
    assert Estimate.model_validate(estimate.model_dump(mode="json")) == estimate


# --- files of two arms ------------------------------------------------------------------------------------------------


def old_file(verdict="No difference shown: …"):
    label = {"precision": 0.8, "recall": 0.7, "f1": {"value": 0.75, "low": 0.6, "high": None}, "support": 9}
    arm = {"train_images": 20, "macro_f1": {"value": 0.75, "low": 0.6, "high": 0.9}, "seeds": [0.75]}
    arm |= {"labels": {"rust": label}, "confusion": [[9, 0]], "steps": [8]}
    difference = {"value": 0.0, "low": -0.1, "high": 0.1}
    return {
        "dataset": "d@1", "test_images": 9, "test_groups": 9, "label_sets": ["rust"],
        "arms": {"real": arm, "real_plus_synthetic": arm}, "difference": {"rust": difference, "macro": difference},
        "leaks": CLEAN.model_dump(mode="json"), "verdict": verdict, "synthetic_images": 6,
    }  # fmt: skip


def test_a_file_from_when_there_were_two_arms_is_read(tmp_path):
    write_json(tmp_path / "comparison.json", old_file())
    found = read_comparison(tmp_path)
    assert found.others == ["real_plus_synthetic"] == [found.chosen]
    assert found.differences["real_plus_synthetic"]["macro"] == Estimate(value=0, low=-0.1, high=0.1)
    assert found.arms["real_plus_synthetic"].title == "Real + synthetic"
    precision = found.arms["real"].labels["rust"].precision
    assert precision.value == 0.8 and not precision.is_known
    assert found.verdicts == {"real_plus_synthetic": found.verdict} and found.withheld == ()
    again = Comparison.model_validate_json(json.dumps(found.model_dump(mode="json"), allow_nan=False))
    assert again.model_dump(mode="json") == found.model_dump(mode="json")


def test_days_of_an_older_file_are_parts_by_day():
    days = {"2021-05-09": {"n": 4, "right": {"value": 0.75, "low": 0.5, "high": 0.9}}}
    arms = {arm: {**score, "days": days} for arm, score in old_file()["arms"].items()}
    arms["real_plus_synthetic"]["days"] = {}  # all of one day, or older
    found = Comparison.model_validate({**old_file(), "arms": arms})
    (part,) = found.arms["real"].parts["day"].values()
    assert (part.n, part.right.value, part.right.high) == (4, 0.75, 0.9)
    assert found.arms["real_plus_synthetic"].parts == {} and found.overlap is None
    again = Comparison.model_validate_json(found.model_dump_json())
    assert again.arms["real"].parts == found.arms["real"].parts


def test_arms_of_an_older_file_that_are_called_the_same_are_told_apart():
    arms = old_file()["arms"]
    rest = {f"real_plus_synthetic.{number}": {**arms["real"], "title": "Real + synthetic: a set"} for number in (1, 2)}
    of_two = Comparison.model_validate(old_file()).model_dump(mode="json")
    found = Comparison.model_validate({**of_two, "arms": {**of_two["arms"], **rest}})
    assert [score.title for score in found.arms.values()] == [
        "Real",
        "Real + synthetic",
        "Real + synthetic: a set (real_plus_synthetic.1)",
        "Real + synthetic: a set (real_plus_synthetic.2)",
    ]


def test_what_was_withheld_then_is_withheld_now():
    assert Comparison.model_validate(old_file("Verdict withheld: …")).withheld == ("real_plus_synthetic",)


# --- stars ------------------------------------------------------------------------------------------------------------


def starred(difference=CLEAR, support=10, p_holm=(0.01, 0.04, 0.04), seeds=3):
    score = Estimate(value=0.8, low=0.7, high=0.9)
    label = LabelScore(precision=score, recall=score, f1=score, support=support)
    arm = ArmScore(train_images=9, macro_f1=score, seeds=(0.8,) * seeds, labels={"rust": label}, confusion=((9, 0),))
    tests = tuple(McNemar(both=9, first=0, second=9, neither=0, p=p / 2, p_holm=p) for p in p_holm)
    found = Comparison(
        dataset="d@1", test_images=9, test_groups=9, label_sets=("rust",), arms={"real": arm, "synthetic": arm},
        differences={"synthetic": {"rust": difference}}, significance={
            "synthetic": Significance(pictures=tests, labels={"rust": tests})
        }, leaks=CLEAN, chosen="synthetic", verdict="", verdicts={"synthetic": ""}, synthetic_images=6,
    )  # fmt: skip
    return found.has_star("synthetic", "rust")


def test_a_star_needs_an_interval_without_zero_ten_pictures_and_three_seeds_that_agree():
    assert starred()


@pytest.mark.parametrize(
    "lacking",
    [
        {"difference": UNCLEAR}, {"support": 9}, {"p_holm": (0.01, 0.01, 0.06)}, {"p_holm": ()},
        {"p_holm": (0.01, 0.01), "seeds": 2},
    ],
)  # fmt: skip
def test_a_star_is_withheld_where_one_of_these_is_lacking(lacking):
    assert not starred(**lacking)
