"""`split` and `scarce` from the command line: what they print, and what they refuse."""

import json

import pytest

from leafcore.cli import main
from leafcore.data.manifest import load


@pytest.fixture
def leaves(workspace, carry, leaf_folders):
    carry("import", source=leaf_folders, name="leaves")
    return load(workspace, "leaves")


def answer(capsys, *command):
    assert main([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_split_writes_a_version(workspace, leaves, capsys):
    result = answer(capsys, "split", "leaves", "--preset", "80-20", "--seed", "3")
    assert result["dataset"] == load(workspace, "leaves").ref != leaves.ref
    assert result["splits"][result["dataset"]]["val"] == 0
    assert {"run", "path", "groups", "warnings"} <= result.keys()


def test_split_makes_folds(leaves, capsys):
    result = answer(capsys, "split", "leaves", "--folds", "3", "--group-run", "2")
    assert [ref.partition("@")[0] for ref in result["datasets"]] == [f"leaves-fold-{fold}-of-3" for fold in (1, 2, 3)]


def test_scarce_writes_another_dataset(workspace, leaves, capsys):
    result = answer(capsys, "scarce", "leaves", "--max", "5", "--as", "few", "--order", "before-split")
    assert result["dataset"] == load(workspace, "few").ref
    assert load(workspace, "few").label_sets == {"healthy": 5, "rust": 5, "scab": 5}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["split", "nowhere"], "dataset: got 'nowhere'"),
        (["split", "leaves", "--leave-out", "oak"], "leave_out: got 'oak', expected a group of leaves"),
        (["split", "leaves", "--folds", "1"], "folds: got 1, expected 0 for none, or 2 and more"),
        (["scarce", "leaves", "--as", "leaves"], "name: there is already a dataset 'leaves'"),
        (["scarce", "leaves", "--as", "few", "--order", "never"], "order: got 'never'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(leaves, capsys, command, message):
    capsys.readouterr()
    assert main(command) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "%|" not in line and "it/s" not in line]
    assert len(said) == 1 and message in said[0]
