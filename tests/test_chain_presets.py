"""Chains under a name: from the command line and the API; and a balance plan that becomes a run."""

import json

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.chain_presets import ChainPreset, delete_preset, list_presets, open_preset, save_preset
from leafcore.cli import main
from leafcore.errors import ConfigError, DatasetError, NotFoundError
from leafcore.runs import list_runs
from tests.conftest import carrier, write_folders
from tests.planted import plant_translator
from tests.server import HOST

CHAIN = ChainPreset(chain=("to-rust:0.5", "to-scab"), label_rule="last")


@pytest.fixture
def orchard(workspace, tmp_path):
    """A dataset of which a generator makes one rare disease, and none the other."""
    folders = write_folders(tmp_path / "folders", {"healthy": 20, "rust": 8, "mosaic": 8})
    carrier(workspace)("import", source=folders, name="orchard")
    plant_translator(workspace, "to-rust")
    return workspace


@pytest.fixture
def client(workspace):
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        yield client


def told(capsys, *words):
    """Return a command's exit code, its answer, and what it said on stderr."""
    code = main([*words, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def test_what_is_saved_is_listed_opened_and_forgotten(workspace):
    save_preset(workspace, "both", CHAIN)
    assert list_presets(workspace) == {"both": CHAIN} and open_preset(workspace, "both") == CHAIN
    delete_preset(workspace, "both")
    with pytest.raises(NotFoundError, match="there is no 'both'; saved: none"):
        delete_preset(workspace, "both")


def test_what_cannot_be_a_chain_or_a_name_is_refused(workspace):
    with pytest.raises(ConfigError, match="chain_preset: got '../x'"):
        save_preset(workspace, "../x", CHAIN)
    with pytest.raises(ConfigError, match="chain: got 'much'"):
        save_preset(workspace, "x", ChainPreset(chain=("to-rust:much",)))
    assert list_presets(workspace) == {}


def test_a_damaged_file_is_left_out_and_said_where_it_is_asked_for(workspace):
    save_preset(workspace, "both", CHAIN)
    (workspace.chains / "half.json").write_text("{")
    assert list(list_presets(workspace)) == ["both"]
    with pytest.raises(DatasetError, match="half.json: no chain can be read from it"):
        open_preset(workspace, "half")


def test_the_command_line_saves_lists_and_forgets(workspace, capsys):
    code, answer, _ = told(
        capsys, "chains", "--save", "both", "--chain", "to-rust:0.5, to-scab", "--label-rule", "last"
    )
    assert code == 0 and answer["chains"] == {"both": CHAIN.model_dump(mode="json")}
    assert told(capsys, "chains", "--save", "both")[0] == 2
    assert told(capsys, "chains", "--delete", "both")[1] == {"chains": {}}


def test_the_api_saves_lists_and_forgets(client):
    body = CHAIN.model_dump(mode="json")
    assert client.put("/chains/both", json=body).json() == body == client.get("/chains/both").json()
    assert client.get("/chains").json() == {"both": body}
    assert client.delete("/chains/both").json() == {} and client.get("/chains/both").status_code == 404


def test_a_balance_plan_is_made_as_one_run_only_when_what_nothing_makes_is_skipped(orchard, capsys):
    code, _, said = told(capsys, "balance", "orchard", "--target", "largest", "--make")
    assert code == 2 and said.startswith("plan: no generator makes mosaic") and not list_runs(orchard, "synthesize")
    code, answer, _ = told(capsys, "balance", "orchard", "--target", "largest", "--make", "--skip")
    (run,) = list_runs(orchard, "synthesize")
    assert code == 0 and answer["run"] == run.id and set(answer["made"]) == {"rust"}


def test_a_plan_in_a_file_and_one_that_the_api_is_asked_for_mean_the_same(orchard, client, tmp_path, capsys):
    wish = {"target": "largest", "skip": True}
    queued = client.post("/datasets/orchard/plan", json=wish)
    assert queued.status_code == 201, queued.text
    assert client.post("/datasets/orchard/plan", json={"target": "largest"}).status_code == 422
    settings = queued.json()["record"]["settings"]
    (tmp_path / "plan.json").write_text(json.dumps(settings["plan"]))
    code, answer, said = told(capsys, "synthesize", "--plan", str(tmp_path / "plan.json"), "--dataset", "orchard")
    assert code == 0, said
    by_file = {run.id: run for run in list_runs(orchard, "synthesize")}[answer["run"]]
    assert by_file.record.config_hash == queued.json()["record"]["config_hash"]
    code, _, said = told(capsys, "synthesize", "--plan", "gone.json", "--dataset", "orchard")
    assert code == 2 and said.startswith("--plan: gone.json cannot be read")
