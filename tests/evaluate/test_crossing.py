"""Generators that were trained alike, crossed with classifier seeds: the table, the claim, and what withholds it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from leafcore.continuing import again
from leafcore.evaluate.arms import Share
from leafcore.evaluate.comparison import Circumstances, compare
from leafcore.evaluate.evaluate import evaluate
from leafcore.evaluate.families import Family, Member
from leafcore.evaluate.plans import plan_arms
from leafcore.evaluate.result import Comparison, read_comparison
from leafcore.jobs import execute
from leafcore.measure.stats import Interval
from leafcore.result_tables import TABLES
from leafcore.terminal import plain
from tests.conftest import carrier
from tests.evaluate.test_comparison import CLEAN, LEAKED, cell, few_resamples, material, probabilities, widened
from tests.watcher import Watcher

__all__ = ["few_resamples", "material"]  # fixtures
ARM = "real_plus_synthetic"


def with_generators(material, config, seeds):
    """Return the same with a set per generator, each of the same pictures, that are a family."""
    config = config.model_copy(update={"pooling": "each"})
    plans = plan_arms(config, [f"set {seed}" for seed in seeds])
    arms = [plan.id for plan in plans]
    members = tuple(Member(at, f"run-{seed}", (seed,), (4,)) for at, seed in enumerate(seeds))
    return replace(
        material,
        plans=plans,
        shares={arm: Share(np.arange(3), np.arange(0)) for arm in arms},
        train=dict.fromkeys(arms, material.train["real"]),
        seen=material.seen * len(seeds),
        families=(Family(members, ("run-9",)),),
    )


def crossed(material, config, real, more, seeds=(0, 1, 2)):
    """Compare the answers of real pictures' classifiers with those of each generator's."""
    material = with_generators(widened(material), config, seeds)
    answers = {"real": real, **{f"{ARM}.{at}": one for at, one in enumerate(more, start=1)}}
    cells = {arm: [cell(material, one) for one in each] for arm, each in answers.items()}
    return compare(material, cells, Circumstances(CLEAN, dict.fromkeys(list(cells)[1:], CLEAN), 1, seed=0))


@pytest.fixture
def answered(material):
    """Return a function that gives answers on the widened test split, wrong on some pictures."""
    wide = widened(material)
    return lambda *wrong: probabilities(wide, wrong)


def test_the_table_is_of_the_classifiers_own_scores(material, config, answered):
    real = [answered(0, 1), answered(2), answered(0, 5)]
    more = [[answered(at), answered(at, 3), answered(*range(at))] for at in (1, 4, 6)]
    found = crossed(material, config, real, more)
    (one,) = found.crossed
    truth = np.concatenate([material.test.targets] * 2)
    scores = [[f1_score(truth, said > 0.5, average="macro", zero_division=0) for said in each] for each in more]
    base = [f1_score(truth, said > 0.5, average="macro", zero_division=0) for said in real]
    assert np.array(one.macro_f1) == pytest.approx(np.array(scores))
    assert np.array(one.to_real) == pytest.approx(np.array(scores) - base), "of the same classifier seed"
    assert one.difference.value == pytest.approx(np.mean(np.array(scores) - base)) and one.difference.is_known
    assert [each.arm for each in one.generators] == [f"{ARM}.{at}" for at in (1, 2, 3)]
    assert (one.title, one.generators[1].seed, one.generators[1].epoch) == ("Real + synthetic", "1", "4")
    assert one.left_out == ("run-9",) and "Left out, of a generator that is there already: run-9." in one.facts
    assert {arm: score.seeds for arm, score in found.arms.items()}[f"{ARM}.2"] == one.macro_f1[1]


def test_the_classifiers_of_real_pictures_vary_in_the_difference_alone(material, config, answered):
    real = [answered(*range(10)), answered(0), answered()]
    one = crossed(material, config, real, [[answered()] * 3, [answered(3)] * 3, [answered(5, 6)] * 3]).crossed[0]
    assert one.spread.classifiers == pytest.approx(0) and one.spread.to_real > 0.2
    assert one.spread.to_real == pytest.approx(np.std(one.to_real[0], ddof=1)), "there is no rest"


def test_a_plain_gain_over_generators_is_said(material, config, answered):
    found = crossed(material, config, [answered(*range(14))] * 3, [[answered()] * 3] * 3)
    (one,) = found.crossed
    assert one.verdict == (
        "Over 3 generators trained alike (seeds 0, 1, 2) and 3 classifiers each: +1.000 macro-F1, +1.000 to +1.000: "
        "better than with real pictures alone."
    )
    assert one.improves
    worse = crossed(material, config, [answered()] * 3, [[answered(*range(14))] * 3] * 3).crossed[0]
    assert worse.verdict.endswith("worse than with real pictures alone.") and not worse.improves


def test_generators_that_disagree_show_nothing_though_one_of_them_helps(material, config, answered):
    real = [answered(0, 1, 2, 3)] * 3
    found = crossed(material, config, real, [[answered()] * 3, [answered(0, 1, 2, 3)] * 3, [answered(*range(8))] * 3])
    (one,) = found.crossed
    assert found.differences[f"{ARM}.1"]["macro"].low > 0, "by itself"
    assert one.verdict.endswith(": no difference shown.") and not one.improves
    generators, classifiers, rest = one.spread.shares()
    assert (generators, classifiers, rest) == pytest.approx((1, 0, 0)) and "between generators" in one.facts


def test_two_generators_have_a_table_and_no_claim(material, config, answered):
    one = crossed(material, config, [answered(*range(14))] * 3, [[answered()] * 3] * 2, seeds=(4, 7)).crossed[0]
    assert one.verdict.startswith(
        "Over 2 generators trained alike (seeds 4, 7) and 3 classifiers each: +1.000 macro-F1:"
    )
    assert "no claim over generators from 2; 3 are needed" in one.verdict
    assert not one.improves and not one.difference.is_known and len(one.macro_f1) == 2


def test_two_classifiers_of_each_have_no_claim(material, config, answered):
    one = crossed(material, config, [answered(*range(14))] * 2, [[answered()] * 2] * 3).crossed[0]
    assert "no claim over generators from 2 classifiers of each; 3 are needed" in one.verdict and not one.improves


def test_a_leak_behind_one_of_the_generators_withholds_it(material, config, answered, monkeypatch):
    asked = []

    def check(dataset, seen):
        asked.append(seen)
        return LEAKED

    monkeypatch.setattr("leafcore.data.leaks.check", check)
    one = crossed(material, config, [answered(*range(14))] * 3, [[answered()] * 3] * 3).crossed[0]
    assert one.withheld and not one.improves and len(asked) == 1
    assert one.verdict.startswith("Verdict withheld: the generator has seen 3 of 7 test pictures. (The numbers: Over 3")


def test_unknown_numbers_are_read_back_and_older_files_have_none(material, config, answered):
    found = crossed(material, config, [answered(0)], [[answered()], [answered(1)]], seeds=(0, 1))
    assert np.isnan(found.crossed[0].spread.rest)
    text = json.dumps(found.model_dump(mode="json"))
    again_found = Comparison.model_validate_json(text)
    assert again_found.model_dump(mode="json") == found.model_dump(mode="json") and "NaN" not in text
    older = {name: value for name, value in json.loads(text).items() if name != "crossed"}
    assert Comparison.model_validate(older).crossed == ()


def test_the_sentence_names_too_few_test_groups():
    from leafcore.evaluate.verdicts import generators_verdict

    unknown = Interval(0.1, float("nan"), float("nan"))
    said = generators_verdict(["0", "1", "2"], unknown, CLEAN, classifiers=3, groups=7)
    assert said.endswith("+0.100 macro-F1: no claim from 7 independent test groups; 10 are needed.")


# --- through the verb -------------------------------------------------------------------------------------------------


@pytest.fixture
def family(own, journey):
    """The journey's set, and those of the same training with two other seeds."""
    carry = carrier(own)
    trained = again(own, journey.runs["leafgan"], [1, 2])
    for run in trained:
        execute(own, run, lane="cpu", owner="cli")
    made = [carry("synthesize", dataset=journey.dataset, chain=(run.id,), source="healthy", count=6) for run in trained]
    return (journey.runs["synthesize"].id, *(run.id for run in made))


