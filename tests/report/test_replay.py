"""A replay: the same numbers from a report's own files, and a clear word where they cannot be."""

import json
import os
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

from leafcore.data.reviewing import Said, say
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import ConfigError, DatasetError
from leafcore.evaluate.result import Comparison, read_comparison
from leafcore.files import read_json, write_json
from leafcore.report.configs import ReportConfig
from leafcore.report.facts import gather
from leafcore.report.replay import Expected, compare, numbers, replay, replay_files
from leafcore.report.report import report
from tests.test_cli import call
from tests.watcher import Watcher


@pytest.fixture(scope="module")
def packed(journey, tmp_path_factory):
    """The ZIP of a report."""
    folder = tmp_path_factory.mktemp("replay") / "run"
    report(ReportConfig(run=journey.runs["evaluate"].id), journey.workspace, Watcher(folder))
    return folder / "report.zip"


@pytest.fixture
def folder(packed, tmp_path):
    """Its replay folder, unpacked."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "unpacked")
    return next((tmp_path / "unpacked").glob("*/replay"))


@pytest.fixture
def expected(folder):
    return Expected.model_validate(read_json(folder / "expected.json"))


def test_a_replay_on_the_cpu_finds_the_same_numbers(own, folder, journey):
    answer = call("replay", folder, "--workspace", own.root, "--json").json
    assert answer["same"] and answer["largest"] == 0, "on the same machine bit for bit"
    assert answer["numbers"] == len(read_json(folder / "expected.json")["numbers"]) > 10
    assert answer["run"] != journey.runs["evaluate"].id and (own.runs / answer["run"] / "comparison.json").exists()


def test_the_script_is_the_command(folder, tmp_path):
    script = folder / "replay.sh"
    seen = tmp_path / "bin" / "python"
    seen.parent.mkdir()
    seen.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    seen.chmod(0o755)
    path = {"PATH": f"{seen.parent}{os.pathsep}{os.environ['PATH']}"}
    told = subprocess.run(["sh", script, "--json"], env=path, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert told.stdout.splitlines() == ["-m", "leafcore", "replay", str(folder.resolve()), "--json"]


def test_a_number_that_is_off_is_named_and_fails(expected, journey):
    found = read_comparison(journey.runs["evaluate"].folder)
    moved = {name: value + 0.3 * (name == "real: F1 of rust") for name, value in expected.numbers.items()}
    told = compare(expected.model_copy(update={"numbers": moved}), found, "again")
    assert not told.same and told.exit_code == 1
    assert told.where == "real: F1 of rust" and told.largest == pytest.approx(0.3)
    assert compare(expected, found, "again").exit_code == 0


def test_another_test_split_or_other_arms_cannot_be_compared(expected, journey):
    found = read_comparison(journey.runs["evaluate"].folder)
    with pytest.raises(DatasetError, match="test split: got "):
        compare(expected.model_copy(update={"test_hash": "0" * 64}), found, "again")
    fewer = {name: value for name, value in expected.numbers.items() if name != "real: F1 of rust"}
    with pytest.raises(DatasetError, match="only one of the two comparisons has real: F1 of rust"):
        compare(expected.model_copy(update={"numbers": fewer}), found, "again")


def test_other_synthetic_pictures_are_refused_before_anything_is_trained(own, folder, journey):
    manifest = open_synthetic_set(own, journey.runs["synthesize"].id).folder / "manifest.csv"
    sha256 = open_synthetic_set(own, journey.runs["synthesize"].id).manifest["sha256"][0]
    manifest.write_text(manifest.read_text().replace(sha256, "0" * 64))
    with pytest.raises(DatasetError, match="holds other pictures here than in comparison"):
        replay(folder, own, lambda config: pytest.fail("nothing may be trained"))


def test_a_replay_wants_the_pictures_that_were_compared_not_those_that_a_later_review_left(own, journey, tmp_path):
    made = journey.runs["synthesize"].id
    say(own, made, Said(reject=(open_synthetic_set(own, made).files[0],)))
    for name, text in replay_files(gather(own, journey.runs["evaluate"].id), own).items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match="holds other pictures here than in comparison"):
        replay(tmp_path, own, lambda config: pytest.fail("nothing may be trained"))


def test_scores_and_their_intervals_are_compared(expected, journey):
    found = read_comparison(journey.runs["evaluate"].folder)
    score = found.arms["real"]

    def with_interval(high: float) -> Comparison:
        macro = score.macro_f1.model_copy(update={"low": 0.1, "high": high})
        return found.model_copy(update={"arms": {**found.arms, "real": score.model_copy(update={"macro_f1": macro})}})

    then = numbers(with_interval(0.7))
    told = {name.removeprefix("real: ") for name in then if name.startswith("real: ")}
    kinds = ("precision", "recall", "F1", "AUROC", "AP")
    of = {f"{kind} of {label}" for kind in kinds for label in ("rust", "all labels, macro", "all labels, micro")}
    assert of | {"subset accuracy", "calibration error", "macro-F1, low", "macro-F1, high"} <= told
    answer = compare(expected.model_copy(update={"numbers": then}), with_interval(0.9), "again")
    assert not answer.same and answer.where == "real: macro-F1, high"


def test_precision_and_libraries_are_those_that_the_comparison_recorded(own, journey, tmp_path):
    recorded = {"libraries": "python 3.9, torch 1.0+cpu", "precision": "bf16", "device": "cpu"}
    write_json(own.runs / journey.runs["evaluate"].id / "environment.json", recorded)
    files = replay_files(gather(own, journey.runs["evaluate"].id), own)
    assert json.loads(files["config.json"])["precision"] == "bf16"
    lines = files["requirements.txt"].splitlines()
    assert lines[0].startswith("# python 3.9, torch: as the comparison recorded")
    assert "torch==1.0+cpu" in lines and f"numpy=={np.__version__}" in lines
    write_json(own.runs / journey.runs["evaluate"].id / "environment.json", {})
    assert "# none is recorded" in replay_files(gather(own, journey.runs["evaluate"].id), own)["requirements.txt"]


def test_other_code_or_libraries_are_warned_of_before_anything_is_trained(own, folder, expected, journey, caplog):
    answer = {**json.loads((journey.runs["evaluate"].folder / "result.json").read_text()), "run": "again"}

    def replayed(**changed):
        write_json(folder / "expected.json", {**expected.model_dump(), "libraries": "", **changed})
        heard = []
        found = replay(folder, own, lambda config: heard.append(caplog.text) or answer)
        return found.warning, heard[0]

    assert replayed() == ("", "")
    for told, changed in (
        ("code 0.1+abc then", {"code_version": "0.1+abc"}),
        ("torch 1.0 then", {"libraries": "torch 1.0"}),
    ):
        warning, heard = replayed(**changed)
        assert told in warning and told in heard


def test_what_is_no_replay_is_said_in_one_line(own, folder, tmp_path):
    call("replay", tmp_path, "--workspace", own.root).refuses("is no replay")
    shutil.copy(folder / "config.json", folder / "expected.json")
    with pytest.raises(ConfigError, match="is no replay"):
        replay(folder, own, lambda config: {})


def test_a_comparison_of_a_gpu_may_be_off_by_more(own, journey, tmp_path):
    recorded = own.runs / journey.runs["evaluate"].id / "environment.json"
    write_json(recorded, {**read_json(recorded), "device": "cuda:0"})
    report(ReportConfig(run=journey.runs["evaluate"].id), own, Watcher(tmp_path / "run"))
    with zipfile.ZipFile(tmp_path / "run" / "report.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith("expected.json"))
        assert Expected.model_validate_json(archive.read(name)).tolerance == 0.05
