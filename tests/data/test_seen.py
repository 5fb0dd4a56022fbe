from pathlib import Path

import pytest

from leafcore.data.seen import ROLES, UNKNOWN, admit_unknown, load_seen, merge, playing, roles_of, save_seen
from leafcore.train.configs import RECIPES


def test_what_was_seen_comes_back_sorted_and_once(tmp_path: Path) -> None:
    save_seen(tmp_path, {"generator": ["b", "a", "b"], "probe": iter(["c"]), "lflseg": []})
    assert load_seen(tmp_path) == {"generator": ["a", "b"], "probe": ["c"], "lflseg": []}


@pytest.mark.parametrize("content", [None, "", "{"])
def test_where_nothing_is_written_no_role_is_known(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "seen.json").write_text(content)
    assert load_seen(tmp_path) == {}


def test_every_recipe_has_roles_that_it_must_write_down() -> None:
    assert set(ROLES) == set(RECIPES)
    assert roles_of("leafgan") == ("generator", "lflseg") and roles_of("cyclegan") == ("generator",)
    assert roles_of("of tomorrow") == ("generator",), "what is not known yet must say something"


@pytest.mark.parametrize("seen", [{}, {"probe": ["p"]}, {"generator": [], "lflseg": []}])
def test_a_role_that_nobody_wrote_down_is_unknown_and_so_is_one_that_saw_nothing(seen: dict[str, list[str]]) -> None:
    assert admit_unknown(seen, ("generator", "lflseg"), "rust") == {**seen, UNKNOWN: ["rust (generator, lflseg)"]}


def test_what_is_known_stays_as_it_is() -> None:
    seen = {"generator": ["a"], "lflseg": ["b"]}
    assert admit_unknown(seen, ("generator", "lflseg"), "rust") == seen


def test_what_is_unknown_stays_unknown_and_keeps_its_cause() -> None:
    mixed = merge({"generator": ["a"]}, admit_unknown({}, ("lflseg",), "looker"))
    assert mixed == {"generator": ["a"], UNKNOWN: ["looker (lflseg)"]}
    assert admit_unknown(mixed, ("generator", "lflseg"), "rust") == mixed


def test_several_models_have_seen_what_any_of_them_has_by_role() -> None:
    assert merge({"generator": ["b", "a"]}, {"generator": ["c", "a"], "lflseg": ["d"]}, {}) == {
        "generator": ["a", "b", "c"],
        "lflseg": ["d"],
    }
    assert merge() == {}


def test_who_plays_another_role_has_learned_under_it_and_the_rest_stays() -> None:
    seen = {"lflseg": ["b", "a"], "generator": ["c"], "probe": ["p"]}
    assert playing(seen, "leaf filter") == {"leaf filter": ["a", "b", "c"], "probe": ["p"]}
    assert playing({UNKNOWN: ["looker (lflseg)"]}, "teacher") == {"teacher": [], UNKNOWN: ["looker (lflseg)"]}


def test_merging_changes_none_of_its_parts() -> None:
    one, other = {"generator": ["a"]}, {"generator": ["b"]}
    merge(one, other)
    assert one == {"generator": ["a"]} and other == {"generator": ["b"]}