def test_a_comparison_crosses_generators_with_classifiers_and_opens_the_test_split_once(own, config, family, tmp_path):
    asked = {"synthetic": family, "pooling": "both", "seeds": 3, "arms": ("real", ARM, "synthetic")}
    found = evaluate(config.model_copy(update=asked), own, Watcher(tmp_path / "run"))
    assert [one.title for one in found.crossed] == ["Real + synthetic", "Synthetic only"]
    first = found.crossed[0]
    assert [(one.arm, one.set, one.seed, one.epoch) for one in first.generators] == [
        (f"{ARM}.{at}", run, str(at - 1), "2") for at, run in enumerate(family, start=1)
    ]
    assert list(first.macro_f1) == [found.arms[one.arm].seeds for one in first.generators]
    assert first.verdict.endswith("no claim from 7 independent test groups; 10 are needed.")
    assert not first.withheld and found.test_opened == 2, "the journey's own, and this one"
    assert read_comparison(tmp_path / "run").crossed == found.crossed


def test_the_command_line_closes_with_the_table_and_the_sentence(material, config, answered):
    found = crossed(material, config, [answered(0)] * 3, [[answered(), answered(1), answered(2)]] * 3)
    answer = {"run": "r", "path": "p", **found.model_dump(mode="json")}
    lines = plain(TABLES["evaluate"](answer)).splitlines()
    assert lines[-1].strip() == found.crossed[0].verdict and lines[-2].strip() == found.crossed[0].facts
    assert lines[-6].split() == "generator seed epoch classifier 1 classifier 2 classifier 3".split()
    assert [line.split()[:2] for line in lines[-5:-2]] == [["0", "4"], ["1", "4"], ["2", "4"]]
    assert "crossed" not in plain(TABLES["evaluate"]({**answer, "crossed": []}))


