import pytest

from leafcore.errors import DatasetError
from leafcore.evaluate.amounts import require_enough, take, wanted

REAL = {"healthy": 100, "rust": 20, "scab": 40}
HELD = {"rust": 30, "scab": 80}


@pytest.mark.parametrize(
    ("amount", "counts"),
    [
        ("all", {"rust": 30, "scab": 80}),
        (50, {"rust": 10, "scab": 20}),
        (400, {"rust": 80, "scab": 160}),
        ("match-largest", {"rust": 80, "scab": 60}),
        ("capped", {"rust": 20, "scab": 40}),
        ("proportional", {"rust": 30, "scab": 60}),
    ],
)
def test_how_many_join_by_hand(amount, counts):
    assert wanted(amount, REAL, HELD) == counts


def test_a_label_set_without_a_real_picture_is_filled_but_has_no_share():
    held = {"wilt": 9, "rust": 10}
    assert wanted("match-largest", REAL, held)["wilt"] == 100
    assert wanted("proportional", REAL, held) == {"wilt": 0, "rust": 10}


def test_a_larger_dose_holds_all_of_a_smaller_one():
    labels = ["rust", "scab"] * 20
    small, large = (set(take(labels, {"rust": n, "scab": n}, seed=3)) for n in (4, 11))
    assert len(small) == 8 and len(large) == 22 and small < large
    assert sum(labels[index] == "rust" for index in small) == 4
    assert small != set(take(labels, {"rust": 4, "scab": 4}, seed=4))


def test_no_more_than_there_are_are_taken():
    assert list(take(["rust", "scab", "rust"], {"rust": 9}, seed=0)) == [0, 2]


def test_a_dose_with_too_few_pictures_is_refused():
    with pytest.raises(DatasetError, match=r"doses: 400 % needs 80 synthetic pictures of rust, got 30; make more"):
        require_enough(400, wanted(400, REAL, HELD), HELD)
    with pytest.raises(DatasetError, match=r"doses: 50 % of the real train pictures of wilt is none"):
        require_enough(50, {"wilt": 0}, {"wilt": 9})


@pytest.mark.parametrize(
    ("rule", "held"),
    [("match-largest", {"healthy": 30}), ("capped", {"wilt": 9}), ("proportional", {"rust scab": 9})],
)
def test_a_rule_that_adds_no_picture_is_refused(rule, held):
    sets = "".join(held).replace(" ", r"\+")
    with pytest.raises(DatasetError, match=rf"heuristics: {rule} adds no synthetic picture of {sets} to the real"):
        require_enough(rule, wanted(rule, REAL, held), held)


def test_a_rule_may_ask_for_more_than_there_are():
    require_enough("match-largest", wanted("match-largest", REAL, HELD), HELD)
