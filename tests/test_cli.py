import csv
import io
import json
import re
import shutil
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from leafcore import files
from leafcore.cli import main
from leafcore.data.mask_sets import MaskCard, save_card
from leafcore.jobs import build_config, submit
from leafcore.runs import create_run, open_run
from leafcore.workspace import Workspace
from tests.conftest import TINY, write_folders


class Answer:
    """What a command answered.

    Attributes:
        code: Its exit code.
        out: What it printed on stdout.
        lines: What it printed on stderr, without progress bars.
    """

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out = code, out
        said = [line.split("\r")[-1] for line in err.splitlines()]
        self.lines = [line for line in said if line.strip() and "%|" not in line and "it/s" not in line]

    @property
    def json(self) -> dict:
        """The one JSON object on stdout; anything else there is an error."""

        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is not JSON")

        assert self.code == 0, self.lines
        value = json.loads(self.out, parse_constant=refuse)
        assert isinstance(value, dict)
        return value

    def refuses(self, message: str, code: int = 2) -> None:
        """Check that the command refused with one clear line."""
        assert (self.code, self.out) == (code, ""), (self.code, self.out)
        assert len(self.lines) == 1, self.lines
        assert message in self.lines[0]


def call(*argv: object) -> Answer:
    """Run a command in this process."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main([str(word) for word in argv])
    return Answer(code, out.getvalue(), err.getvalue())


def flags(kind: str, **values: object) -> list[str]:
    """Return the tiny settings of a kind, and others, as flags."""
    both = {**TINY.get(kind, {}), **values}
    told = {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in both.items()}
    return [word for name, value in told.items() for word in (f"--{name.replace('_', '-')}", value)]


class Walk:
    """The journey by commands, in a workspace of its own; read-only. Holds what each command answered."""

    def __init__(self, root: Path, folders: Path, nonleaf: Path) -> None:
        self.workspace, self.folders = Workspace(root / "workspace"), folders
        self.zip = root / "away" / "leaves.zip"
        self.answers: dict[str, Answer] = {}
        self.do("import", "import", folders, "--name", "leaves")
        self.do("balance", "balance", "leaves")
        self.do("lflseg", "train", "lflseg", *flags("lflseg", dataset="leaves", nonleaf=nonleaf))
        self.do("masks", "masks", "--dataset", "leaves", "--model", self.run("lflseg"), "--delta", 0.35)
        pair = {"a": "healthy", "b": "rust", "masks": self.run("masks")}
        self.do("leafgan", "train", "leafgan", *flags("leafgan", dataset="leaves", **pair))
        self.do("promote", "promote", self.run("leafgan"), "--epoch", 1, "--name", "to-rust")
        self.do("checkpoints", "checkpoints")
        made = ["--chain", "to-rust,to-rust", "--dataset", "leaves", "--from", "healthy", "--count", 5, "--seed", 3]
        self.do("synthesize", "synthesize", *made)
        self.do("export", "export", self.run("synthesize"), "--to", self.zip)
        self.do("evaluate", "evaluate", *flags("evaluate", dataset="leaves", synthetic=self.run("synthesize")))
        self.do("runs", "runs")
        self.do("show", "show", self.run("evaluate"))
        self.do("doctor", "doctor")

    def do(self, name: str, *argv: object) -> None:
        """Run a command as programs do."""
        self.answers[name] = call(*argv, "--workspace", self.workspace.root, "--json")

    def run(self, name: str) -> str:
        """Return the id of the run that a command made."""
        return self.answers[name].json["run"]

    def call(self, *argv: object) -> Answer:
        """Run another command in the same workspace."""
        return call(*argv, "--workspace", self.workspace.root)


@pytest.fixture(scope="session")
def walk(tmp_path_factory, leaf_folders, nonleaf_folder):
    """See `Walk`."""
    return Walk(tmp_path_factory.mktemp("cli"), leaf_folders, nonleaf_folder)


# --- the journey ------------------------------------------------------------------------------------------------------


RUNS = ["import", "lflseg", "masks", "leafgan", "synthesize", "export", "evaluate"]


@pytest.mark.parametrize(
    "name", ["import", "balance", "lflseg", "masks", "leafgan", "promote", "checkpoints", "synthesize", "export"]
    + ["evaluate", "runs", "show", "doctor"],
)  # fmt: skip
def test_every_command_prints_one_json_object_and_nothing_else(walk, name):
    assert walk.answers[name].json
    assert walk.answers[name].lines == []


@pytest.mark.parametrize("name", RUNS)
def test_a_command_that_makes_a_run_says_which_and_where(walk, name):
    answer = walk.answers[name].json
    run = open_run(walk.workspace, answer["run"])
    assert answer["path"] == str(run.folder)
    assert (run.kind, run.status().state, run.status().owner) == (name, "done", "cli")
    expected = run.result() if name != "export" else {**run.result(), "zip": str(walk.zip)}
    assert {key: value for key, value in answer.items() if key not in {"run", "path"}} == expected
    assert "phase: " in run.log()


def test_runs_are_listed_with_the_newest_first(walk):
    listed = walk.answers["runs"].json["runs"]
    assert [row["kind"] for row in listed] == RUNS[::-1]
    assert {row["state"] for row in listed} == {"done"}


def test_show_tells_everything_about_a_run(walk):
    shown = walk.answers["show"].json
    assert shown["record"]["kind"] == "evaluate" and shown["status"]["state"] == "done"
    assert shown["result"]["test_images"] == walk.answers["evaluate"].json["test_images"]


def test_balance_counts_each_label_set(walk):
    balance = walk.answers["balance"].json
    counts = {name: row["total"] for name, row in balance["label_sets"].items()}
    assert counts == {"healthy": 20, "rust": 12, "scab": 12}
    assert balance["imbalance_ratio"] == round(20 / 12, 2)


def test_the_named_epoch_is_promoted(walk):
    card = walk.answers["promote"].json
    assert (card["name"], card["epoch"], card["run"]) == ("to-rust", 1, walk.run("leafgan"))
    assert [card["name"] for card in walk.answers["checkpoints"].json["checkpoints"]][0] == "to-rust"


def test_a_name_that_is_taken_is_promoted_to_only_with_replace(walk, tmp_path):
    shutil.copytree(walk.workspace.root, tmp_path / "copy")
    again = ["promote", walk.run("leafgan"), "--name", "to-rust", "--workspace", tmp_path / "copy"]
    call(*again).refuses("there is already a checkpoint 'to-rust' (epoch 1 of run")
    assert call(*again, "--replace", "--json").json["epoch"] == 2


def test_what_a_run_uses_is_recorded_so_that_it_stays_the_same(walk):
    settings = {name: open_run(walk.workspace, walk.run(name)).record.settings for name in ("masks", "synthesize")}
    assert re.fullmatch(rf"{walk.run('lflseg')}@2#[0-9a-f]{{12}}", settings["masks"]["model"])
    assert settings["synthesize"]["chain"] == [f"to-rust#{walk.answers['promote'].json['weights_sha256'][:12]}"] * 2


def test_the_exported_zip_holds_what_was_made(walk):
    with zipfile.ZipFile(walk.zip) as archive:
        assert archive.testzip() is None
        pictures = [name for name in archive.namelist() if name.startswith("train_images/")]
        labels = list(csv.DictReader(io.TextIOWrapper(archive.open("labels.csv"), "utf-8")))
    assert len(pictures) == len(labels) == 5
    assert {row["labels"] for row in labels} == {"rust"}


def test_a_dry_run_says_what_an_export_would_hold_and_makes_nothing(walk):
    before = [row["run"] for row in walk.call("runs", "--json").json["runs"]]
    told = walk.call("export", walk.run("synthesize"), "--content", "merged", "--dry-run", "--json").json
    assert (told["synthetic"], told["real"]) == (5, told["images"] - 5) and told["real"] > 0
    assert [license["text"] for license in told["licenses"]][0] == "none stated"
    assert [row["run"] for row in walk.call("runs", "--json").json["runs"]] == before


def test_an_export_is_verified_and_one_that_was_changed_is_refused(walk, tmp_path):
    assert call("verify", walk.zip, "--json").json["images"] == 5
    (tmp_path / "cut.zip").write_bytes(walk.zip.read_bytes()[:-30])
    call("verify", tmp_path / "cut.zip").refuses("not a whole ZIP")


def test_both_arms_of_a_comparison_have_a_score(walk):
    arms = walk.answers["evaluate"].json["arms"]
    assert set(arms) == {"real", "real_plus_synthetic"}
    assert arms["real_plus_synthetic"]["train_images"] == arms["real"]["train_images"] + 5


def test_without_json_a_person_can_read_the_answer(walk):
    answer = walk.call("show", walk.run("synthesize"))
    assert answer.code == 0
    assert "state: done" in answer.out and "count: 5" in answer.out
    listed = walk.call("runs")
    assert len(listed.out.splitlines()) == 1 + len(RUNS)


def test_the_environment_names_the_workspace(walk, monkeypatch):
    monkeypatch.setenv("LEAF_WORKSPACE", str(walk.workspace.root))
    assert call("runs", "--json").json == walk.answers["runs"].json


def test_flags_of_the_train_command_itself_count(walk, workspace):
    by_hand = call("train", "--workspace", walk.workspace.root, "classifier", "--dataset", "nowhere")
    by_hand.refuses(f"known in {walk.workspace.root}: leaves")


# --- stop, resume -----------------------------------------------------------------------------------------------------


def test_a_queued_run_can_be_stopped(workspace):
    run = submit(workspace, "render", build_config("render", {}))
    assert call("stop", run.id, "--json").json == {"run": run.id, "path": str(run.folder), "state": "stopped"}
    call("stop", run.id).refuses(f"Run {run.id} is stopped; there is nothing to stop.", code=1)


def test_on_a_full_disk_training_pauses_with_one_line_and_can_be_resumed(carry, workspace, leaf_folders):
    carry("import", source=leaf_folders, name="leaves")
    with pytest.MonkeyPatch.context() as patch:
        usage = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
        patch.setattr(files.shutil, "disk_usage", lambda folder: usage)
        failed = call("train", "classifier", *flags("classifier", dataset="leaves"), "--json")
    failed.refuses("is nearly full: 0 MB free", code=1)
    assert "then resume" in failed.lines[0]
    (row,) = (row for row in call("runs", "--json").json["runs"] if row["kind"] == "classifier")
    assert row["state"] == "paused"
    assert call("show", row["run"], "--json").json["status"]["failure"]["code"] == "disk_full"

    resumed = call("train", "classifier", "--resume", row["run"], "--json").json
    assert (resumed["run"], resumed["epochs"], resumed["steps"]) == (row["run"], 2, 4)


def test_a_disk_without_room_for_a_run_is_named(workspace, monkeypatch):
    def refuse(*args: object) -> None:
        raise OSError(28, "No space left on device", str(workspace.runs))

    monkeypatch.setattr(files.os, "replace", refuse)
    call("render", "--count", 20).refuses("The disk is full", code=1)


def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    answer = call("render", "--count", 20, "--workspace", tmp_path / "file" / "workspace")
    answer.refuses("Not a directory", code=1)


def test_a_run_of_another_kind_cannot_be_resumed_as_training(walk):
    answer = walk.call("train", "cyclegan", "--resume", walk.run("leafgan"))
    answer.refuses("is a leafgan run, expected a cyclegan run")


def test_a_done_run_cannot_be_resumed(walk):
    walk.call("train", "leafgan", "--resume", walk.run("leafgan")).refuses("is done; only a failed", code=1)


# --- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["dance"], "invalid choice: 'dance' (choose from"),
        ([], "the following arguments are required: COMMAND"),
        (["train", "dance"], "invalid choice: 'dance'"),
        (["train"], "the following arguments are required: RECIPE"),
        (["runs", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["masks", "--dataset", "leaves", "--model", "m", "--delt", "0.3"], "unrecognized arguments: --delt 0.3"),
        (["masks", "--dataset", "leaves"], "model: missing. LFLSeg weights"),
        (["train", "leafgan", "--dataset", "leaves", "--b", "rust"], "masks: missing. Mask set to use"),
        (["synthesize", "--dataset", "leaves"], "chain: missing."),
        (["import", "FOLDERS"], "name: missing. What the dataset is called here."),
        (["import"], "the following arguments are required: PATH"),
        (["promote", "LEAFGAN"], "the following arguments are required: --name"),
        (
            ["masks", "--dataset", "leaves", "--model", "LFLSEG", "--delta", "1.7"],
            "delta: got '1.7', expected less than",
        ),
        (
            ["masks", "--dataset", "leaves", "--model", "LFLSEG", "--delta", "much"],
            "delta: got 'much', expected a valid",
        ),
        (["render", "--count", "3"], "count: got '3', expected greater than or equal to 20"),
        (["render", "--preset", "huge"], "preset: got 'huge', expected one of smoke, draft."),
        (["demo", "--preset", "huge"], "preset: got 'huge', expected one of smoke, draft."),
        (["demo", "--seed", "x"], "invalid int value: 'x'"),
        (["train", "leafgan", "--preset", "huge"], "preset: got 'huge'"),
        (["import", "FOLDERS", "--name", "../leaves"], "dataset: got '../leaves', expected 1 to 80 letters"),
        (["promote", "LEAFGAN", "--name", "../mine"], "name: got '../mine', expected 1 to 80 letters"),
        (
            ["promote", "LEAFGAN", "--name", "x", "--epoch", "9"],
            "epoch: got '9', expected one of the saved epochs: 1, 2",
        ),
        (["promote", "MASKS", "--name", "x"], "has saved no weights"),
        (["show", "../runs"], "run: got '../runs', expected"),
        (["show", "nowhere"], "there is no run 'nowhere'"),
        (["stop", "nowhere"], "there is no run 'nowhere'"),
        (["balance", "nowhere"], "dataset: got 'nowhere', known in"),
        (["train", "classifier", "--dataset", "leaves@0123456789ab"], "has no version '0123456789ab'"),
        (["train", "cyclegan", "--dataset", "leaves", "--b", "mould"], "label: got 'mould', expected one of the label"),
        (["train", "cyclegan", "--dataset", "leaves", "--b", "healthy"], "expected two different label sets"),
        (["synthesize", "--chain", "to-rust", "--dataset", "leaves", "--from", "mould"], "label: got 'mould'"),
        (["synthesize", "--chain", "to-rust", "--dataset", "leaves", "--count", "999"], "count: got 999, but only"),
        (["train", "leafgan", "--dataset", "leaves", "--b", "rust", "--masks", "LFLSEG"], "holds no complete mask set"),
        (["export", "SYNTHESIZE", "--to", "FOLDERS"], "is a folder, expected a file's name"),
        (
            ["export", "SYNTHESIZE", "--format", "tar"],
            "format: got 'tar', expected 'imagefolder', 'csv'",
        ),
        (["train", "leafgan", "--resume", "nowhere"], "there is no run 'nowhere'"),
    ],
)
def test_wrong_input_is_refused_with_one_clear_line(walk, argv, message):
    known = {"LEAFGAN": walk.run("leafgan"), "LFLSEG": walk.run("lflseg"), "MASKS": walk.run("masks")}
    known |= {"SYNTHESIZE": walk.run("synthesize"), "FOLDERS": str(walk.folders)}
    words = [known.get(word, word) for word in argv]
    (walk.call(*words) if words[1:] else call(*words)).refuses(message)


def test_help_says_what_a_value_looks_like(capsys):
    with pytest.raises(SystemExit):
        main(["split", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for flag in ("--folds N", "--val X", "--keep-groups true|false", "--leave-out TEXT", "NAME"):
        assert flag in said
    assert "--label-policy keep|multi-label|single-only|combination" in said
    assert "SET_" not in said and "(default true)" in said


@pytest.mark.parametrize(
    ("argv", "named"),
    [(["scarce", "leaves", "--max", "0", "--as", "few"], "--max: got '0'"), (["scarce", "leaves"], "--as: missing.")],
)
def test_a_wrong_setting_is_called_what_it_is_called_here(capsys, argv, named):
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith(named)


def test_a_folder_that_is_missing_is_refused(workspace, tmp_path):
    call("import", tmp_path / "nowhere", "--name", "x", "--json").refuses("there is no such file or folder")


def test_a_table_without_its_columns_is_refused(workspace, tmp_path):
    (tmp_path / "train.csv").write_text("file,label\na.jpg,rust\n")
    call("import", tmp_path, "--name", "x").refuses("it has no column image and none called labels; got file, label")


def test_a_folder_without_pictures_is_refused(workspace, tmp_path):
    call("import", tmp_path, "--name", "x").refuses("no pictures found")


def test_a_checkpoint_that_is_no_safetensors_file_is_refused(walk, tmp_path):
    shutil.copytree(walk.workspace.root, tmp_path / "copy")
    weights = tmp_path / "copy" / "runs" / walk.run("lflseg") / "weights" / "0002.safetensors"
    weights.write_bytes(b"PK\x03\x04 something else")
    answer = call("masks", "--dataset", "leaves", "--model", walk.run("lflseg"), "--workspace", tmp_path / "copy")
    answer.refuses("0002.safetensors: not a safetensors file")


def test_masks_of_another_dataset_are_refused(carry, workspace, leaf_folders, tmp_path):
    carry("import", source=leaf_folders, name="leaves")
    carry("import", source=write_folders(tmp_path / "more", {"healthy": 4, "rust": 4}), name="other")
    masks = create_run(workspace, "masks", build_config("masks", {"dataset": "leaves", "model": "m"}))
    with masks.locked():
        masks.finish("done")
    save_card(masks.folder, MaskCard(dataset="leaves@0123456789ab", delta=0.35, model="m", model_sha256="0"))
    answer = call("train", "leafgan", "--dataset", "other", "--b", "rust", "--masks", masks.id)
    answer.refuses("holds masks of leaves@0123456789ab, expected masks of other@")


def test_a_worker_carries_a_queued_run_out(workspace, leaf_folders, monkeypatch):
    monkeypatch.setattr("leafcore.jobs.step_back", lambda: None)
    run = submit(workspace, "import", build_config("import", {"source": leaf_folders, "name": "leaves"}))
    answer = call("worker", run.id, "--lane", "files")
    assert (answer.code, answer.out) == (0, "")
    assert (run.status().state, run.status().owner) == ("done", "server")
