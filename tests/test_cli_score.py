"""Scoring by command."""

import shutil

import pytest

from leafcore.workspace import Workspace
from tests.test_cli import call, flags


@pytest.fixture
def own(journey, tmp_path) -> Workspace:
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


def score(own, *words):
    return call("score", *words, *flags("score"), "--workspace", own.root)


def test_the_scores_of_a_run_are_a_table_with_what_they_were_taken_from(own, journey):
    run = journey.runs["leafgan"].id
    answer = score(own, run, "--epochs", "1,2", "--count", "2")
    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines()]
    assert ["sources:", "2"] in lines and ["split:", "val"] in lines and ["dataset:", journey.dataset] in lines
    assert [line[0] for line in lines if line[0] in {"epoch", "1", "2", "untranslated"}] == [
        "epoch", "1", "2", "untranslated",
    ]  # fmt: skip
    assert "kid: from 20 pictures on each side" in answer.out and "reason: " in answer.out


def test_a_program_gets_every_score(own, journey):
    run = journey.runs["leafgan"].id
    answer = score(own, run, "--json").json
    assert answer["run"] == run and [one["epoch"] for one in answer["epochs"]] == [1, 2]


def test_several_runs_stand_side_by_side(own, journey):
    run = journey.runs["leafgan"].id
    assert score(own, run, run).out.count(f"{run}  ") == 2
    assert [one["run"] for one in score(own, run, run, "--json").json["runs"]] == [run, run]


def test_what_cannot_be_scored_is_refused_in_one_line(own, journey):
    score(own, journey.runs["lflseg"].id).refuses("is a lflseg run, expected one that trained a translation")
    score(own, journey.runs["leafgan"].id, "--epochs", "9").refuses("epochs: got 9, saved by run")
    score(own, journey.runs["leafgan"].id, "--direction", "up").refuses("direction: got 'up', expected 'ab' or 'ba'")
