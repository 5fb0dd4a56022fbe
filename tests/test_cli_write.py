"""The command that writes a dataset out."""

import json

import pytest

from leafcore.cli import main
from leafcore.runs import list_runs


@pytest.fixture
def call(workspace, leaf_folders, capsys):
    """Return a function that runs a command over an imported dataset."""
    assert main(["import", str(leaf_folders), "--name", "leaves"]) == 0
    capsys.readouterr()

    def run(*argv: object) -> tuple[int, str, str]:
        code = main([str(word) for word in argv])
        return code, *capsys.readouterr()

    return run


def test_two_domains_are_written_and_said_as_json(call, workspace, tmp_path):
    out = tmp_path / "healthy2rust"
    code, stdout, _ = call(
        "write", "leaves", "--layout", "domains", "--a", "healthy", "--b", "rust", "--to", out, "--json"
    )
    answer = json.loads(stdout)
    assert code == 0 and (answer["folder"], answer["images"]) == (str(out), 32)
    assert answer["path"] == str(list_runs(workspace, "write")[0].folder)
    assert len(list(out.glob("*A/*.png"))) == 20 and len(list(out.glob("*B/*.png"))) == 12


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--layout", "coco"], "layout: got 'coco', expected 'folders', 'plant-pathology-2021'"),
        (["--layout", "domains", "--a", "healthy", "--b", "blight"], "label: got 'blight'"),
        (["--layout", "lflseg"], "nonleaf: layout lflseg needs it"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_made(call, workspace, tmp_path, flags, message):
    code, stdout, stderr = call("write", "leaves", "--to", tmp_path / "out", *flags)
    assert (code, stdout) == (2, "") and message in stderr and stderr.count("\n") == 1
    assert not list_runs(workspace, "write") and not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(call, workspace, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    code, _, stderr = call("write", "leaves", "--layout", "folders", "--to", tmp_path / "out")
    assert code == 2 and "is there and not empty; choose a new folder" in stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