def test_families_are_told_apart_by_their_sets_and_the_command_line_has_a_table_of_each(material, config, answered):
    material = with_generators(widened(material), config, (0, 1, 2, 3))
    members = material.families[0].members
    material = replace(material, families=tuple(Family(part, ()) for part in (members[:2], members[2:])))
    cells = {plan.id: [cell(material, answered(at))] * 2 for at, plan in enumerate(material.plans)}
    found = compare(material, cells, Circumstances(CLEAN, dict.fromkeys(list(cells)[1:], CLEAN), 1, seed=0))
    assert [one.title for one in found.crossed] == ["Real + synthetic: set 0, set 1", "Real + synthetic: set 2, set 3"]
    told = plain(TABLES["evaluate"]({"run": "r", "path": "p", **found.model_dump(mode="json")}))
    assert all(one.verdict in told for one in found.crossed)


def test_pooled_sets_are_not_crossed(own, config, family, tmp_path):
    found = evaluate(config.model_copy(update={"synthetic": family, "seeds": 1}), own, Watcher(tmp_path / "run"))
    assert found.crossed == ()


def test_a_generator_that_saw_test_pictures_withholds_what_is_said_over_all(own, config, family, tmp_path):
    from leafcore.data.manifest import load
    from leafcore.data.seen import load_seen, save_seen

    tested = list(load(own, config.dataset).select(split="test")["sha256"].iloc[:2])
    seen = load_seen(own.runs / family[2])
    save_seen(own.runs / family[2], {**seen, "generator": [*seen["generator"], *tested]})
    asked = {"synthetic": family, "pooling": "each", "seeds": 1}
    found = evaluate(config.model_copy(update=asked), own, Watcher(tmp_path / "run"))
    assert found.withheld == (f"{ARM}.3",) and found.crossed[0].withheld
    assert found.crossed[0].verdict.startswith("Verdict withheld: the generator has seen 2 of 7 test pictures. (The nu")
