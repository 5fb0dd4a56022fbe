from pathlib import Path

from leafcore.data.seen import load_seen, merge, save_seen


def test_what_was_seen_comes_back_sorted_and_once(tmp_path: Path) -> None:
    save_seen(tmp_path, {"generator": ["b", "a", "b"], "probe": iter(["c"]), "lflseg": []})
    assert load_seen(tmp_path) == {"generator": ["a", "b"], "probe": ["c"], "lflseg": []}


def test_nothing_was_seen_where_nothing_is_written(tmp_path: Path) -> None:
    assert load_seen(tmp_path) == {}


def test_several_models_have_seen_what_any_of_them_has_by_role() -> None:
    assert merge({"generator": ["b", "a"]}, {"generator": ["c", "a"], "lflseg": ["d"]}, {}) == {
        "generator": ["a", "b", "c"],
        "lflseg": ["d"],
    }
    assert merge() == {}


def test_merging_changes_none_of_its_parts() -> None:
    one, other = {"generator": ["a"]}, {"generator": ["b"]}
    merge(one, other)
    assert one == {"generator": ["a"]} and other == {"generator": ["b"]}
