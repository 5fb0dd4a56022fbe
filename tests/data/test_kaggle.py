import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import kagglehub
import pytest
import requests
from kagglehub import exceptions

from leafcore.data import kaggle
from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.data.kaggle import KNOWN, KaggleSource, fetch, kaggle_source
from leafcore.data.manifest import load
from leafcore.errors import DatasetError, Stopped
from leafcore.jobs import build_config, submit
from leafcore.workspace import PROJECT_ROOT, Workspace
from tests.conftest import write_folders
from tests.watcher import Watcher

COMPETITION = KaggleSource("some-competition")
DATASET = KaggleSource("owner/leaves")


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the developer's own account and cache alone."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "no-account"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", "")  # set by a download; put back after the test


def answers(monkeypatch: pytest.MonkeyPatch, download: Callable[[str], str]) -> None:
    """Put a function in the place of both of kagglehub's downloads."""
    for name in ("competition_download", "dataset_download"):
        monkeypatch.setattr(kagglehub, name, download)


def refuse(source: KaggleSource, workspace: Workspace) -> str:
    with pytest.raises(DatasetError) as caught:
        fetch(source, workspace, Watcher(workspace.root / "run"))
    text = str(caught.value)
    assert text.startswith(source.url) and "\n" not in text
    assert text.endswith("Or download it by hand from there and import its path.")
    return text


def http_error(status: int) -> Exception:
    response = requests.Response()
    response.status_code = status
    return exceptions.KaggleApiHTTPError("Client Error.\n\nYou don't have permission", response=response)


def raising(error: Exception) -> Callable[[str], str]:
    def download(handle: str) -> str:
        raise error

    return download


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_dataset_has_a_short_name_and_its_own(name: str) -> None:
    assert kaggle_source(Path(f"kaggle:{name}")) == kaggle_source(Path(f"kaggle:{KNOWN[name].handle}")) == KNOWN[name]


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("kaggle:some-competition", "https://www.kaggle.com/competitions/some-competition"),
        ("kaggle:owner/leaves", "https://www.kaggle.com/datasets/owner/leaves"),
        ("kaggle:owner/leaves/versions/3", "https://www.kaggle.com/datasets/owner/leaves/versions/3"),
    ],
)
def test_others_are_competitions_or_datasets(source: str, url: str) -> None:
    found = kaggle_source(Path(source))
    assert found is not None and found.url == url


def test_a_path_is_no_dataset_of_kaggles() -> None:
    assert kaggle_source(Path("/data/kaggle:leaves")) is None


@pytest.mark.parametrize("source", ["kaggle:", "kaggle:../x", "kaggle:a/b/c", "kaggle:a b", "kaggle:https:/x.y"])
def test_a_name_that_cannot_be_is_refused_before_a_run_is_made(source: str) -> None:
    with pytest.raises(DatasetError, match="expected kaggle: and one of plant-pathology-2021"):
        ImportConfig.build({"source": source, "name": "x"})


# --- downloads --------------------------------------------------------------------------------------------------------


def test_what_is_downloaded_is_imported(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    asked = []

    def download(handle: str) -> str:
        import os

        asked.append(handle)
        print("Downloading ...")
        root = Path(os.environ["KAGGLEHUB_CACHE"]) / "datasets" / handle / "versions" / "3"
        write_folders(root / "plantvillage dataset" / "color", {"Apple___healthy": 5, "Apple___rust": 4})
        write_folders(root / "plantvillage dataset" / "grayscale", {"Apple___healthy": 5})
        return str(root)

    answers(monkeypatch, download)
    config = build_config("import", {"source": "kaggle:plantvillage", "name": "village"})
    record = submit(workspace, "import", config).record
    watcher = Watcher(workspace.root / "run")
    result = import_dataset(ImportConfig.build(record.settings), workspace, watcher)
    dataset = load(workspace, "village")
    assert result.label_sets == {"Apple___healthy": 5, "Apple___rust": 4}
    assert dataset.root.is_relative_to(workspace.downloads) and dataset.card.source == "kaggle:plantvillage"
    assert asked == ["abdallahalidev/plantvillage-dataset"] and watcher.phases[0] == "downloading"
    assert capsys.readouterr().out == "", "a command's stdout is its answer"


def test_a_folder_that_is_not_there_any_more_is_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, lambda handle: str(tmp_path))
    with pytest.raises(DatasetError, match="holds no folder 'plantvillage dataset/color' any more"):
        fetch(KNOWN["plantvillage"], workspace, Watcher(tmp_path / "run"))


