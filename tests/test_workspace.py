from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.errors import ConfigError
from leafcore.workspace import SHIPPED_CHECKPOINTS, Workspace, check_name

names = st.text("aZ9._-/\\~: ä", max_size=12)
BAD_NAMES = {
    "../leaves": "leaves",
    "..": "orchard",
    "/etc/passwd": "etc-passwd",
    "C:\\leaves": "C-leaves",
    "": "orchard",
    " ": "orchard",
    "x" * 81: "x" * 80,
    "leaves.": "leaves",
    ".hidden": "hidden",
    "-rf": "rf",
    "two words": "two-words",
    "leaves\n": "leaves",
    "äpfel": "pfel",
    "a\x00b": "a-b",
    "CON": "my-CON",
    "lpt1.leaves": "lpt1-leaves",
}


@pytest.mark.parametrize("name", ["a", "leaves", "Apple___healthy", "20261121-064435-441-masks-e9ac", "v1.2", "x" * 80])
def test_a_plain_name_is_kept(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_no_folder_name_is_refused_in_one_line_with_a_suggestion(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_name(name, "dataset")
    text = str(caught.value)
    assert text.startswith(f"dataset: got {name!r}, expected 1 to 80 letters") and "\n" not in text
    assert text.endswith(f"Try {BAD_NAMES[name]!r}.")


@given(names | st.text(max_size=120))
def test_the_suggestion_is_always_a_name_that_is_taken(name: str) -> None:
    try:
        check_name(name)
    except ConfigError as error:
        suggestion = str(error).rpartition("Try '")[2].removesuffix("'.")
        assert check_name(suggestion) == suggestion


@given(names)
def test_no_name_leads_out_of_the_workspace(name: str) -> None:
    workspace = Workspace("anywhere")
    for place in (workspace.dataset, workspace.run, workspace.checkpoint):
        try:
            path = place(name)
        except ConfigError:
            continue
        assert path.resolve().parent in {workspace.datasets, workspace.runs, workspace.checkpoints, SHIPPED_CHECKPOINTS}


def test_the_root_is_the_one_given_else_the_environments_else_beside_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEAF_WORKSPACE", str(tmp_path / "named"))
    assert Workspace(tmp_path / "given").root == tmp_path / "given"
    assert Workspace().root == tmp_path / "named"
    monkeypatch.setenv("LEAF_WORKSPACE", "")
    assert Workspace().root == tmp_path / "workspace"


def test_the_root_is_absolute_and_knows_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Workspace("~/leaves").root == tmp_path / "leaves"
    monkeypatch.chdir(tmp_path)
    assert Workspace("here").root == tmp_path / "here"


def test_opening_a_workspace_makes_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "new")
    workspace.dataset("leaves"), workspace.run("one"), workspace.checkpoint("rust")
    assert not workspace.root.exists()


def test_everything_lies_in_the_root() -> None:
    workspace = Workspace("/data")
    places = [value for name, value in vars(Workspace).items() if isinstance(value, property)]
    found = {place.fget(workspace) for place in places if place.fget is not None}
    assert len(found) == len(places) >= 6
    assert all(path.parent == workspace.root for path in found)


def test_a_users_own_checkpoint_goes_before_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "shipped"
    (shipped / "demo").mkdir(parents=True)
    monkeypatch.setattr("leafcore.workspace.SHIPPED_CHECKPOINTS", shipped)
    workspace = Workspace(tmp_path / "own")
    assert workspace.checkpoint("demo") == shipped / "demo"
    assert workspace.checkpoint("mine") == workspace.checkpoints / "mine"
    (workspace.checkpoints / "demo").mkdir(parents=True)
    assert workspace.checkpoint("demo") == workspace.checkpoints / "demo"
