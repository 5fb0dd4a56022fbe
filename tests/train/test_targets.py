from leafcore.train.targets import per_target

SHARED = {"a": "healthy", "promote_as": "field"}


def test_each_target_gets_a_run_and_a_name_of_its_own():
    runs = per_target(SHARED, ["rust", "frog_eye_leaf_spot scab"])
    assert [run["b"] for run in runs] == ["rust", "frog_eye_leaf_spot scab"]
    assert [run["promote_as"] for run in runs] == ["field-healthy-to-rust", "field-healthy-to-frog_eye_leaf_spot-scab"]


def test_one_target_keeps_the_name_as_it_is():
    assert per_target(SHARED, ["rust"]) == [{**SHARED, "b": "rust"}]


def test_no_name_stays_no_name():
    assert [run["promote_as"] for run in per_target({"promote_as": ""}, ["rust", "scab"])] == ["", ""]


def test_a_target_that_is_named_twice_counts_once():
    assert [run["b"] for run in per_target({}, ["scab rust", "rust+scab", "rust"])] == ["rust scab", "rust"]
