from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.plans import plan_arms


def plans(*titles, **values):
    config = EvaluateConfig.build({"dataset": "d", "synthetic": ",".join(map(str, range(len(titles)))), **values})
    return plan_arms(config, titles)


def test_the_baseline_comes_first_whether_it_is_named_or_not():
    assert [plan.id for plan in plans("a", arms="weighted,synthetic")] == ["real", "weighted", "synthetic"]
    assert [plan.id for plan in plans("a", arms="synthetic,real")] == ["real", "synthetic"]


def test_an_arm_says_what_its_pictures_and_its_classifiers_are():
    every = {plan.id: plan for plan in plans("a", arms="classical,oversampled,weighted,replaced,synthetic")}
    assert every["classical"].settings == {"augment": "study"}
    assert (
        every["oversampled"].settings == {"balance": "sampling"} and every["weighted"].settings["balance"] == "weights"
    )
    assert (every["replaced"].real, every["synthetic"].real, every["weighted"].real) == ("no sources", "none", "all")
    assert every["synthetic"].sets == (0,) and every["weighted"].sets == ()


def test_several_sets_make_one_arm_or_one_each_or_both():
    arms = "real_plus_synthetic"
    assert [plan.id for plan in plans("a", "b", arms=arms)] == ["real", arms]
    each = plans("gan", "drawn", arms=arms, pooling="each")
    assert [(plan.id, plan.sets) for plan in each[1:]] == [(f"{arms}.1", (0,)), (f"{arms}.2", (1,))]
    assert each[2].title == "Real + synthetic: drawn"
    assert each[2].subject == "adding these synthetic pictures (drawn)", "the sentence says which set it speaks of"
    assert [plan.id for plan in plans("a", "b", arms=arms, pooling="both")[1:]] == [arms, f"{arms}.1", f"{arms}.2"]
    assert [plan.id for plan in plans("a", arms=arms, pooling="each")[1:]] == [arms], "one set is all of them"


def test_doses_rise_and_none_is_the_baseline():
    found = plans("a", arms="real", doses="200,0,50", heuristics="capped")
    assert [(plan.id, plan.amount) for plan in found] == [
        ("real", "all"), ("dose.50", 50), ("dose.200", 200), ("add.capped", "capped"),
    ]  # fmt: skip
    assert found[1].title == "Real + 50 % synthetic"
    assert "50 % of the real ones of the same label set" in found[1].subject
