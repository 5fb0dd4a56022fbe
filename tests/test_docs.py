"""Every kind of run can be found: by a command with help, through the API, on a page, in the README."""

import argparse
import re

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.cli import build_parser
from leafcore.jobs import KINDS
from leafcore.train.configs import RECIPES
from leafcore.workspace import PROJECT_ROOT
from tests.server import HOST

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
OURS_ALONE = {"worker", "answer"}  # commands that only the server calls


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return a parser's commands by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def words_of(kind: str) -> str:
    """Return the command that makes a run of a kind."""
    return f"train {kind}" if kind in RECIPES else kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_command_with_help(kind):
    found = commands(build_parser())
    parser = commands(found["train"])[kind] if kind in RECIPES else found[kind]
    assert parser.description and parser.description.endswith(".")
    for action in parser._actions:
        assert action.help, f"{words_of(kind)} {action.option_strings or action.dest}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_the_readme(kind):
    assert f"leafcore {words_of(kind)}" in README


@pytest.mark.parametrize("command", commands(build_parser()))
def test_every_command_has_help_and_a_place_in_the_readme(command):
    assert commands(build_parser())[command].description
    if command not in OURS_ALONE:
        assert re.search(rf"(`|leafcore ){command}\b", README)


def test_every_kind_is_known_to_the_api(workspace):
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        known = client.get("/kinds").json()
    assert set(known) == set(KINDS)
    assert all(kind["title"] for kind in known.values())


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(RECIPES)))
def test_every_kind_is_asked_for_on_a_page(kind):
    pages = "".join(path.read_text() for folder in ("pages", "ui") for path in (PROJECT_ROOT / folder).glob("*.py"))
    journey = (PROJECT_ROOT / "leafcore" / "journey.py").read_text()  # the sample leaves
    assert re.search(rf'"{kind}"', pages + journey)


def test_the_readme_names_only_commands_that_exist():
    found = commands(build_parser())
    named = set(re.findall(r"python -m leafcore ([a-z-]+)", README))
    assert named and named <= found.keys()
    recipes = set(re.findall(r"leafcore train ([a-z]+)", README))
    assert recipes and recipes <= commands(found["train"]).keys()


def test_the_readme_links_to_files_that_exist():
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", README):
        assert (PROJECT_ROOT / target).exists(), target
