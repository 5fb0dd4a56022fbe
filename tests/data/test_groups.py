import re
from collections import defaultdict

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data.groups import groups_by_name, groups_by_run, merge_alike


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


# --- runs of camera numbers -----------------------------------------------------------------------------------------


def by_run(length: int, *images: str) -> list[str]:
    return groups_by_run(pd.DataFrame({"image": images}), length).tolist()


def test_neighbouring_camera_numbers_make_runs_of_equal_length() -> None:
    names = [f"rust/IMG_{number:04d}.JPG" for number in (9, 10, 11, 14, 27)]
    assert by_run(2, *names) == ["rust/IMG_0009..0010"] * 2 + ["rust/IMG_0011..0014"] * 2 + ["rust/IMG_0027..0027"]


def test_numbers_are_sorted_as_numbers() -> None:
    assert by_run(2, "leaf 10.jpg", "leaf 9.jpg", "leaf 2.jpg", "leaf 1.jpg") == [
        *["leaf 9..10"] * 2,
        *["leaf 1..2"] * 2,
    ]


def test_a_run_stays_in_its_folder_and_among_names_that_are_alike() -> None:
    assert len(set(by_run(9, "a/IMG_1.jpg", "b/IMG_2.jpg", "a/DSC_3.jpg", "a/IMG_4_edit.jpg", "a/IMG_5.jpg"))) == 4


def test_the_cameras_number_is_the_last_one() -> None:
    assert (
        by_run(2, "2021-05/leaf7_IMG_0012_masked.jpg", "2021-05/leaf7_IMG_0013_masked.jpg")
        == ["2021-05/leaf7_IMG_0012..0013_masked"] * 2
    )


def test_plant_villages_random_id_is_no_part_of_the_name() -> None:
    assert (
        by_run(2, "s___a/0b1f-77___RS_HL 12_final_masked.jpg", "s___a/99ec-3a___RS_HL 13_final_masked.jpg")
        == ["s___a/RS_HL 12..13_final_masked"] * 2
    )


def test_copies_of_one_number_count_once_and_stay_together() -> None:
    assert by_run(2, "x___IMG 1.jpg", "y___IMG 1.jpg", "z___IMG 2.jpg", "z___IMG 3.jpg") == [
        *["IMG 1..2"] * 3,
        "IMG 3..3",
    ]


def test_the_rule_is_silent_about_names_without_a_number() -> None:
    assert by_run(2, "2021/leaf.jpg", "2021/other.jpg") == ["", ""]
    assert by_run(2, "leaf.jpg", "IMG_1.jpg", "IMG_2.jpg") == ["", "IMG_1..2", "IMG_1..2"]


def test_a_camera_number_may_be_longer_than_any_integer() -> None:
    last, middle = "9" * 40 + "8", "9" * 40 + "7"
    assert by_run(2, f"{last}.jpg", f"{middle}.jpg", "1.jpg") == [f"{last}..{last}", *[f"1..{middle}"] * 2]


@given(st.sets(st.integers(0, 300), min_size=1, max_size=60), st.integers(2, 7))
def test_every_run_but_the_last_is_full_and_no_number_lies_between_two_runs(numbers: set[int], length: int) -> None:
    runs = by_run(length, *(f"IMG_{number}.jpg" for number in sorted(numbers)))
    sizes = [runs.count(name) for name in dict.fromkeys(runs)]
    assert runs == sorted(runs, key=runs.index), "a run is not interrupted"
    assert set(sizes[:-1]) <= {length} and 1 <= sizes[-1] <= length


# --- rules add up ---------------------------------------------------------------------------------------------------


def joined(groups: str, *rules: list[str]) -> list[str]:
    records = pd.DataFrame({"group": list(groups), "sha256": [str(row) for row in range(len(groups))]})
    return merge_alike(records, rules=[pd.Series(rule, dtype=object) for rule in rules]).tolist()


def test_what_any_rule_joins_is_joined() -> None:
    assert joined("abcde", ["x", "x", "", "", ""], ["", "u", "u", "", "v"]) == ["x", "x", "x", "d", "e"]


def test_a_rule_adds_to_what_belonged_together_before() -> None:
    assert joined("aabbc", ["", "x", "x", "", "y"]) == ["x", "x", "x", "x", "c"]


def test_joined_groups_are_called_as_the_first_rule_says() -> None:
    assert joined("abc", ["", "", ""], ["leaf", "leaf", ""]) == ["leaf", "leaf", "c"]
    assert joined("abc", ["2021-05-31", "2021-05-31", ""], ["leaf", "leaf", ""]) == ["2021-05-31", "2021-05-31", "c"]


def test_two_groups_are_never_called_the_same() -> None:
    """A rule may say "7" where a column has said "7" of other pictures; they do not belong together."""
    groups = joined("77ab", ["", "", "7", "7"])
    assert groups == ["7, 7", "7, 7", "7, a", "7, a"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefg"), st.sampled_from(["", "x", "y", "z"]), st.sampled_from(["", "x", "a"])),
        min_size=1,
        max_size=16,
    )
)
def test_groups_are_joined_exactly_when_a_chain_of_names_links_them(rows: list[tuple[str, str, str]]) -> None:
    groups, *rules = ([row[part] for row in rows] for part in range(3))
    found = joined("".join(groups), *rules)
    links = [
        (group, f"{number}{name}")
        for number, rule in enumerate(rules)
        for group, name in zip(groups, rule, strict=True)
        if name
    ]
    for one in range(len(rows)):
        together = reached([*links, *((group, f"own {group}") for group in groups)], groups[one])
        assert [found[other] == found[one] for other in range(len(rows))] == [group in together for group in groups]