def test_how_much_has_come_is_said_and_a_stop_does_not_wait_for_the_rest(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    archive = workspace.downloads / "kaggle" / "competitions" / "x.archive"

    def download(handle: str) -> str:
        archive.parent.mkdir(parents=True)
        with archive.open("wb") as file:
            file.truncate(1_500_000_000)  # a hole, which takes no room
        begun.set()
        assert may_end.wait(30)
        return str(archive.parent)

    class Impatient(Watcher):
        @property
        def should_stop(self) -> bool:
            return begun.is_set() and len(self.phases) > 1

    answers(monkeypatch, download)
    monkeypatch.setattr(kaggle, "LOOK_S", 0.01)
    watcher = Impatient(workspace.root / "run")
    try:
        with pytest.raises(Stopped):
            fetch(COMPETITION, workspace, watcher)
    finally:
        may_end.set()
    assert watcher.phases[-1] == "downloading, 1.5 GB so far"


# --- what is in the way -----------------------------------------------------------------------------------------------


def test_without_an_account_it_is_said_how_to_give_one(workspace: Workspace) -> None:
    """Kagglehub itself says so, before it asks the network."""
    text = refuse(KNOWN["plant-pathology-2021"], workspace)
    assert "KAGGLE_USERNAME and KAGGLE_KEY" in text and "kaggle.json" in text and "kagglehub.login()" in text


@pytest.mark.parametrize("source", [COMPETITION, DATASET])
def test_without_a_network_it_is_said_that_the_download_goes_on_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, source: KaggleSource
) -> None:
    """The real client, whose connections are refused."""
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", "key")

    def unreachable(*args: object, **options: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("urllib3.util.connection.create_connection", unreachable)
    assert "Kaggle cannot be reached (ConnectionError)" in refuse(source, workspace)


def test_rules_that_were_not_accepted_are_named_with_their_address(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, raising(http_error(403)))
    text = refuse(COMPETITION, workspace)
    assert "Accept the rules at https://www.kaggle.com/competitions/some-competition/rules" in text
    assert "Accept the rules" not in refuse(DATASET, workspace)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (http_error(404), "nothing at this address (404)"),
        (http_error(401), "Kaggle refused (401)"),
        (http_error(502), "answered with an error (502). Try again later"),
        (requests.ReadTimeout("slow"), "cannot be reached (ReadTimeout)"),
        (exceptions.DataCorruptionError("The MD5\n\nis wrong"), "The MD5 is wrong"),
        (exceptions.BackendError("no"), "no."),
        (ValueError("Invalid Kaggle credentials file at /x"), "Invalid Kaggle credentials file at /x"),
    ],
)
def test_other_refusals_are_one_line(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    answers(monkeypatch, raising(error))
    assert message in refuse(DATASET, workspace)


def test_a_full_disk_stays_a_full_disk(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, raising(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left") as caught:
        fetch(DATASET, workspace, Watcher(workspace.root / "run"))
    assert caught.value.errno == 28


def test_the_command_says_in_one_line_what_to_do_and_nothing_on_stdout(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "leafcore", "import", "kaggle:cassava", "--name", "cassava", "--json"]
    answer = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "KAGGLE_USERNAME and KAGGLE_KEY" in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr
    status = next(workspace.runs.glob("*/status.json"))
    assert json.loads(status.read_text())["state"] == "failed"
