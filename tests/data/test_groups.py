import re
from collections import defaultdict

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data.groups import groups_by_name, merge_alike


def by_name(pattern: str, *images: str) -> list[str]:
    records = pd.DataFrame({"image": images})
    return groups_by_name(records, re.compile(pattern)).tolist()


def merged(*pairs: tuple[str, str]) -> list[str]:
    return merge_alike(pd.DataFrame(pairs, columns=["group", "sha256"])).tolist()


def test_the_first_bracket_names_the_group() -> None:
    assert by_name(r"leaf(\d+)-(\w)", "rust/leaf07-a.jpg", "rust/leaf07-b.jpg", "scab/leaf8-a.jpg") == ["07", "07", "8"]


def test_a_named_bracket_is_a_bracket() -> None:
    assert by_name(r"(?P<leaf>leaf\d+)-(?P<view>\w)", "leaf7-a.jpg") == ["leaf7"]


def test_the_rule_is_silent_about_a_name_that_does_not_match() -> None:
    assert by_name(r"leaf(\d+)", "leaf7.jpg", "a/other.jpg") == ["7", ""]


def test_pictures_in_which_the_bracket_matches_nothing_are_not_thrown_together() -> None:
    assert by_name(r"^(\d*)", "7.jpg", "a/x.jpg", "a/y.jpg") == ["7", "", ""]
    assert by_name(r"^(?:(\d+)|x)", "7.jpg", "x.jpg") == ["7", ""]


def test_only_the_files_name_is_looked_at() -> None:
    assert by_name(r"(\d+)", "2021/leaf7.jpg", "2022/leaf7.jpg") == ["7", "7"]


def test_identical_files_join_their_groups() -> None:
    assert merged(("b", "1"), ("a", "1"), ("c", "2")) == ["a", "a", "c"]


def test_joining_is_transitive() -> None:
    assert merged(("a", "1"), ("b", "1"), ("b", "2"), ("c", "2"), ("c", "3"), ("d", "3"), ("e", "4")) == [
        *("a" * 6),
        "e",
    ]


def test_different_files_of_one_group_stay_together() -> None:
    assert merged(("b", "1"), ("b", "2"), ("a", "3")) == ["b", "b", "a"]


def test_the_index_of_the_records_is_kept() -> None:
    records = pd.DataFrame({"group": ["b", "a"], "sha256": ["1", "1"]}, index=[7, 3])
    assert merge_alike(records).to_dict() == {7: "a", 3: "a"}


def test_pictures_that_are_alike_join_their_groups() -> None:
    records = pd.DataFrame({"group": list("abcde"), "sha256": list("12345")})
    assert merge_alike(records, [(0, 3), (3, 2)]).tolist() == ["a", "b", "a", "a", "e"]


def reached(pairs: list[tuple[str, str]], start: str) -> set[str]:
    """Groups reached from one by walking over shared files, the slow and obvious way."""
    found, waiting = {start}, [start]
    files = defaultdict(set)
    for group, file in pairs:
        files[group].add(file)
    while waiting:
        here = waiting.pop()
        for group in files:
            if group not in found and files[group] & files[here]:
                found.add(group)
                waiting.append(group)
    return found


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("123456")), min_size=1, max_size=14))
def test_groups_are_joined_exactly_when_a_chain_of_identical_files_links_them(pairs: list[tuple[str, str]]) -> None:
    assert merged(*pairs) == [min(reached(pairs, group)) for group, _ in pairs]
